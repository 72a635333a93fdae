"""Reads gates with all that happened at them: five queries, however many gates they are."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Subquery, Table, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.ledger.gate_rows import AskRow, GateRow, GateState, NoticeRow, VoteRow
from blocks.ledger.gate_tables import Ask, Gate, GateEvent, Notice, Vote
from blocks.ledger.rows import DecisionRow
from blocks.ledger.statements import decisions

gates, asks, notices, votes = Gate.table(), Ask.table(), Notice.table(), Vote.table()
gate_events = GateEvent.table()

Read = Callable[[Select[Any]], Awaitable[Sequence[Row[Any]]]]
_Key = tuple[UUID, str]


async def states_of(read: Read, chosen: Select[Any]) -> tuple[GateState, ...]:
    """The gates that the query chooses, in its order."""
    found = [_row(GateRow, row) for row in await read(chosen)]
    if not found:
        return ()
    these = chosen.with_only_columns(gates.c.run_id, gates.c.gate).order_by(None).subquery()
    asked, told, answered = [await _rows_of(read, these, *each) for each in _BESIDE]
    decided = await read(select(decisions).join(these, _of(decisions, these, "node")))
    refused = await read(_refusals(these))
    decision = {(row.run_id, row.node): _row(DecisionRow, row) for row in decided}
    refusals = {(row.run_id, row.gate): int(row.refusals) for row in refused}
    return tuple(
        GateState(
            gate=gate,
            asks=tuple(asked[key]),
            notices=tuple(told[key]),
            votes=tuple(answered[key]),
            decision=decision.get(key),
            refusals=refusals.get(key, 0),
        )
        for gate in found
        for key in [(gate.run_id, gate.gate)]
    )


async def locked(connection: AsyncConnection, run_id: UUID, gate: str) -> GateState:
    """The gate, which nobody else changes until this transaction ends."""
    mine = select(gates).where(gates.c.run_id == run_id, gates.c.gate == gate)

    async def read(query: Select[Any]) -> Sequence[Row[Any]]:
        rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
        return rows

    await read(mine.with_for_update())
    return (await states_of(read, mine))[0]


_BESIDE: tuple[tuple[Table, type[Any]], ...] = ((asks, AskRow), (notices, NoticeRow), (votes, VoteRow))


async def _rows_of(read: Read, these: Subquery, table: Table, kind: type[Any]) -> defaultdict[_Key, list[Any]]:
    rows = defaultdict[_Key, list[Any]](list)
    for row in await read(select(table).join(these, _of(table, these)).order_by(table.c.id)):
        rows[row.run_id, row.gate].append(_row(kind, row))
    return rows


def _of(table: Table, these: Subquery, gate: str = "gate") -> Any:
    return and_(table.c.run_id == these.c.run_id, table.c[gate] == these.c.gate)


def _refusals(these: Subquery) -> Select[Any]:
    key = (gate_events.c.run_id, gate_events.c.gate)
    counted = select(*key, func.count().label("refusals")).join(these, _of(gate_events, these))
    return counted.where(gate_events.c.what == "refused").group_by(*key)


def _row(kind: type[Any], row: Row[Any]) -> Any:
    return kind(**{field.name: row._mapping[field.name] for field in fields(kind)})
