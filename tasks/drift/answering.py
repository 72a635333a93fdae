"""Answers a saved query on its database as it is now: as it stands, repaired, or refused.

The first good answer is remembered with its shape and with a sample of each relation that the SQL uses. While the
schema's fingerprint stays the same, the SQL runs as it stands, and nothing else is asked of the database. Where it has
changed, the query is prepared anew (prepare.py), and a repair is accepted only if its answer is what was expected.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from time import monotonic

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import DriftRefused, QueryRefused
from blocks.ledger import GoodAnswerRow, KnownAnswerRow, Ledger
from blocks.schemas.reading import read_schema
from blocks.schemas.snapshot import Snapshot
from blocks.sources import Read
from blocks.words import counted
from tasks.drift.discover import Discovery
from tasks.drift.expectations import Checked, check_answer, check_schema
from tasks.drift.memory import Memory
from tasks.drift.prepare import prepared, refused, samples_of
from tasks.drift.saved import LastGood, Prepared, Saved
from tasks.drift.shape import Shape
from tasks.outcome import Table
from tasks.sql.statement import fetch, statement
from tasks.sql.usage import usage

SAMPLED_EVERY = timedelta(days=1)
"""A sample that is older is taken anew with the next good answer, because data change; so is one that failed."""

FRESH = timedelta(seconds=5)
"""So long the schema counts as it was found; whether an answer that comes later is from that schema is asked."""


@dataclass(frozen=True)
class Asker:
    """Who asks for an answer: how the source is read, until when, and who approves a repair."""

    read: Read
    ledger: Ledger
    now: Callable[[], datetime]
    seconds: float
    """How long it may take, from its start, without the wait for an approval."""
    approve: Callable[[Prepared], Awaitable[None]]
    """Asked where `on_drift` is approve; raises where the repair is not approved."""


@dataclass
class Answering:
    """One saved query while it is answered; what came of drift is kept for people, also where it is refused."""

    saved: Saved
    found: Discovery
    asker: Asker
    prepared: Prepared | None = None
    checked: list[Checked] = field(default_factory=list)
    """What was expected of the schema and of the answer, where the schema has drifted under the query."""
    not_remembered: str = ""
    """Why drift under this query could not be seen next time; empty where it could."""
    refusal: str = ""

    async def answer(self) -> tuple[Table, bool]:
        """The rows, and whether there are more.

        Raises:
            DriftRefused: the query uses what has drifted, and cannot be repaired for sure, or may not be.
            QueryRefused, SourceUnknown, SourceUnavailable, CredentialsRefused: the source cannot be read.
            OperatorError: the ledger cannot be read or written.
        """
        began, known = monotonic(), self._memory.known
        try:
            if known is None:
                return await self._first(began)
            unchanged = known.fingerprint == self.found.now.fingerprint
            if known.not_sampled:
                return await self._without_samples(known, unchanged, began)
            if unchanged and self._may_run(known):
                return await self._again(known, began)
            return await self._after_drift(began)
        except DriftRefused as error:
            self.refusal = str(error)
            raise

    @property
    def drifted(self) -> bool:
        """Whether the schema has drifted under the query, so that there is something to tell."""
        return bool(self.refusal or self.checked)

    @property
    def evidence(self) -> tuple[str, ...]:
        """What the answer rests on beside its rows, one line each."""
        lines = [f"repaired: {each}" for each in (self.prepared.repairs if self.prepared else ())]
        if self.found.changes and self._memory.known is not None and not self.drifted:
            noted = counted(len(self.found.changes), "change")
            lines.append(f"{noted} in the schema of {self.saved.source}, none of which this query uses")
        lines += self.prepared.doubts if self.prepared else ()
        if self.found.not_compared:
            lines.append(self.found.not_compared)
        if self.not_remembered:
            lines.append(f"drift under this query could not be seen: {self.not_remembered}")
        return tuple(lines)

    @cached_property
    def _memory(self) -> Memory:
        return Memory(self.asker.ledger, self.saved, self.found, self.asker.now)

    def _may_run(self, known: KnownAnswerRow) -> bool:
        """Whether the way in which it was answered before is one that this query allows."""
        match self.saved.on_drift:
            case "repair":
                return True
            case "approve":
                approved = bool(known.approved_by) and set(known.approved_by) <= set(self.saved.approvers)
                return known.repaired_sql is None or approved
            case "fail":
                return known.repaired_sql is None

    async def _first(self, began: float) -> tuple[Table, bool]:
        answer = await self._as_it_stands()
        await self._remember_sampled(answer[0], began)
        return answer

    async def _without_samples(self, known: KnownAnswerRow, unchanged: bool, began: float) -> tuple[Table, bool]:
        if not unchanged or self._is_old(known):
            return await self._first(began)
        self.not_remembered = known.not_sampled
        return await self._as_it_stands()

    async def _again(self, known: KnownAnswerRow, began: float) -> tuple[Table, bool]:
        self.prepared = Prepared(known.repaired_sql or self.saved.sql, tuple(known.repairs))
        answer = await self._fetched(self.prepared)
        # What was repaired keeps the samples from before the drift.
        if known.repaired_sql is None and self._is_old(known):
            await self._remember_sampled(answer[0], began)
        return answer

    async def _after_drift(self, began: float) -> tuple[Table, bool]:
        last = await self._memory.last_good()
        now, since = self.found.now, self.found.since
        try:
            done = await self.asker.read(lambda connection: prepared(connection, self.saved, now, last, since))
        except DriftRefused:
            self.checked += await check_schema(samples_of(last.answer), now)
            raise
        self.prepared = done
        if done.repairs:
            self.checked += await check_schema(samples_of(last.answer), now)
            if self.saved.on_drift == "approve":
                await self._approved(done)
        answer = await self._fetched(done)
        if done.repairs or done.doubts:
            await self._accept(done, last, answer[0])
        await self._memory.remember_drifted(done, last, answer[0])
        if not done.repairs and (done.doubts or self._is_old(last.answer)):
            await self._remember_sampled(answer[0], began)
        return answer

    async def _approved(self, done: Prepared) -> None:
        """Waits for the approval; what drifts meanwhile is another repair, which nobody has approved."""
        await self.asker.approve(done)
        now = self.found.now
        if await self.asker.read(lambda connection: read_schema(connection, now)) is not now:
            raise self._drifted_again("its repair waited to be approved")

    async def _accept(self, done: Prepared, last: LastGood, answer: Table) -> None:
        """Refuses a repair, or a doubt, whose answer is not what the last good one lets expect."""
        if last.answer.shape is None:  # remembered by an older Holdfast
            return
        comparable = last.answer.asked_with == self.saved.asked_with
        checked = await check_answer(Shape.model_validate(last.answer.shape), answer, comparable=comparable)
        self.checked += checked
        if unmet := [f"{each.expectation} (seen: {each.observed})" for each in checked if not each.met]:
            why = f"its answer is not what was expected: {'; '.join(unmet)}"
            raise refused(self.saved, done.repairs or done.doubts, self.found.since, why)

    async def _as_it_stands(self) -> tuple[Table, bool]:
        self.prepared = Prepared(self.saved.sql)
        try:
            return await self._fetched(self.prepared)
        except QueryRefused as error:
            if guess := _what_was_meant(self.saved.sql, self.found.now, str(error)):
                raise guess from error
            raise

    async def _fetched(self, done: Prepared) -> tuple[Table, bool]:
        bound, now = statement(done.sql, self.saved.values), self.found.now

        async def work(connection: AsyncConnection) -> tuple[Table, bool]:
            answer = await fetch(connection, bound, self.saved.max_rows)
            is_old = self.asker.now() - self.found.at >= FRESH
            if is_old and await read_schema(connection, now) is not now:
                raise self._drifted_again("it was answered")
            return answer

        return await self.asker.read(work)

    def _drifted_again(self, meanwhile: str) -> DriftRefused:
        source, saved = self.saved.source, self.saved
        return DriftRefused(
            f"source {source!r} has drifted under the saved query {saved} while {meanwhile}", mend="run again"
        )

    async def _remember_sampled(self, answer: Table, began: float) -> None:
        left = self.asker.seconds - (monotonic() - began)
        self.not_remembered = await self._memory.remember_sampled(answer, self.asker.read, left)

    def _is_old(self, known: KnownAnswerRow | GoodAnswerRow) -> bool:
        return self.asker.now() - known.sampled_at >= SAMPLED_EVERY


def _what_was_meant(sql: str, now: Snapshot, refusal: str) -> QueryRefused | None:
    """A better refusal of a name that the database does not know: with the nearest that it does."""
    try:
        usage(sql, now)
    except QueryRefused as guess:
        name = guess.what.rpartition(" ")[2]  # the SQL uses v.nam
        return (
            guess
            if re.search(rf"no such (table|column): .*{re.escape(name)}|{re.escape(name)}\W* does not exist", refusal)
            else None
        )
    return None
