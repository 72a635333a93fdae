"""Answers a saved query on its database as it is now: as it stands, repaired, or refused.

The first good answer is remembered with its shape and with a sample of each relation that the SQL uses. While the
schema's fingerprint stays the same, the SQL runs as it stands, and nothing else is asked of the database. Where it has
changed, the query is prepared anew (prepare.py), and a repair is accepted only if its answer is what was expected.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic

from blocks.errors import DriftRefused, HoldfastError, QueryRefused
from blocks.ledger import GoodAnswerRow, KnownAnswerRow, Ledger
from blocks.schemas.snapshot import RelationName
from blocks.sources import Read
from blocks.words import counted
from tasks.drift.discover import Discovery
from tasks.drift.expectations import Checked, check_answer, check_schema
from tasks.drift.prepare import prepared, refused, sampled, samples_of
from tasks.drift.sample import Sample
from tasks.drift.saved import LastGood, Prepared, Saved
from tasks.drift.shape import Shape, shape_of
from tasks.outcome import Table
from tasks.query.statement import fetch, statement
from tasks.query.usage import usage

SAMPLED_EVERY = timedelta(days=1)
"""A sample that is older is taken anew with the next good answer, because data change."""
SAMPLING_SECONDS = 5.0
"""At most so long, and half of the time that is left: an answer must not be lost to what is remembered of it."""


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
        began, known = monotonic(), self._known
        try:
            if known is None:
                return await self._first(began)
            if known.fingerprint == self.found.now.fingerprint and self._may_run(known):
                return await self._again(known, began)
            return await self._after_drift()
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
        if self.found.changes and self._known is not None and not self.drifted:
            noted = counted(len(self.found.changes), "change")
            lines.append(f"{noted} in the schema of {self.saved.source}, none of which this query uses")
        if self.found.not_compared:
            lines.append(self.found.not_compared)
        if self.not_remembered:
            lines.append(f"drift under this query could not be seen: {self.not_remembered}")
        return tuple(lines)

    @property
    def _known(self) -> KnownAnswerRow | None:
        known = self.found.known.get(self.saved.sql)
        return known if known is not None and known.database == self.found.now.database else None

    def _may_run(self, known: KnownAnswerRow) -> bool:
        """Whether the way in which it was answered before is one that this query allows."""
        match self.saved.on_drift:
            case "repair":
                return True
            case "approve":
                return known.repaired_sql is None or known.approved
            case "fail":
                return known.repaired_sql is None

    async def _first(self, began: float) -> tuple[Table, bool]:
        self.prepared = Prepared(self.saved.sql)
        try:
            answer = await self._fetched(self.prepared)
        except QueryRefused as error:
            if re.search("no such (table|column)|does not exist", str(error)):
                usage(self.saved.sql, self.found.now)  # says what was probably meant
            raise
        await self._remember_sampled(answer[0], began)
        return answer

    async def _again(self, known: KnownAnswerRow, began: float) -> tuple[Table, bool]:
        self.prepared = Prepared(known.repaired_sql or self.saved.sql, tuple(known.repairs))
        answer = await self._fetched(self.prepared)
        # What was repaired keeps the samples from before the drift.
        if known.repaired_sql is None and self.asker.now() - known.sampled_at >= SAMPLED_EVERY:
            await self._remember_sampled(answer[0], began)
        return answer

    async def _after_drift(self) -> tuple[Table, bool]:
        last = await self._last_good()
        now, since = self.found.now, self.found.since
        try:
            done = await self.asker.read(lambda connection: prepared(connection, self.saved, now, last, since))
        except DriftRefused:
            self.checked += await check_schema(samples_of(last), now)
            raise
        self.prepared = done
        if not done.repairs:
            answer = await self._fetched(done)
        else:
            self.checked += await check_schema(samples_of(last), now)
            if self.saved.on_drift == "approve":
                await self.asker.approve(done)
            answer = await self._fetched(done)
            await self._accept(done, last, answer[0])
        await self.asker.ledger.record_good_answer(self._good_answer(done, last, answer[0]))
        return answer

    async def _accept(self, done: Prepared, last: LastGood, answer: Table) -> None:
        """Refuses a repair whose answer is not what the last good one lets expect."""
        if last.answer.shape is None:  # remembered by an older Holdfast
            return
        checked = await check_answer(Shape.model_validate(last.answer.shape), answer)
        self.checked += checked
        if unmet := [f"{each.expectation} (seen: {each.observed})" for each in checked if not each.met]:
            why = f"so repaired its answer is not what was expected: {'; '.join(unmet)}"
            raise refused(self.saved, done.repairs, self.found.since, why)

    async def _fetched(self, done: Prepared) -> tuple[Table, bool]:
        bound = statement(done.sql, self.saved.values)
        return await self.asker.read(lambda connection: fetch(connection, bound, self.saved.max_rows))

    async def _remember_sampled(self, answer: Table, began: float) -> None:
        """Remembers the answer, with samples of now; where they cannot be had, the answer is good all the same."""
        left = self.asker.seconds - (monotonic() - began)
        sql, now = self.saved.sql, self.found.now
        try:
            async with asyncio.timeout(min(SAMPLING_SECONDS, left / 2)):
                samples = await self.asker.read(lambda connection: sampled(connection, sql, now))
        except (HoldfastError, TimeoutError) as error:
            self.not_remembered = str(error) or "the tables that it uses could not be sampled in time"
            return
        await self.asker.ledger.record_good_answer(self._remembered(samples, answer))

    def _remembered(self, samples: tuple[Sample, ...], answer: Table) -> GoodAnswerRow:
        at, now = self.asker.now(), self.found.now
        return GoodAnswerRow(
            source=self.saved.source,
            sql=self.saved.sql,
            database=now.database,
            fingerprint=now.fingerprint,
            samples={_path(each.relation.name): each.model_dump(mode="json") for each in samples},
            repaired_sql=None,
            repairs=(),
            approved=False,
            shape=shape_of(answer).model_dump(mode="json"),
            sampled_fingerprint=now.fingerprint,
            sampled_at=at,
            at=at,
        )

    def _good_answer(self, done: Prepared, last: LastGood, answer: Table) -> GoodAnswerRow:
        """The answer after drift; the samples stay those from before it."""
        return replace(
            last.answer,
            fingerprint=self.found.now.fingerprint,
            repaired_sql=done.sql if done.repairs else None,
            repairs=done.repairs,
            approved=bool(done.repairs) and self.saved.on_drift == "approve",
            shape=shape_of(answer).model_dump(mode="json"),
            at=self.asker.now(),
        )

    async def _last_good(self) -> LastGood:
        """The whole of what is remembered.

        Raises:
            DriftRefused: the schema that it was good in is no longer in the ledger.
        """
        ledger, found, saved = self.asker.ledger, self.found, self.saved
        answer = await ledger.good_answer(saved.source, saved.sql)
        # A large schema takes a while to read back, and it is mostly one of these.
        seen = (found.now, *((found.before.snapshot,) if found.before else ()))
        sampled_in = next((each for each in seen if answer and each.fingerprint == answer.sampled_fingerprint), None)
        if sampled_in is None and answer is not None:
            row = await ledger.schema(saved.source, answer.sampled_fingerprint)
            sampled_in = row.snapshot if row else None
        if answer is None or sampled_in is None:
            raise refused(saved, ["the ledger no longer has its last good answer"], found.since, "nothing to go by")
        return LastGood(answer, sampled_in)


def _path(name: RelationName) -> str:
    return f"{name.schema}.{name.name}"
