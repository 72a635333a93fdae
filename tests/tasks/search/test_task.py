"""Searching a folder of real documents, as a node of a run does."""

import asyncio
import inspect
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.errors import InputRefused, QueryRefused, SourceUnavailable
from blocks.settings import HoldfastSettings
from tasks.context import RunContext, enter_run, leave_run, utc_now
from tasks.outcome import Gap, Outcome, Scope
from tasks.search.node import SearchNode
from tasks.search.task import search_documents
from tests.tasks.search.papers import docx, pdf


async def searched(folder: Path, query: str, *, scope: Scope | None = None, **fields: Any) -> Outcome:
    """The outcome of one search in a run whose home is beside the folder; a search needs no ledger."""
    run = RunContext(
        run_id=uuid4(),
        workflow="test",
        team="test",
        ledger=cast(Any, None),
        settings=HoldfastSettings(home=folder.parent / "home"),
        sources={"docs": str(folder)},
    )
    token = enter_run(run)
    try:
        node = SearchNode(id="find", source="docs", query=query, **fields)
        return cast(Outcome, await inspect.unwrap(search_documents.fn)(node, scope or Scope()))
    finally:
        leave_run(token)


def records(outcome: Outcome) -> list[dict[str, Any]]:
    """The rows of the outcome's table by column name."""
    assert outcome.table is not None
    return [dict(record) for record in outcome.table.records()]


def fill(folder: Path) -> Path:
    """The folder with one document of each type."""
    (folder / "minutes").mkdir(parents=True)
    (folder / "acme.md").write_text("# Acme\n\nComplaints rose in May.\n")
    (folder / "minutes" / "may.txt").write_text("We spoke of the complaints about Bolt.")
    (folder / "contract.pdf").write_bytes(pdf("Contract", "A penalty follows complaints."))
    docx(folder / "review.docx", (1, "Review"), (0, "No complaints about Corda."))
    (folder / "data.csv").write_text("complaints")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "documents")


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("shared") / "documents")


async def test_a_search_finds_passages_in_every_type_of_document(folder: Path) -> None:
    outcome = await searched(folder, "complaints")

    found = {row["path"]: (row["heading"], row["passage"]) for row in records(outcome)}
    assert found == {
        "acme.md": ("Acme", "Complaints rose in May."),
        "minutes/may.txt": ("", "We spoke of the complaints about Bolt."),
        "contract.pdf": ("page 2", "A penalty follows complaints."),
        "review.docx": ("Review", "No complaints about Corda."),
    }
    assert (outcome.confidence, outcome.gaps) == (1.0, ())
    assert outcome.evidence == ("4 passages from 4 documents (4 indexed) for 'complaints'",)


async def test_better_matches_come_first_and_the_limit_holds(folder: Path) -> None:
    rows = records(await searched(folder, "complaints about Bolt", limit=2))

    assert rows[0]["path"] == "minutes/may.txt"
    assert len(rows) == 2
    assert rows[0]["score"] > rows[1]["score"] > 0


async def test_the_query_is_a_template(folder: Path) -> None:
    outcome = await searched(folder, "{{ vendor }}", scope=Scope(inputs={"vendor": "Corda"}))

    assert [row["path"] for row in records(outcome)] == ["review.docx"]
    with pytest.raises(InputRefused):
        await searched(folder, "{{ nobody }}")


async def test_no_match_is_a_gap(folder: Path) -> None:
    outcome = await searched(folder, "zeppelin", under="minutes")

    assert records(outcome) == []
    assert outcome.confidence == 0.0
    assert [gap.reason for gap in outcome.gaps] == ["no passage matches 'zeppelin' in 1 document"]


async def test_a_damaged_file_is_one_gap_on_each_run_and_the_rest_is_found(folder: Path) -> None:
    (folder / "broken.pdf").write_bytes((folder / "contract.pdf").read_bytes()[:150])

    first, second = await searched(folder, "complaints"), await searched(folder, "complaints")

    (gap,) = first.gaps
    assert gap.node == "find"
    assert gap.reason.startswith("file broken.pdf could not be read: it is damaged (")
    assert second.gaps == first.gaps
    assert len(records(second)) == 4
    assert second.confidence == 1.0


async def test_gaps_of_what_the_query_used_are_carried_on(folder: Path) -> None:
    earlier = Gap(node="spend", reason="finance is down", since=utc_now())

    outcome = await searched(folder, "complaints", scope=Scope(outcomes={"spend": Outcome(gaps=(earlier,))}))

    assert outcome.gaps == (earlier,)


@pytest.mark.parametrize("query", ['"', "--", "* : ^ ()", "_", " ", "\u0301"])
async def test_a_query_without_a_word_is_refused(folder: Path, query: str) -> None:
    with pytest.raises(QueryRefused, match="has no word to look for"):
        await searched(folder, query)


async def test_a_query_as_long_as_a_document_is_refused(folder: Path) -> None:
    with pytest.raises(QueryRefused, match="501 different words"):
        await searched(folder, " ".join(f"word{number}" for number in range(501)))


@pytest.mark.parametrize(
    "query",
    [
        '"Bolt',
        "passage:Bolt",
        "-Bolt",
        "NEAR(Bolt",
        "Bolt AND",
        "OR Bolt",
        "NOT Bolt",
        "{Bolt",
        "Bolt*",
        "^Bolt",
        "Bo\0 Bolt",
    ],
)
async def test_the_language_of_the_index_is_not_the_users(shared_folder: Path, query: str) -> None:
    template = query if "{" not in query else "{{ asked }}"
    outcome = await searched(shared_folder, template, scope=Scope(inputs={"asked": query}))

    assert "minutes/may.txt" in [row["path"] for row in records(outcome)]


_HOSTILE = st.lists(st.sampled_from(['"', "'", ":", "-", "*", "(", "AND", "NEAR/2", "Bolt", "\0", "é", "_", ";"]))


@settings(max_examples=150)
@given(st.text(min_size=1) | _HOSTILE.map(" ".join))
async def test_any_text_is_answered_or_refused(shared_folder: Path, asked: str) -> None:
    try:
        outcome = await searched(shared_folder, "{{ asked }}", scope=Scope(inputs={"asked": asked}))
    except QueryRefused:
        assert not any(map(str.isalnum, asked))
    else:
        assert outcome.table is not None
        Outcome.model_validate_json(outcome.model_dump_json())


async def test_two_searches_at_once_on_a_fresh_index_agree(folder: Path) -> None:
    first, second = await asyncio.gather(searched(folder, "complaints"), searched(folder, "complaints"))

    assert first.table == second.table
    assert len(records(first)) == 4


async def test_a_sub_folder_that_is_not_there_is_said_so(folder: Path) -> None:
    with pytest.raises(SourceUnavailable, match="no folder '2027' inside"):
        await searched(folder, "complaints", under="2027")
