"""Asks a service in tests: its client with a clock that is moved, and a call with its time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.ledger import Ledger
from blocks.services.call import Answer, Call, Trace
from blocks.services.client import ServiceClient
from blocks.services.service import Service

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ITEMS = Call("GET", "/items")


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
