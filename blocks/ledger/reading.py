"""What can be read of the ledger; each reader first waits for what the same ledger still has to write."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import URL, Row, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.ledger.columns import in_utc
from blocks.ledger.engine import explaining
from blocks.ledger.rows import (
    AttemptRow,
    DecisionRow,
    DeliveryRow,
    ExchangeRow,
    ExpectationRow,
    GoodAnswerRow,
    KnownAnswerRow,
    ModelCallRow,
    RunCost,
    RunRow,
    SchemaRow,
)
from blocks.ledger.spending import Account, Balance
from blocks.ledger.statements import (
    accounts,
    attempts,
    decisions,
    deliveries,
    exchanges,
    expectations,
    good_answers,
    is_decision_of,
    key_of_good_answer,
    model_calls,
    runs,
    schemas,
)
from blocks.ledger.writer import Writer
from blocks.models.calls import OFFLINE
from blocks.schemas.snapshot import Snapshot


def run_row(row: Row[Any]) -> RunRow:
    """The row of `runs` as its dataclass."""
    return RunRow(**{**row._mapping, "gaps": tuple(row.gaps)})


class Reader:
    """The reading half of a ledger. Every method raises OperatorError where the database does not answer."""

    def __init__(self, engine: AsyncEngine, url: URL, writer: Writer) -> None:
        self._engine, self._url, self._writer = engine, url, writer

    async def run(self, run_id: UUID) -> RunRow | None:
        """The run of that id, if there is one."""
        rows = await self._read(select(runs).where(runs.c.run_id == run_id))
        return run_row(rows[0]) if rows else None

    async def recent_runs(self, limit: int = 20) -> tuple[RunRow, ...]:
        """The runs that started last, newest first."""
        return tuple(map(run_row, await self._read(select(runs).order_by(runs.c.started_at.desc()).limit(limit))))

    async def attempts(self, run_id: UUID) -> tuple[AttemptRow, ...]:
        """Every try of every node in every start of the run, in the order in which they began."""
        query = select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.started_at, attempts.c.id)
        return tuple(AttemptRow(**row._mapping) for row in await self._read(query))

    async def model_calls(self, run_id: UUID) -> tuple[ModelCallRow, ...]:
        """The run's model calls, in the order in which they were recorded."""
        query = select(model_calls).where(model_calls.c.run_id == run_id).order_by(model_calls.c.id)
        return tuple(ModelCallRow(**row._mapping) for row in await self._read(query))

    async def deliveries(self, run_id: UUID) -> tuple[DeliveryRow, ...]:
        """The run's deliveries, in the order of their first intent."""
        query = select(deliveries).where(deliveries.c.run_id == run_id).order_by(deliveries.c.id)
        return tuple(DeliveryRow(**row._mapping) for row in await self._read(query))

    async def decision(self, run_id: UUID, node: str) -> DecisionRow | None:
        """The decision that stands for this gate, if there is one."""
        rows = await self._read(select(decisions).where(is_decision_of(run_id, node)))
        return DecisionRow(**rows[0]._mapping) if rows else None

    async def schema(self, source: str, fingerprint: str | None = None) -> SchemaRow | None:
        """The schema that the source was last seen with, or the last one of that fingerprint; None: it never was."""
        query = select(schemas).where(schemas.c.source == source).order_by(schemas.c.id.desc()).limit(1)
        if fingerprint is not None:
            query = query.where(schemas.c.fingerprint == fingerprint)
        for row in await self._read(query):
            snapshot = Snapshot.model_validate(row.snapshot)
            return SchemaRow(source=row.source, snapshot=snapshot, at=row.at, run_id=row.run_id)
        return None

    async def good_answer(self, source: str, sql: str) -> GoodAnswerRow | None:
        """What is remembered of the last good answer to this SQL from this source."""
        columns = [good_answers.c[field.name] for field in fields(GoodAnswerRow)]
        rows = await self._read(select(*columns).filter_by(**key_of_good_answer(source, sql)))
        return GoodAnswerRow(**rows[0]._mapping) if rows else None

    async def known_answers(self, source: str) -> Mapping[str, KnownAnswerRow]:
        """By SQL, how each was last answered from this source; without samples, which are large."""
        columns = [good_answers.c[field.name] for field in fields(KnownAnswerRow)]
        rows = await self._read(select(good_answers.c.sql, *columns).where(good_answers.c.source == source))
        return {
            row.sql: KnownAnswerRow(**{field.name: row._mapping[field.name] for field in fields(KnownAnswerRow)})
            for row in rows
        }

    async def expectations(self, run_id: UUID) -> tuple[ExpectationRow, ...]:
        """What the run's saved queries expected where a schema had drifted, in the order in which it was checked."""
        columns = [expectations.c[field.name] for field in fields(ExpectationRow)]
        rows = await self._read(select(*columns).where(expectations.c.run_id == run_id).order_by(expectations.c.id))
        return tuple(ExpectationRow(**row._mapping) for row in rows)

    async def calls_since(self, since: datetime | None = None) -> tuple[ModelCallRow, ...]:
        """Every call since then, of all runs, without what the offline model answered, in the order of recording."""
        query = select(model_calls).where(model_calls.c.provider != OFFLINE).order_by(model_calls.c.id)
        if since is not None:
            query = query.where(model_calls.c.at >= in_utc(since))
        return tuple(ModelCallRow(**row._mapping) for row in await self._read(query))

    async def recent_calls(self, workflow: str, node: str, tier: str, limit: int) -> tuple[ModelCallRow, ...]:
        """The node's newest calls that were answered on that tier, the newest first."""
        answered = select(model_calls).filter_by(workflow=workflow, node=node, tier=tier, outcome="ok")
        query = answered.where(model_calls.c.provider != OFFLINE).order_by(model_calls.c.id.desc()).limit(limit)
        return tuple(ModelCallRow(**row._mapping) for row in await self._read(query))

    async def exchanges(self, workflow: str, node: str) -> tuple[tuple[ModelCallRow, ExchangeRow], ...]:
        """What is kept of the node's calls, the newest first."""
        query = select(model_calls, exchanges.c.request, exchanges.c.answer).join(
            exchanges, exchanges.c.call_id == model_calls.c.id
        )
        of_node = query.where(exchanges.c.workflow == workflow, exchanges.c.node == node)
        names = [field.name for field in fields(ModelCallRow)]
        return tuple(
            (
                ModelCallRow(**{name: row._mapping[name] for name in names}),
                ExchangeRow(request=row.request, answer=row.answer),
            )
            for row in await self._read(of_node.order_by(exchanges.c.id.desc()))
        )

    async def balances(self, wanted: Sequence[Account]) -> Mapping[Account, Balance]:
        """What each account has spent and holds; nothing where no call was counted on it."""
        key = tuple_(accounts.c.scope, accounts.c.name, accounts.c.month)
        rows = await self._read(select(accounts).where(key.in_(list(wanted))))
        found = {Account(row.scope, row.name, row.month): Balance(row.spent_usd, row.held_usd) for row in rows}
        return {account: found.get(account, Balance(Decimal(0), Decimal(0))) for account in wanted}

    async def cost(self, run_id: UUID) -> RunCost:
        """What the run's model calls cost so far, in all its starts."""
        # Added up here, because SQLite would add up floats.
        query = select(model_calls.c.provider, model_calls.c.cost_usd).where(model_calls.c.run_id == run_id)
        rows = await self._read(query)
        costs = [row.cost_usd for row in rows if row.provider != OFFLINE]
        priced = [cost for cost in costs if cost is not None]
        return RunCost(sum(priced, Decimal(0)), len(costs), len(costs) - len(priced), len(rows) - len(costs))

    async def _read(self, query: Select[Any]) -> Sequence[Row[Any]]:
        await self._writer.flush()
        with explaining(self._url):
            async with self._engine.connect() as connection:
                rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
        return rows
