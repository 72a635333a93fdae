"""The ledger's door: opens it, and writes what a run does as it happens (reading.py has the readers).

Awaited methods return after their commit. `attempt_started` and `attempt_ended` return at once and are committed
within about 200 ms; a reader of the same ledger waits for them. Every time that goes in must have a time zone: a naive
one is a ValueError.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, fields
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import anyio
from pydantic import JsonValue
from sqlalchemy import URL, Executable, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from blocks.budgets import AtLimit
from blocks.database_urls import without_password
from blocks.errors import RunUnknown
from blocks.ledger import spending, statements
from blocks.ledger.columns import in_utc
from blocks.ledger.engine import create_engine, explaining, ledger_url, prepare_file
from blocks.ledger.gates import GateBook
from blocks.ledger.reading import Reader, run_row
from blocks.ledger.rows import (
    DeliveryRow,
    ExchangeRow,
    ExpectationRow,
    GoodAnswerRow,
    ModelCallRow,
    RunRow,
)
from blocks.ledger.schema import make_current
from blocks.ledger.services import ServiceBook
from blocks.ledger.spending import Hold, Limit, Reserved
from blocks.ledger.statements import deliveries, expectations, runs, schemas
from blocks.ledger.writer import Writer
from blocks.schemas.snapshot import Snapshot

_COLUMNS_OF_CALL = tuple(field.name for field in fields(ModelCallRow) if field.name != "id")


class Ledger(Reader):
    """The database of what happened, open in one event loop: `async with Ledger.open(url) as ledger`."""

    def __init__(self, engine: AsyncEngine, url: URL) -> None:
        self._dialect = engine.dialect.name
        self._insert_attempts = statements.insert_attempts(self._dialect)
        self._end_attempts = statements.end_attempts()
        super().__init__(engine, url, Writer(engine, url, self._insert_attempts, self._end_attempts))
        self._starts: dict[UUID, int] = {}
        self.gates = GateBook(self._writer, self._read, self._dialect)
        self.services = ServiceBook(self._writer, self._read, self._dialect)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator["Ledger"]:
        """The ledger at the URL, with its tables made or migrated; closing commits what is queued.

        Raises:
            OperatorError: it cannot be reached or written, or a newer Holdfast has migrated it.
        """
        place = ledger_url(url)
        prepare_file(place)
        engine = create_engine(place)
        try:
            with explaining(place):
                await make_current(engine, place)
            ledger = cls(engine, place)
            try:
                yield ledger
            finally:
                # A run that is cancelled is recorded too.
                with anyio.CancelScope(shield=True):
                    await ledger._writer.close()
        finally:
            with anyio.CancelScope(shield=True):
                await engine.dispose()

    async def start_run(
        self,
        *,
        run_id: UUID,
        workflow: str,
        version: int | None,
        team: str,
        definition: str,
        inputs: Mapping[str, JsonValue],
        sources: Mapping[str, str],
        started_at: datetime,
    ) -> RunRow:
        """The run, in state Running; a run of that id starts again and keeps everything that it was started with."""
        values = {
            "run_id": run_id,
            "workflow": workflow,
            "version": version,
            "team": team,
            "definition": definition,
            "inputs": dict(inputs),
            "sources": {name: without_password(url) for name, url in sources.items()},
            "state": "Running",
            "message": "",
            "gaps": [],
            "started_at": in_utc(started_at),
            "starts": 1,
        }
        start = statements.start_run(self._dialect, values)

        async def write(connection: AsyncConnection) -> RunRow:
            return run_row((await connection.execute(start)).one())

        run = await self._writer.now(write)
        self._starts[run_id] = run.starts
        return run

    async def finish_run(self, run_id: UUID, state: str, message: str, gaps: Sequence[str], at: datetime) -> None:
        """Sets the run's final state.

        Raises:
            RunUnknown: no run of that id.
        """
        values = {"state": state, "message": message, "gaps": list(gaps), "finished_at": in_utc(at)}
        if await self._write(update(runs).where(runs.c.run_id == run_id).values(**values)) == 0:
            raise RunUnknown(f"the ledger has no run {run_id}", mend="start it first")

    def attempt_started(self, run_id: UUID, node: str, kind: str, attempt: int, at: datetime) -> None:
        """Queues a try in state `running`, in the start of the run that this ledger recorded.

        Raises:
            LookupError: this ledger has not started that run.
        """
        values = {
            "run_id": run_id,
            "node": node,
            "kind": kind,
            "start": self._starts[run_id],
            "attempt": attempt,
            "state": "running",
            "started_at": in_utc(at),
        }
        self._writer.later(self._insert_attempts, values)

    def attempt_ended(
        self, run_id: UUID, node: str, attempt: int, state: str, seconds: float, error: str | None = None
    ) -> None:
        """Queues the end of a try that was started; an empty error is none.

        Raises:
            LookupError: this ledger has not started that run.
        """
        values = {
            "the_run_id": run_id,
            "the_node": node,
            "the_start": self._starts[run_id],
            "the_attempt": attempt,
            "the_state": state,
            "the_seconds": seconds,
            "the_error": error or None,
        }
        self._writer.later(self._end_attempts, values)

    async def reserve(self, hold: Hold, limits: Sequence[Limit], refusing: Collection[AtLimit]) -> Reserved:
        """Holds what a call may cost, unless it would pass a limit of those that refuse; says which it passes.

        Whoever is cancelled while it waits holds nothing.
        """
        reserving = asyncio.ensure_future(
            self._writer.now(lambda connection: spending.reserve(connection, hold, limits, refusing))
        )
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            # The write is made all the same, and nobody would ever settle it.
            with anyio.CancelScope(shield=True):
                await asyncio.wait((reserving,))
                if reserving.exception() is None and reserving.result().allowed:
                    await self._writer.now(lambda connection: spending.settle(connection, hold, Decimal(0)))
            raise

    async def record_model_call(
        self, call: ModelCallRow, *, hold: Hold | None = None, exchange: ExchangeRow | None = None
    ) -> None:
        """Adds a call of a model, with its exchange, and settles what was held for it, in one transaction."""
        values = {name: getattr(call, name) for name in _COLUMNS_OF_CALL} | {"at": in_utc(call.at)}
        paid = hold or Hold(spending.accounts_of(call.run_id, call.workflow, call.team, call.at), Decimal(0))

        async def write(connection: AsyncConnection) -> None:
            call_id = (await connection.execute(statements.insert_model_call, values)).scalar_one()
            await spending.settle(connection, paid, call.cost_usd)
            if exchange is not None:
                of_call = {"call_id": call_id, "workflow": call.workflow, "node": call.node}
                said = {"request": exchange.request, "answer": exchange.answer}
                await connection.execute(statements.insert_exchange, of_call | said)

        await self._writer.now(write)

    async def forget_exchanges(self, workflow: str, keep: int) -> None:
        """Leaves so many of the newest exchanges of each of the workflow's nodes."""
        await self._write(statements.older_exchanges(workflow, keep))

    async def intend_delivery(self, run_id: UUID, node: str, target: str, sha256: str, at: datetime) -> DeliveryRow:
        """The delivery that now stands for this target.

        It is the caller's to make where it is `new`: there was none, or the earlier one is known to have failed. Else
        it has a receipt, or it is an earlier intent of which nobody knows whether it was carried out.
        """
        key = {"run_id": run_id, "node": node, "target": target}
        values = {**key, "sha256": sha256, "intent_at": in_utc(at), "outcome": "intended", "error": None}
        intend = statements.intend_delivery(self._dialect, values)

        async def write(connection: AsyncConnection) -> DeliveryRow:
            if (row := (await connection.execute(intend)).one_or_none()) is not None:
                return DeliveryRow(**row._mapping, new=True)
            stands = select(deliveries).filter_by(**key)
            return DeliveryRow(**(await connection.execute(stands)).one()._mapping)

        return await self._writer.now(write)

    async def confirm_delivery(self, delivery_id: int, receipt: Mapping[str, JsonValue], at: datetime) -> None:
        """Adds the receipt: the delivery was made."""
        values = {"receipt": dict(receipt), "receipt_at": in_utc(at), "outcome": "delivered", "error": None}
        await self._write(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))

    async def fail_delivery(self, delivery_id: int, error: str) -> None:
        """Records that the delivery is known not to have been made, so that another try may make it."""
        undelivered = (deliveries.c.id == delivery_id) & deliveries.c.receipt_at.is_(None)
        await self._write(update(deliveries).where(undelivered).values(outcome="failed", error=error))

    async def record_schema(self, source: str, snapshot: Snapshot, at: datetime, run_id: UUID | None = None) -> None:
        """Adds the schema that the source has from now on."""
        values = {
            "source": source,
            "database": snapshot.database,
            "fingerprint": snapshot.fingerprint,
            "snapshot": snapshot.model_dump(mode="json"),
            "at": in_utc(at),
            "run_id": run_id,
        }
        await self._write(insert(schemas).values(**values))

    async def record_good_answer(self, answer: GoodAnswerRow) -> None:
        """Remembers the answer in place of an earlier one to the same SQL from the same source."""
        values = {
            **asdict(answer),
            "repairs": list(answer.repairs),
            "approved_by": list(answer.approved_by),
            **statements.key_of_good_answer(answer.source, answer.sql),
            "sampled_at": in_utc(answer.sampled_at),
            "at": in_utc(answer.at),
        }
        await self._write(statements.record_good_answer(self._dialect, values))

    async def record_expectations(self, checked: Sequence[ExpectationRow]) -> None:
        """Adds what was expected, in its order."""
        rows = [{**asdict(each), "at": in_utc(each.at)} for each in checked]

        async def write(connection: AsyncConnection) -> None:
            if rows:
                await connection.execute(insert(expectations), rows)

        await self._writer.now(write)

    async def _write(self, statement: Executable) -> int:
        """How many rows the statement changed, after its commit."""

        async def write(connection: AsyncConnection) -> int:
            return (await connection.execute(statement)).rowcount

        return await self._writer.now(write)
