"""A question becomes SQL by a provider's model: real HTTP to a loopback provider, a real database, a real ledger."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import AnswerInvalid, QuestionRefused, SourceUnavailable
from blocks.schemas.reading import read_schema
from blocks.sources import read_source
from tasks.context import RunContext
from tasks.query.node import QueryNode
from tasks.question.answering import Answered, answer
from tasks.question.writer import OfflineWriter, ProviderWriter
from tests.blocks.source_databases import rows, shop_with
from tests.servers.model_server import ModelServer, Says
from tests.tasks.models.teams import a_team_at, in_seconds
from tests.tasks.reason.asking import a_run

T = TypeVar("T")
QUESTION = "What did we spend per vendor?"
NODE = QueryNode(id="spend", source="shop", question=QUESTION)
GOOD = "SELECT vendor, SUM(amount) AS spend FROM invoices GROUP BY vendor ORDER BY vendor"
MISSPELT = "SELECT vendr FROM invoices"
WRITING = "DELETE FROM invoices"
FAILING = "SELECT vendor, abs(-9223372036854775808) AS spend FROM invoices"
"""SQLite and PostgreSQL both have no such number; only they can say so."""


def says(sql: str | None, reason: str = "It adds the amounts up.", confidence: float = 0.9) -> Says:
    return Says(json.dumps({"reason": reason, "sql": sql, "confidence": confidence}))


class Questions:
    """Asks the loopback model about one database."""

    def __init__(self, url: str, server: ModelServer, run: RunContext) -> None:
        self.url, self.server, self.run = url, server, run

    async def read(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]], /) -> T:
        return await read_source("shop", {"shop": self.url}, 10, work)

    async def ask(self, max_rows: int = 100, **settings: Any) -> Answered:
        schema = await self.read(read_schema)
        async with a_team_at(self.server) as models:
            writer = ProviderWriter(models, NODE.model_copy(update=settings), in_seconds(10))
            return await answer(QUESTION, schema, writer, self.read, max_rows)

    async def calls(self) -> list[tuple[str, str, str, str]]:
        found = await self.run.ledger.model_calls(self.run.run_id)
        return [(each.purpose, each.tier, each.prompt_version, each.outcome) for each in found]


@pytest.fixture
async def questions(empty_database_url: str, server: ModelServer, tmp_path: Path) -> AsyncIterator[Questions]:
    url = await shop_with(empty_database_url, "'Able', 10", "'Bold', 20", "'Able', 5")
    async with a_run(tmp_path) as run:
        yield Questions(url, server, run)


async def test_the_statement_that_a_model_wrote_is_run_and_its_call_is_in_the_ledger(questions: Questions) -> None:
    questions.server.next(says(GOOD))
    made = await questions.ask()

    assert made.table.rows == (("Able", 15), ("Bold", 20))
    assert (made.sql, made.cut, made.rounds) == (f"{GOOD} LIMIT 101", False, 1)
    assert await questions.calls() == [("sql", "standard", "write-sql-1", "ok")]


async def test_the_model_is_shown_the_question_the_dialect_and_the_schema(questions: Questions) -> None:
    questions.server.next(says(GOOD))
    await questions.ask()

    prompt = questions.server.requests[-1].prompt
    assert QUESTION in prompt
    assert "table invoices(vendor text, amount integer)" in prompt
    assert ("Dialect: SQLite" in prompt) == questions.url.startswith("sqlite")


@pytest.mark.parametrize(
    ("first", "told"), [(MISSPELT, "vendr"), (WRITING, "the SQL writes"), (FAILING, "refused the SQL: ")]
)
async def test_what_the_check_or_the_database_refuses_goes_back_to_the_model(
    questions: Questions, first: str, told: str
) -> None:
    questions.server.next(says(first), says(GOOD))
    made = await questions.ask()

    assert (made.table.rows, made.rounds) == ((("Able", 15), ("Bold", 20)), 2)
    assert told in questions.server.requests[-1].prompt
    assert [call[2] for call in await questions.calls()] == ["write-sql-1", "write-sql-1+mend-sql-1"]


async def test_a_third_statement_that_cannot_be_run_is_the_last(questions: Questions) -> None:
    questions.server.next(says(MISSPELT), says(WRITING), says(MISSPELT))
    with pytest.raises(QuestionRefused, match=r"no SQL for .* could be run: .*vendr.*was asked 3 times"):
        await questions.ask()

    assert len(await questions.calls()) == 3
    assert await rows(questions.url, "SELECT COUNT(*) FROM invoices") == [(3,)]


async def test_a_model_that_says_that_it_cannot_is_believed(questions: Questions) -> None:
    questions.server.next(says(None, "There is no table of contracts."))

    with pytest.raises(QuestionRefused, match=r"could not answer .*: There is no table of contracts"):
        await questions.ask()


async def test_an_answer_of_the_wrong_shape_is_refused(questions: Questions) -> None:
    questions.server.next(Says("SELECT 1"))

    with pytest.raises(AnswerInvalid, match="gave an answer that cannot be used"):
        await questions.ask()


async def test_an_answer_with_more_rows_than_may_be_read_says_so(questions: Questions) -> None:
    questions.server.next(says("SELECT vendor, amount FROM invoices ORDER BY amount"))
    made = await questions.ask(max_rows=2)

    assert (len(made.table.rows), made.cut) == (2, True)


async def test_the_offline_model_answers_a_simple_question_and_is_in_the_ledger(questions: Questions) -> None:
    schema = await questions.read(read_schema)
    made = await answer(
        "total amount per vendor", schema, OfflineWriter("spend", "standard"), questions.read, max_rows=10
    )

    assert made.table.rows == (("Able", 15), ("Bold", 20))
    assert [call[3] for call in await questions.calls()] == ["ok"]


async def test_the_offline_model_says_plainly_what_it_does_not_understand(questions: Questions) -> None:
    schema = await questions.read(read_schema)

    with pytest.raises(QuestionRefused, match="churned"):
        await answer(
            "which vendors have churned", schema, OfflineWriter("spend", "standard"), questions.read, max_rows=10
        )
    assert [call[3] for call in await questions.calls()] == ["declined"]


async def test_a_database_that_does_not_answer_is_no_fault_of_the_statement(questions: Questions) -> None:
    questions.server.next(says(GOOD))
    schema = await questions.read(read_schema)

    async def lost(work: Callable[[AsyncConnection], Coroutine[Any, Any, T]], /) -> T:
        return await read_source("shop", {"shop": "postgresql://nobody@127.0.0.1:1/none"}, 10, work)

    async with a_team_at(questions.server) as models:
        with pytest.raises(SourceUnavailable):
            await answer(QUESTION, schema, ProviderWriter(models, NODE, in_seconds(10)), lost, 10)


@pytest.mark.parametrize("first", [says(GOOD, confidence=0.5), says(None, "There is no such table."), Says("{")])
async def test_a_cascade_writes_on_the_cheaper_tier_and_asks_the_dearer_where_that_is_unsure(
    questions: Questions, first: Says
) -> None:
    questions.server.next(says(GOOD))
    sure = await questions.ask(cascade=True)
    questions.server.next(first, says(GOOD))
    unsure = await questions.ask(cascade=True)

    assert sure.table == unsure.table
    assert [call[1] for call in await questions.calls()] == ["fast", "fast", "standard"]


async def test_in_a_cascade_what_was_refused_is_mended_on_the_dearer_tier(questions: Questions) -> None:
    questions.server.next(says(MISSPELT), says(GOOD))
    await questions.ask(cascade=True)

    assert [call[1:3] for call in await questions.calls()] == [
        ("fast", "write-sql-1"),
        ("standard", "write-sql-1+mend-sql-1"),
    ]
