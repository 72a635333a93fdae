"""The ledger's book of services. What all runs share is changed in a transaction that holds its row."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.ledger.columns import in_utc
from blocks.ledger.gate_states import Read
from blocks.ledger.service_rows import ServiceAnswerRow, ToolCallRow, ToolCount
from blocks.ledger.service_tables import ServiceAnswer, ServiceState, ToolCall
from blocks.ledger.statements import insert_new, insert_or_replace
from blocks.ledger.writer import Writer

T = TypeVar("T")
State = Mapping[str, Any]

states, calls, answers = ServiceState.table(), ToolCall.table(), ServiceAnswer.table()

MOST_ANSWERS = 2000
"""How many answers are kept; the oldest go first."""


class ServiceBook:
    """Reads and writes what is known of services, through its ledger's writer."""

    def __init__(self, writer: Writer, read: Read, dialect: str) -> None:
        self._writer, self._read, self._dialect = writer, read, dialect

    async def state(self, credential: str, part: str) -> State:
        """What is known of that part; nothing where nobody has written."""
        found = await self._read(select(states.c.state).where(_is(credential, part)))
        return dict(found[0].state) if found else {}

    async def states(self) -> tuple[tuple[str, str, State], ...]:
        """All that is known, as credential, part and state."""
        query = select(states.c.credential, states.c.part, states.c.state).order_by(states.c.credential, states.c.part)
        return tuple((row.credential, row.part, row.state) for row in await self._read(query))

    async def change(self, credential: str, part: str, changed: Callable[[State], tuple[State, T]]) -> T:
        """What `changed` returned beside the new state; nobody else changes it in between."""
        opening = insert_new(states, self._dialect, ("credential", "part")).values(
            credential=credential, part=part, state={}
        )

        async def write(connection: AsyncConnection) -> T:
            locked = select(states.c.state).where(_is(credential, part)).with_for_update()
            found = (await connection.execute(locked)).first()
            if found is None:
                await connection.execute(opening)
                found = (await connection.execute(locked)).one()
            state, result = changed(found.state)
            if state != found.state:
                await connection.execute(update(states).where(_is(credential, part)).values(state=dict(state)))
            return result

        # Two processes that change several states each, in one transaction, could wait for each other for ever.
        return await self._writer.now(write, apart=True)

    async def record(self, call: ToolCallRow) -> None:
        """Adds a call."""
        values = {**asdict(call), "at": in_utc(call.at)}
        await self._writer.now(lambda connection: connection.execute(insert(calls), [values]))

    async def calls(self, run_id: UUID) -> tuple[ToolCallRow, ...]:
        """The run's calls, in the order in which they ended."""
        columns = [column for column in calls.c if column.name != "id"]
        query = select(*columns).where(calls.c.run_id == run_id).order_by(calls.c.id)
        return tuple(ToolCallRow(**row._mapping) for row in await self._read(query))

    async def counts(self, since: datetime) -> tuple[ToolCount, ...]:
        """How calls have ended since then, by endpoint and outcome."""
        by = (calls.c.service, calls.c.method, calls.c.endpoint, calls.c.outcome)
        query = (
            select(*by, func.count().label("calls"), func.sum(calls.c.waited_seconds).label("waited_seconds"))
            .where(calls.c.at >= in_utc(since))
            .group_by(*by)
            .order_by(*by)
        )
        return tuple(ToolCount(**row._mapping) for row in await self._read(query))

    async def answer(self, key: str) -> ServiceAnswerRow | None:
        """The answer that is kept under that key."""
        columns = [column for column in answers.c if column.name != "id"]
        found = await self._read(select(*columns).where(answers.c.key == key))
        return ServiceAnswerRow(**found[0]._mapping) if found else None

    async def keep(self, answer: ServiceAnswerRow) -> None:
        """Keeps the answer in place of an earlier one, and no more than MOST_ANSWERS in all."""
        values = asdict(replace(answer, at=in_utc(answer.at))) | {"headers": dict(answer.headers)}
        newest = select(answers.c.id).order_by(answers.c.at.desc(), answers.c.id.desc()).limit(MOST_ANSWERS)

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(insert_or_replace(answers, self._dialect, ("key",), values))
            await connection.execute(delete(answers).where(answers.c.id.not_in(newest)))

        await self._writer.now(write)


def _is(credential: str, part: str) -> Any:
    return and_(states.c.credential == credential, states.c.part == part)
