"""A ledger and an API of each test's own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from blocks.ledger import Ledger
from tests.servers.scripted_api import ScriptedApi, scripted_api


@pytest.fixture
async def ledger(sqlite_ledger_url: str) -> AsyncIterator[Ledger]:
    async with Ledger.open(sqlite_ledger_url) as opened:
        yield opened


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with scripted_api() as started:
        yield started
