"""Asks a service in tests: its client with a clock that is moved, and a call with its time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.errors import ServiceUnavailable
from blocks.ledger import Ledger
from blocks.services.call import Answer, Call, Trace
from blocks.services.client import ServiceClient
from blocks.services.service import Service

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ITEMS = Call("GET", "/items")
NEW = Call("POST", "/items", json={"name": "Mar\u00eda"})
SECRET = "xoxb-scripted-7d20"  # noqa: S105  # it opens nothing
AT_ONCE = {"Retry-After": "0"}
"""Of a failure: it is tried again without a wait, which keeps these tests short."""


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        """Moves it on."""
        self.now += timedelta(seconds=seconds)


@asynccontextmanager
async def client_at(
    url: str, ledger: Ledger, clock: Clock | None = None, **fields: Any
) -> AsyncIterator[ServiceClient]:
    """A client of the service `crm`, with these fields of its block."""
    service = Service(base_url=url, **fields)
    client = ServiceClient("crm", service, ledger.services, **({"now": clock} if clock else {}))
    try:
        yield client
    finally:
        await client.aclose()


async def send(
    client: ServiceClient, call: Call = ITEMS, *, seconds: float = 30.0, trace: Trace | None = None
) -> Answer:
    """The answer to the call, which has so many seconds."""
    until = asyncio.get_running_loop().time() + seconds
    return await client.send(call, until, trace or Trace())


async def fail(client: ServiceClient, times: int = 1) -> None:
    """Makes a write that fails, which is one request each."""
    for _ in range(times):
        with pytest.raises(ServiceUnavailable, match="answered 500"):
            await send(client, NEW)
