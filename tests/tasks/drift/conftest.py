from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from blocks.ledger import Ledger
from tests.blocks.source_databases import execute
from tests.tasks.drift.shops import SHOP, Shop


@pytest.fixture
async def shop(empty_database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    await execute(empty_database_url, *SHOP)
    async with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        yield Shop(empty_database_url, ledger)
