"""The ledger in both databases that can hold it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from blocks.ledger import Ledger


@pytest.fixture
def sqlite_ledger_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'home' / 'ledger.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def a_ledger_url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_ledger_url" if request.param == "sqlite" else "fresh_postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
async def ledger(a_ledger_url: str) -> AsyncIterator[Ledger]:
    async with Ledger.open(a_ledger_url) as opened:
        yield opened
