"""What is remembered of a saved query's last good answer, and with which samples."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from blocks.errors import HoldfastError
from blocks.ledger import GoodAnswerRow, KnownAnswerRow, Ledger
from blocks.schemas.snapshot import RelationName
from blocks.sources import Read
from tasks.drift.discover import Discovery
from tasks.drift.prepare import refused, sampled
from tasks.drift.sample import Sample
from tasks.drift.saved import LastGood, Prepared, Saved
from tasks.drift.shape import shape_of
from tasks.outcome import Table

SAMPLING_SECONDS = 5.0
"""At most so long, and half of the time that is left: an answer must not be lost to what is remembered of it."""


@dataclass(frozen=True)
class Memory:
    """What the ledger remembers of one saved query."""

    ledger: Ledger
    saved: Saved
    found: Discovery
    now: Callable[[], datetime]

    @property
    def known(self) -> KnownAnswerRow | None:
        """How it was last answered, if that was from this database."""
        known = self.found.known.get(self.saved.sql)
        return known if known is not None and known.database == self.found.now.database else None

    async def last_good(self) -> LastGood:
        """The whole of what is remembered.

        Raises:
            DriftRefused: the schema that it was good in is no longer in the ledger.
        """
        found, saved = self.found, self.saved
        answer = await self.ledger.good_answer(saved.source, saved.sql)
        # A large schema takes a while to read back, and it is mostly one of these.
        seen = (found.now, *((found.before.snapshot,) if found.before else ()))
        sampled_in = next((each for each in seen if answer and each.fingerprint == answer.sampled_fingerprint), None)
        if sampled_in is None and answer is not None:
            row = await self.ledger.schema(saved.source, answer.sampled_fingerprint)
            sampled_in = row.snapshot if row else None
        if answer is None or sampled_in is None:
            raise refused(saved, ["the ledger no longer has its last good answer"], found.since, "nothing to go by")
        return LastGood(answer, sampled_in)

    async def remember_sampled(self, answer: Table, read: Read, seconds_left: float) -> str:
        """Remembers the answer with samples of now; else why it cannot, and then it is good all the same."""
        sql, now = self.saved.sql, self.found.now
        try:
            async with asyncio.timeout(min(SAMPLING_SECONDS, seconds_left / 2)):
                samples = await read(lambda connection: sampled(connection, sql, now))
        except (HoldfastError, TimeoutError) as error:
            why = str(error) or "the tables that it uses could not be sampled in time"
            if self.known is not None and not self.known.not_sampled:
                return ""  # what is remembered already still serves
            # So that it is not tried again at every run.
            await self.ledger.record_good_answer(self._row((), answer, why))
            return why
        await self.ledger.record_good_answer(self._row(samples, answer))
        return ""

    async def remember_drifted(self, done: Prepared, last: LastGood, answer: Table) -> None:
        """Remembers the answer after drift; the samples stay those from before it."""
        approved = done.repairs and self.saved.on_drift == "approve"
        row = replace(
            last.answer,
            fingerprint=self.found.now.fingerprint,
            repaired_sql=done.sql if done.repairs else None,
            repairs=done.repairs,
            approved_by=self.saved.approvers if approved else (),
            shape=shape_of(answer).model_dump(mode="json"),
            asked_with=self.saved.asked_with,
            at=self.now(),
        )
        await self.ledger.record_good_answer(row)

    def _row(self, samples: Sequence[Sample], answer: Table, not_sampled: str = "") -> GoodAnswerRow:
        at, now = self.now(), self.found.now
        return GoodAnswerRow(
            source=self.saved.source,
            sql=self.saved.sql,
            database=now.database,
            fingerprint=now.fingerprint,
            samples={_path(each.relation.name): each.model_dump(mode="json") for each in samples},
            repaired_sql=None,
            repairs=(),
            approved_by=(),
            shape=shape_of(answer).model_dump(mode="json"),
            asked_with=self.saved.asked_with,
            not_sampled=not_sampled,
            sampled_fingerprint=now.fingerprint,
            sampled_at=at,
            at=at,
        )


def _path(name: RelationName) -> str:
    return f"{name.schema}.{name.name}"
