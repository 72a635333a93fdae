"""Who turns a question into SQL: a provider's model, or the offline model."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic
from typing import NamedTuple, Protocol

from blocks.errors import AnswerInvalid, QuestionRefused
from blocks.models.calls import OFFLINE, Message, ModelAnswer, ModelClient, ModelRequest, Tier
from blocks.schemas.snapshot import Snapshot
from tasks.models.calls import Asking, recorded
from tasks.models.shaped import ask
from tasks.question.prompts import MEND_SQL, WRITE_SQL, Written, mending, opening

PURPOSE = "sql"


class Statement(NamedTuple):
    """SQL for a question, and who wrote it."""

    sql: str
    written_by: str
    confidence: float


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
    """A model of the team's provider."""

    client: ModelClient
    node: str
    tier: Tier
    mends: int = 2

    async def write(self, question: str, schema: Snapshot, refused: Sequence[Refused]) -> Statement:
        messages: tuple[Message, ...] = opening(question, schema)
        for each in refused:
            messages += mending(each.sql, each.problem)
        prompt = f"{WRITE_SQL}+{MEND_SQL}" if refused else str(WRITE_SQL)
        request = ModelRequest(self.tier, messages, "written", Written.model_json_schema())
        shaped = await ask(self.client, Asking(self.node, PURPOSE), request, prompt, Written)
        written = shaped.made
        if written is None:
            raise AnswerInvalid(
                f"{shaped.answer.model} gave an answer that cannot be used: {shaped.problem}",
                mend="ask more plainly, set the node's tier to a stronger model, or write sql instead",
            )
        if written.sql is None:
            raise QuestionRefused(
                f"{shaped.answer.model} could not answer {question!r}: {' '.join(written.reason.split())}",
                mend="ask for what the schema has, or write sql instead",
            )
        return Statement(written.sql, f"{shaped.answer.model} ({self.tier} tier)", written.confidence)


@dataclass(frozen=True)
class OfflineWriter:
    """The offline model: simple questions by stated rules, and a plain refusal of all others."""

    node: str
    tier: Tier
    mends: int = 0

    async def write(self, question: str, schema: Snapshot, refused: Sequence[Refused]) -> Statement:
        from tasks.question.offline.writing import VERSION, sql_for  # its tables of words are of no use to others

        began = monotonic()
        async with recorded(Asking(self.node, PURPOSE), self.tier, OFFLINE, OFFLINE, VERSION) as call:
            call.outcome = "declined"
            sql = await asyncio.to_thread(sql_for, question, schema)
            call.answer = ModelAnswer("", OFFLINE, 0, 0, 0, monotonic() - began, Decimal(0))
            call.outcome = "ok"
        return Statement(sql, "the offline model", 1.0)
