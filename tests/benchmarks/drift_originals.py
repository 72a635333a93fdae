"""The databases of the drift benchmark before any drift: two real ones, or the sample company's three.

The samples are made anew, get views, as they have none, and lose their oldest rows. Nothing changes the real ones: they
are copied first.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect

from sqlalchemy import make_url

from blocks.samples.make import make_samples
from tests.benchmarks import drift_queries, drift_sample_queries, drift_sample_subjects, drift_subjects
from tests.benchmarks.drift_queries import Database, SavedQuery
from tests.benchmarks.drift_subjects import Kind

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data"
MONTH = "2026-10"
"""The last one of the samples; their saved queries name it."""
_WITHOUT_THE_OLDEST: Mapping[Database, Sequence[str]] = {
    "finance": ("DELETE FROM invoices WHERE month < '2026-05'",),
    "procurement": ("DELETE FROM purchase_orders WHERE month < '2026-05'",),
    "operations": (
        "DELETE FROM deliveries WHERE month < '2026-05'",
        "DELETE FROM complaints WHERE delivery_id NOT IN (SELECT delivery_id FROM deliveries)",
    ),
}
"""Half a year is kept: before it refuses, Holdfast reads all rows, which takes a second per query with two years."""


@dataclass(frozen=True)
class Original:
    """A database, what is asked of it, and what changes in it."""

    name: Database
    file: Path
    """In SQLite."""
    tables: Mapping[str, str]
    """Each table's columns, as drift_subjects.py writes them."""
    subjects: Mapping[Kind, Sequence[str]]
    queries: Sequence[SavedQuery]


def real() -> list[Original]:
    """Northwind and Chinook; none where their folder is absent."""
    if not DATA.is_dir():
        return []
    return [
        Original(name, DATA / f"{name}.db", tables, drift_subjects.SUBJECTS[name], _of(name, drift_queries.QUERIES))
        for name, tables in drift_subjects.TABLES.items()
    ]


def samples(folder: Path) -> list[Original]:
    """Finance, procurement and operations of the sample company, with views, made in that folder."""
    sources = make_samples(folder, MONTH).sources
    found = []
    for name, tables in drift_sample_subjects.TABLES.items():
        file = Path(make_url(sources[name]).database or "")
        with closing(connect(file)) as database:
            for statement in (*_WITHOUT_THE_OLDEST[name], *drift_sample_queries.VIEWS[name]):
                database.execute(statement)
            database.commit()
        queries = _of(name, drift_sample_queries.QUERIES)
        found.append(Original(name, file, tables, drift_sample_subjects.SUBJECTS[name], queries))
    return found


def _of(database: Database, queries: Sequence[SavedQuery]) -> list[SavedQuery]:
    return [query for query in queries if query.database == database]
