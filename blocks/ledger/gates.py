"""The ledger's book of gates. Whoever works on a gate claims each step here first, so that two never do the same.

Processes that wait at a gate, the flow that watches all of them and people at a terminal write here at once. What
counts is decided in one transaction with the gate's row locked: the first decision stands, an answer counts once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.ledger.gate_rows import (
    AskRow,
    DelegationRow,
    GateEventKind,
    GateEventRow,
    GateRow,
    GateState,
    NoticeRow,
    VoteRow,
)
from blocks.ledger.gate_states import Read, asks, gate_events, gates, locked, notices, states_of, votes
from blocks.ledger.gate_tables import Delegation
from blocks.ledger.rows import DecisionRow
from blocks.ledger.statements import decisions, insert_new, is_decision_of, record_decision
from blocks.ledger.writer import Writer

delegations = Delegation.table()

Answer = Literal["approve", "reject"]
Decide = Callable[[GateState], Answer | None]
"""What the answers so far come to; None: more are needed."""


class GateBook:
    """Reads and writes gates, through its ledger's writer."""

    def __init__(self, writer: Writer, read: Read, dialect: str) -> None:
        self._writer, self._read, self._dialect = writer, read, dialect

    async def open(self, gate: GateRow) -> tuple[GateState, bool]:
        """The gate as it was opened first, and whether that was now: its clock goes on when the run starts again."""
        opening = insert_new(gates, self._dialect, ("run_id", "gate")).values(**asdict(gate)).returning(gates.c.id)

        async def write(connection: AsyncConnection) -> tuple[GateState, bool]:
            new = (await connection.execute(opening)).first() is not None
            if not new:
                # A run that had ended has come back to it.
                await connection.execute(update(gates).where(_is(gate.run_id, gate.gate)).values(taken_at=None))
            else:
                await _add_event(connection, gate.run_id, gate.gate, "opened", "", gate.title, gate.opened_at)
            return await locked(connection, gate.run_id, gate.gate), new

        return await self._writer.now(write)

    async def state(self, run_id: UUID, gate: str) -> GateState | None:
        """The gate of that name, if it was ever opened."""
        found = await states_of(self._read, select(gates).where(gates.c.run_id == run_id, gates.c.gate == gate))
        return found[0] if found else None

    async def of_run(self, run_id: UUID) -> tuple[GateState, ...]:
        """Every gate of the run, in the order in which they were opened."""
        return await states_of(self._read, select(gates).where(gates.c.run_id == run_id).order_by(gates.c.id))

    async def waiting(self) -> tuple[GateState, ...]:
        """Every gate whose run has not gone on yet, decided or not, the oldest first."""
        return await states_of(self._read, select(gates).where(gates.c.taken_at.is_(None)).order_by(gates.c.id))

    async def events(self, run_id: UUID) -> tuple[GateEventRow, ...]:
        """What happened at the run's gates, in order."""
        names = ("gate", "what", "person", "detail", "at")
        columns = [gate_events.c[name] for name in names]
        rows = await self._read(select(*columns).where(gate_events.c.run_id == run_id).order_by(gate_events.c.id))
        return tuple(GateEventRow(**row._mapping) for row in rows)

    async def add_event(
        self, run_id: UUID, gate: str, what: GateEventKind, person: str, detail: str, at: datetime
    ) -> None:
        """Adds a step that nothing else records."""
        await self._writer.now(lambda connection: _add_event(connection, run_id, gate, what, person, detail, at))

    async def ask(self, gate: GateRow, people: Sequence[AskRow]) -> tuple[AskRow, ...]:
        """Those of the people whom this call was the first to ask; each is an event."""

        async def write(connection: AsyncConnection) -> tuple[AskRow, ...]:
            new = []
            for each in people:
                values = {"run_id": gate.run_id, "gate": gate.gate, **asdict(each)}
                key = ("run_id", "gate", "slot", "person")
                asking = insert_new(asks, self._dialect, key).values(**values).returning(asks.c.id)
                if (await connection.execute(asking)).first() is not None:
                    new.append(each)
                    await _add_event(connection, gate.run_id, gate.gate, each.how, each.person, each.why, each.at)
            return tuple(new)

        return await self._writer.now(write)

    async def claim(self, gate: GateRow, wanted: Sequence[NoticeRow]) -> tuple[NoticeRow, ...]:
        """Those of the notices that are now the caller's to send: no one else has, or their last try failed."""

        async def write(connection: AsyncConnection) -> tuple[NoticeRow, ...]:
            claimed = []
            for each in wanted:
                if (row := (await connection.execute(self._claim(gate, each))).first()) is not None:
                    claimed.append(replace(each, id=row.id))
            return tuple(claimed)

        return await self._writer.now(write)

    def _claim(self, gate: GateRow, notice: NoticeRow) -> Any:
        if notice.id:
            mine = and_(notices.c.id == notice.id, notices.c.state == "failed", notices.c.tries == notice.tries - 1)
            values = {"state": "sending", "tries": notice.tries, "tried_at": notice.tried_at, "again_at": None}
            return update(notices).where(mine).values(**values).returning(notices.c.id)
        values = {name: value for name, value in asdict(notice).items() if name != "id"}
        key = ("run_id", "gate", "person", "channel", "occasion")
        new = insert_new(notices, self._dialect, key).values(run_id=gate.run_id, gate=gate.gate, **values)
        return new.returning(notices.c.id)

    async def told(self, outcomes: Iterable[NoticeRow]) -> None:
        """Records how the tries of claimed notices ended."""
        rows = [(each.id, {"state": each.state, "again_at": each.again_at, "error": each.error}) for each in outcomes]

        async def write(connection: AsyncConnection) -> None:
            for notice_id, values in rows:
                await connection.execute(update(notices).where(notices.c.id == notice_id).values(**values))

        await self._writer.now(write)

    async def vote(self, gate: GateRow, vote: VoteRow, decide: Decide) -> tuple[GateState, bool]:
        """The gate after the answer, and whether it counted: it does once, and while the gate is open."""

        async def write(connection: AsyncConnection) -> tuple[GateState, bool]:
            state = await locked(connection, gate.run_id, gate.gate)
            if (earlier := state.vote_of(vote.person)) is not None:
                return state, bool(vote.answer) and earlier.answer == vote.answer
            if state.decision is not None or vote.at >= state.gate.closes_at:
                return state, False
            values = {"run_id": gate.run_id, "gate": gate.gate, **asdict(vote)}
            await connection.execute(insert(votes).values(**values))
            await _add_event(
                connection, gate.run_id, gate.gate, "voted", vote.person, f"{vote.decision} ({vote.via})", vote.at
            )
            state = replace(state, votes=(*state.votes, vote))
            if (decision := decide(state)) is not None:
                state = await self._decided(connection, state, _decision_of(state, decision, vote))
            return state, True

        return await self._writer.now(write)

    async def time_out(self, gate: GateRow, on_timeout: str, at: datetime) -> GateState:
        """The gate, decided by its time being up unless somebody was faster."""
        values = {"decision": "timed_out", "comment": f"on_timeout: {on_timeout}", "decided_by": "", "via": "timeout"}

        async def write(connection: AsyncConnection) -> GateState:
            state = await locked(connection, gate.run_id, gate.gate)
            if state.decision is not None:
                return state
            return await self._decided(connection, state, {**values, "edits": {}, "at": at})

        return await self._writer.now(write)

    async def _decided(self, connection: AsyncConnection, state: GateState, values: Mapping[str, Any]) -> GateState:
        gate = state.gate
        recording = record_decision(self._dialect, {"run_id": gate.run_id, "node": gate.gate, **values})
        row = (await connection.execute(recording)).one_or_none()
        if row is None:
            standing = select(decisions).where(is_decision_of(gate.run_id, gate.gate))
            return replace(state, decision=DecisionRow(**(await connection.execute(standing)).one()._mapping))
        decision = DecisionRow(**row._mapping)
        what: GateEventKind = "timed_out" if decision.decision == "timed_out" else "decided"
        said = f"{decision.decision} ({decision.via})" if what == "decided" else decision.comment
        await _add_event(connection, gate.run_id, gate.gate, what, decision.decided_by, said, decision.at)
        return replace(state, decision=decision)

    async def taken(self, run_id: UUID, gate: str, at: datetime) -> None:
        """Records that nobody need work on the gate any more."""

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(update(gates).where(_is(run_id, gate)).values(taken_at=at))

        await self._writer.now(write)

    async def delegations(self, since: datetime) -> tuple[DelegationRow, ...]:
        """Those that are in force then or later, in the order in which they were set."""
        query = select(delegations).where(delegations.c.ends_at > since).order_by(delegations.c.id)
        return tuple(DelegationRow(**row._mapping) for row in await self._read(query))

    async def delegate(
        self, person: str, alternate: str, begins_at: datetime, ends_at: datetime, *, set_by: str, set_at: datetime
    ) -> None:
        """Adds a delegation; while it holds it goes before those that were set earlier."""
        values = {"person": person, "alternate": alternate, "begins_at": begins_at, "ends_at": ends_at}

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(insert(delegations).values(**values, set_by=set_by, set_at=set_at))

        await self._writer.now(write)

    async def end_delegations(self, person: str, at: datetime) -> int:
        """How many of the person's delegations, in force then or later, are now over."""
        later = and_(delegations.c.person == person, delegations.c.ends_at > at)
        ending = update(delegations).where(later).values(ends_at=at)

        async def write(connection: AsyncConnection) -> int:
            return (await connection.execute(ending)).rowcount

        return await self._writer.now(write)


def _is(run_id: UUID, gate: str) -> ColumnElement[bool]:
    return and_(gates.c.run_id == run_id, gates.c.gate == gate)


def _decision_of(state: GateState, decision: Answer, last: VoteRow) -> Mapping[str, Any]:
    """What the votes come to, as one row: who all agreed, and what each corrected."""
    agreeing = [vote for vote in state.votes if vote.decision == decision]
    return {
        "decision": decision,
        "comment": "; ".join(vote.comment for vote in agreeing if vote.comment),
        "decided_by": ", ".join(vote.person for vote in agreeing if vote.person),
        "via": last.via,
        "at": last.at,
        "edits": {
            name: {"now": value, "by": vote.person}
            for vote in agreeing
            if decision == "approve"
            for name, value in vote.edits.items()
        },
    }


async def _add_event(
    connection: AsyncConnection, run_id: UUID, gate: str, what: GateEventKind, person: str, detail: str, at: datetime
) -> None:
    values = {"what": what, "person": person, "detail": detail, "at": at}
    await connection.execute(insert(gate_events).values(run_id=run_id, gate=gate, **values))
