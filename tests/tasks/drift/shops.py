"""A database of vendors and invoices that drifts, and saved queries that are answered from it."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import DriftRefused
from blocks.ledger import Ledger
from blocks.sources import read_source
from tasks.drift.answering import Answering, Asker
from tasks.drift.choice import OnDrift
from tasks.drift.discover import Discovery, discover
from tasks.drift.saved import Prepared, Saved
from tests.blocks.source_databases import execute

T = TypeVar("T")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NAMES = ("Able", "Bold", "Cora", "Dunn", "Eads", "Falk", "Gard", "Holt")
CITIES = ("Ulm", "Bonn", "Kiel", "Hof", "Trier", "Jena", "Celle", "Emden")
_VENDORS = ", ".join(f"({at + 1}, '{name}', '{CITIES[at]}', {at * 7 % 5})" for at, name in enumerate(NAMES))
_INVOICES = ", ".join(f"({at}, {at % 8 + 1}, {at * 13 % 101})" for at in range(1, 60))
SHOP = (
    "CREATE TABLE vendors (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, city VARCHAR(40), score INTEGER)",
    f"INSERT INTO vendors VALUES {_VENDORS}",  # noqa: S608  # a test's own
    "CREATE TABLE invoices (id INTEGER PRIMARY KEY, vendor_id INTEGER NOT NULL, amount INTEGER NOT NULL)",
    f"INSERT INTO invoices VALUES {_INVOICES}",  # noqa: S608  # a test's own
)
SPEND = (
    "SELECT v.name, v.city, SUM(i.amount) AS spend FROM vendors v JOIN invoices i ON i.vendor_id = v.id"
    " GROUP BY v.name, v.city ORDER BY v.name"
)


class Shop:
    """A database of vendors and invoices, and the ledger that remembers what was answered from it."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        self.url, self.ledger = url, ledger
        self.now = NOON
        self.asked: list[Prepared] = []
        self.approves = True
        self.meanwhile: tuple[str, ...] = ()
        """What is done to the database while an approval is waited for."""

    async def found(self) -> Discovery:
        """The schema as it is now."""
        return await discover("shop", {"shop": self.url}, self.ledger, self.now, timeout_seconds=10)

    async def answering(self, sql: str = SPEND, on_drift: OnDrift = "repair", **saved: Any) -> Answering:
        """The query, about to be answered on the schema as it is now."""
        overrides, found = {"shop": self.url}, await self.found()

        async def read(work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
            return await read_source("shop", overrides, 10, work)

        asker = Asker(read, self.ledger, lambda: self.now, 10, self._approve)
        return Answering(Saved("shop", sql, on_drift, **saved), found, asker)

    async def answer(self, sql: str = SPEND, on_drift: OnDrift = "repair", **saved: Any) -> tuple[list[Any], Prepared]:
        """The rows, and what was run for them; `saved` are further settings of the saved query."""
        answering = await self.answering(sql, on_drift, **saved)
        table, _ = await answering.answer()
        assert answering.prepared is not None
        return list(table.rows), answering.prepared

    async def _approve(self, done: Prepared) -> None:
        self.asked.append(done)
        await execute(self.url, *self.meanwhile)
        if not self.approves:
            raise DriftRefused("nobody approved it")
