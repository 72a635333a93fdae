"""The sample part of the drift benchmark still asks what it says: every answer has rows, and one order."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from sqlite3 import Connection, connect
from typing import Any

import pytest

from tests.benchmarks.drift_originals import samples
from tests.benchmarks.drift_queries import FEATURES, Database, SavedQuery
from tests.benchmarks.drift_sample_queries import QUERIES
from tests.benchmarks.drift_sample_subjects import SUBJECTS
from tests.benchmarks.drift_subjects import KINDS

Rows = Sequence[Sequence[Any]]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[Database, Connection]]:
    opened = {each.name: connect(each.file) for each in samples(tmp_path_factory.mktemp("samples"))}
    yield opened
    for connection in opened.values():
        connection.close()


def answer(database: Connection, query: SavedQuery, *, backwards: bool) -> Rows:
    """With SQLite going through tables backwards, what is not ordered comes in another order."""
    database.execute(f"PRAGMA reverse_unordered_selects = {backwards}")
    with closing(database.execute(query.sql, dict(query.values))) as rows:
        return [[round(cell, 6) if isinstance(cell, float) else cell for cell in row] for row in rows]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_an_answer_has_rows_in_one_order(databases: Mapping[Database, Connection], query: SavedQuery) -> None:
    rows = answer(databases[query.database], query, backwards=False)

    assert rows
    assert rows == answer(databases[query.database], query, backwards=True)


@pytest.mark.parametrize("feature", FEATURES)
def test_each_database_is_asked_with_every_feature(feature: str) -> None:
    assert {query.database for query in QUERIES if feature in query.features} == {*SUBJECTS}


def test_every_kind_of_drift_happens_to_the_samples() -> None:
    assert {kind for kinds in SUBJECTS.values() for kind, subjects in kinds.items() if subjects} == {*KINDS}
