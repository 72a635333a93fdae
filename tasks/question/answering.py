"""Answers a question: SQL is written on the schema as it is now, checked, run, and mended where it was refused."""

from typing import NamedTuple

from blocks.errors import QueryRefused, QuestionRefused
from blocks.schemas.snapshot import Snapshot
from blocks.sources import Read
from tasks.outcome import Table
from tasks.question.check import checked
from tasks.question.prune import pruned
from tasks.question.writer import Refused, SqlWriter
from tasks.sql.statement import fetch, statement


class Answered(NamedTuple):
    """The rows, and the statement that gave them."""

    table: Table
    cut: bool
    """Whether there are more rows."""
    sql: str
    written_by: str
    confidence: float
    """What the model itself says, from 0 to 1."""
    rounds: int
    """How often it was asked."""
    notes: tuple[str, ...] = ()
    """What a budget has to say of it."""


async def answer(question: str, schema: Snapshot, writer: SqlWriter, read: Read, max_rows: int) -> Answered:
    """The answer to the question; what the check or the database refuses goes back to the writer.

    Raises:
        QuestionRefused: it cannot be answered, or no statement was written that can be run.
        SourceUnknown, SourceUnavailable, CredentialsRefused: the database cannot be read.
        HoldfastError: what the writer raises.
    """
    few, refused = pruned(question, schema), list[Refused]()
    while True:
        written = await writer.write(question, few, refused)
        try:
            sql = checked(written.sql, schema, max_rows)
            bound = statement(sql, {})
            table, cut = await read(lambda connection: fetch(connection, bound, max_rows))  # noqa: B023  # awaited here
        except QueryRefused as error:
            refused.append(Refused(written.sql, error.what))
            if len(refused) > writer.mends:
                raise QuestionRefused(
                    f"no SQL for {question!r} could be run: {error.what}",
                    means=f"{written.written_by} was asked {len(refused)} times",
                    mend="ask more plainly, set the node's tier to a stronger model, or write sql instead",
                ) from error
        else:
            return Answered(table, cut, sql, written.written_by, written.confidence, len(refused) + 1, written.notes)
