"""Who turns a question into SQL: a provider's model, or the offline model."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple, Protocol

from blocks.errors import AnswerInvalid, QuestionRefused
from blocks.models.calls import Message, ModelRequest, Tier
from blocks.schemas.snapshot import Snapshot
from tasks.models.calls import Asking, Call, offline_answer, recorded
from tasks.models.node import ModelNode
from tasks.models.routing import Purpose
from tasks.models.shaped import Shaped, ask
from tasks.models.team import TeamModels
from tasks.models.trying import Step
from tasks.question.prompts import MEND_SQL, WRITE_SQL, Written, mending, opening

PURPOSE: Purpose = "sql"


class Statement(NamedTuple):
    """SQL for a question, and who wrote it."""

    sql: str
    written_by: str
    confidence: float
    notes: tuple[str, ...] = ()
    """What a budget has to say of it."""


class Refused(NamedTuple):
    """A statement that could not be used, and why."""

    sql: str
    problem: str


class SqlWriter(Protocol):
    """Writes SQL for a question, once more where the last statement was refused."""

    @property
    def mends(self) -> int:
        """How often it may be told what was wrong."""
        ...

    async def write(self, question: str, schema: Snapshot, refused: Sequence[Refused]) -> Statement:
        """The statement.

        Raises:
            QuestionRefused: the question cannot be answered from this schema, or is not understood; says why.
            AnswerInvalid: the model declined, or its answer has the wrong shape.
            HoldfastError: also whatever the way to the model raises.
        """
        ...


@dataclass(frozen=True)
class ProviderWriter:
    """The models of the team's providers. A cascade writes first on the cheaper tier, and mends on the dearer one."""

    models: TeamModels
    node: ModelNode
    until: float
    """When the node's time is up, in the event loop's time."""
    mends: int = 2

    async def write(self, question: str, schema: Snapshot, refused: Sequence[Refused]) -> Statement:
        *first, last = self.node.tiers[-1:] if refused else self.node.tiers
        for tier in first:
            shaped = await self._ask(question, schema, refused, tier, self.node.sure_from)
            if shaped.made is not None and shaped.made.sql is not None and shaped.by.outcome != "unsure":
                break
        else:
            shaped = await self._ask(question, schema, refused, last, None)
        written, model = shaped.made, shaped.by.answer.model
        if written is None:
            raise AnswerInvalid(
                f"{model} gave an answer that cannot be used: {shaped.problem}",
                mend="ask more plainly, set the node's tier to a stronger model, or write sql instead",
            )
        if written.sql is None:
            raise QuestionRefused(
                f"{model} could not answer {question!r}: {' '.join(written.reason.split())}",
                mend="ask for what the schema has, or write sql instead",
            )
        return Statement(written.sql, f"{model} ({shaped.by.tier} tier)", written.confidence, shaped.by.notes)

    async def _ask(
        self, question: str, schema: Snapshot, refused: Sequence[Refused], tier: Tier, sure_from: float | None
    ) -> Shaped[Written]:
        messages: tuple[Message, ...] = opening(question, schema)
        for each in refused:
            messages += mending(each.sql, each.problem)
        prompt = f"{WRITE_SQL}+{MEND_SQL}" if refused else str(WRITE_SQL)
        request = ModelRequest(tier, messages, "written", Written.model_json_schema())
        step = Step(Asking(self.node.id, PURPOSE), self.until, self.node.hedge, sure_from)
        return await ask(self.models, step, request, prompt, Written)


@dataclass(frozen=True)
class OfflineWriter:
    """The offline model: simple questions by stated rules, and a plain refusal of all others."""

    node: str
    tier: Tier
    mends: int = 0

    async def write(self, question: str, schema: Snapshot, refused: Sequence[Refused]) -> Statement:
        from tasks.question.offline.writing import VERSION, sql_for  # its tables of words are of no use to others

        began = monotonic()
        async with recorded(Call(Asking(self.node, PURPOSE), self.tier, VERSION)) as call:
            call.outcome = "declined"
            sql = await asyncio.to_thread(sql_for, question, schema)
            call.answer = offline_answer(monotonic() - began)
            call.outcome = "ok"
        return Statement(sql, "the offline model", 1.0)
