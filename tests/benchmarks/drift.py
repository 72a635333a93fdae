"""What saved queries survive: `uv run python -m tests.benchmarks.drift [--seed N] [--only KIND] [--samples]`.

Real databases (../shared/data), or the sample company's where there are none, are copied, each of their saved queries
is answered once, one drift is made, and the queries that it touches, and a few that it does not, are answered again: by
Holdfast and, as the baseline, as they are.
survived: the same answer as before. refused: no answer. wrong: another answer. New names come from a seeded generator.
"""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from math import isclose
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeVar, get_args

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from blocks.errors import DriftRefused, QueryRefused
from blocks.ledger import GoodAnswerRow, KnownAnswerRow, Ledger, SchemaRow
from blocks.schemas.reading import read_schema
from blocks.schemas.snapshot import Dialect, Snapshot
from tasks.drift.answering import Answering, Asker
from tasks.drift.discover import Discovery
from tasks.drift.saved import Prepared, Saved
from tasks.outcome import Cell, Column, Table
from tasks.sql.statement import statement
from tasks.sql.usage import usage
from tests.benchmarks.drift_databases import copy_sqlite, copy_to_postgresql, fetch, view_queries, wrapped_errors
from tests.benchmarks.drift_originals import Original, real, samples
from tests.benchmarks.drift_queries import SavedQuery
from tests.benchmarks.drift_subjects import KINDS
from tests.benchmarks.drifts import Drift, apply, drifts
from tests.servers.postgres import postgres
from tests.servers.processes import stop_servers_when_terminated

UNTOUCHED = 3
"""How many queries that a drift does not touch are asked as well."""
LEAST_SURVIVED = 0.95
MAX_ROWS = 1_000_000
TIMEOUT_SECONDS = 60.0
T = TypeVar("T")
Fate = Literal["survived", "refused", "wrong"]
FATES: tuple[Fate, ...] = get_args(Fate)
Rows = Sequence[Sequence[Any]]


@dataclass
class Counts:
    """How often each fate was met, by kind of drift, whether the answer could be rebuilt, and way."""

    fates: Counter[tuple[str, bool, str, Fate]] = field(default_factory=Counter)

    def of(self, kind: str | None, way: str, *rebuildable: bool) -> Mapping[Fate, int]:
        """Of one kind, or of all."""
        return {
            fate: sum(
                count
                for (each, could, by, met), count in self.fates.items()
                if kind in (None, each) and could in rebuildable and by == way and met == fate
            )
            for fate in FATES
        }


@dataclass(frozen=True)
class _Good:
    """A query's answer before any drift, and what was remembered of it."""

    answer: GoodAnswerRow
    schema: Snapshot
    rows: Rows


def main() -> None:
    """Prints a table per database and dialect, one of all, and whether the targets are met."""
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--sqlite", action="store_true", help="SQLite only")
    parser.add_argument("--samples", action="store_true", help="the sample sources, even where there are real ones")
    parser.add_argument("--verbose", action="store_true", help="say why a query was refused, on standard error")
    given = parser.parse_args()
    stop_servers_when_terminated()
    everything = Counts()
    with TemporaryDirectory(prefix="holdfast-benchmark-") as name, _server(Path(name), given) as server:
        for original in _originals(Path(name), given):
            for dialect in ("sqlite", "postgresql") if server else ("sqlite",):
                counts = asyncio.run(_measured(original, dialect, Path(name), server, given))
                _print(f"{original.name}, {dialect}", counts)
                everything.fates.update(counts.fates)
    _print("everything", everything)
    _print_targets(everything)


def _originals(folder: Path, given: Namespace) -> Sequence[Original]:
    return (not given.samples and real()) or samples(folder / "samples")


async def _measured(original: Original, dialect: Dialect, folder: Path, server: str, given: Namespace) -> Counts:
    async with Ledger.open(f"sqlite:///{folder / 'ledger.db'}") as ledger:
        return await _counted(original, dialect, folder, server, given, ledger)


async def _counted(
    original: Original, dialect: Dialect, folder: Path, server: str, given: Namespace, ledger: Ledger
) -> Counts:
    counts = Counts()
    place = _Place(original, dialect, folder, server)
    await place.prepare()
    queries = original.queries
    async with place.copy() as connection:
        good = {query.name: await _answered_first(connection, query, ledger) for query in queries}
        now = await read_schema(connection)
        views = view_queries(original.file)
        used = {query.name: _used(query.sql, now, views) for query in queries}
    made = [each for each in drifts(original, dialect, given.seed) if given.only in (None, each.kind)]
    for drift in made:
        touched = [query for query in queries if _touches(drift, used[query.name])]
        others = [query for query in queries if query not in touched]
        asked = [*touched, *Random(given.seed).sample(others, min(UNTOUCHED, len(others)))]  # noqa: S311  # no secret
        async with place.copy() as connection:
            await apply(drift, connection)
            lost = views.keys() - await _readable(connection)
            for query in asked:
                could = query not in touched or (drift.rebuildable and not lost & dict(used[query.name]).keys())
                for way, fate in (await _fates(connection, query, good[query.name], drift, ledger, given)).items():
                    counts.fates[drift.kind, could, way, fate] += 1
    return counts


def _used(sql: str, now: Snapshot, views: Mapping[str, str]) -> list[tuple[str, Sequence[str]]]:
    """Each relation that the statement reads, itself or behind a view, with the columns that are used of it."""
    found: list[tuple[str, Sequence[str]]] = []
    for relation, columns in usage(sql, now).relations.items():
        found.append((relation.name, columns))
        if relation.name in views:
            found += _used(views[relation.name], now, views)
    return found


async def _readable(connection: AsyncConnection) -> set[str]:
    """The relations that still are there and have columns; no row tells what a view was that has not."""
    return {relation.name.name for relation in (await read_schema(connection)).relations if relation.columns}


def _touches(drift: Drift, used: Sequence[tuple[str, Sequence[str]]]) -> bool:
    return any(
        name == table and (not columns or not of_it or set(columns) & set(of_it))
        for name, of_it in used
        for table, columns in drift.touches.items()
    )


async def _answered_first(connection: AsyncConnection, query: SavedQuery, ledger: Ledger) -> _Good:
    now, at = await read_schema(connection), datetime.now(UTC)
    found = Discovery(query.database, now, at, at, None)
    table, _ = await _answering(connection, query, found, ledger).answer()
    answer = await ledger.good_answer(query.database, query.sql)
    if answer is None:
        raise RuntimeError(f"nothing was remembered of {query.name}")
    return _Good(answer, now, _rows(table))


def _answering(connection: AsyncConnection, query: SavedQuery, found: Discovery, ledger: Ledger) -> Answering:
    async def read(work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        # A statement that fails must leave the transaction usable for the next query.
        async with connection.begin_nested():
            with wrapped_errors():
                return await work(connection)

    async def approve(done: Prepared) -> None:
        raise RuntimeError("nothing here waits for an approval")

    asker = Asker(read, ledger, lambda: datetime.now(UTC), TIMEOUT_SECONDS, approve)
    return Answering(Saved(query.database, query.sql, values=query.values, max_rows=MAX_ROWS), found, asker)


async def _fates(
    connection: AsyncConnection, query: SavedQuery, good: _Good, drift: Drift, ledger: Ledger, given: Namespace
) -> Mapping[str, Fate]:
    now, at = await read_schema(connection), datetime.now(UTC)
    # A copy is another database, and would not be compared.
    answer = replace(good.answer, database=now.database)
    await ledger.record_good_answer(answer)
    known = {query.sql: KnownAnswerRow(**{each.name: getattr(answer, each.name) for each in fields(KnownAnswerRow)})}
    before = SchemaRow(source=query.database, snapshot=good.schema, at=at, run_id=None)
    answering = _answering(connection, query, Discovery(query.database, now, at, at, before, known=known), ledger)
    try:
        table, _ = await answering.answer()
        repaired = _fate(good.rows, _rows(table))
        why = answering.prepared.sql if answering.prepared else ""
    except (DriftRefused, QueryRefused, DBAPIError) as refused:
        repaired, why = "refused", str(refused)
    try:
        async with connection.begin_nested():
            table, _ = await fetch(connection, statement(query.sql, query.values), MAX_ROWS)
        bare = _fate(good.rows, _rows(table))
    except (QueryRefused, DBAPIError):
        bare = "refused"
    if given.verbose and (repaired == "wrong" or (repaired == "refused" and drift.rebuildable)):
        sys.stderr.write(f"{repaired}: {drift.kind} {drift.name}: {query.name}: {why}\n")
    return {"Holdfast": repaired, "bare": bare}


def _fate(before: Rows, after: Rows) -> Fate:
    alike = len(before) == len(after) and all(
        len(old) == len(new) and all(map(_same, old, new)) for old, new in zip(before, after, strict=True)
    )
    return "survived" if alike else "wrong"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float | Decimal) and isinstance(other, int | float | Decimal):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    # A table has moments as texts, and PostgreSQL's midnight is SQLite's date.
    return str(one).removesuffix("T00:00:00") == str(other).removesuffix("T00:00:00")


def _rows(table: Table) -> Rows:
    return [tuple(map(_value, row, table.columns)) for row in table.rows]


def _value(cell: Cell, column: Column) -> Any:
    return Decimal(str(cell)) if column.type == "decimal" and cell is not None else cell


class _Place:
    """Where the copies of one database are made."""

    def __init__(self, original: Original, dialect: Dialect, folder: Path, server: str) -> None:
        self._original, self._dialect, self._folder, self._server = original, dialect, folder, server

    async def prepare(self) -> None:
        if self._dialect == "postgresql":
            await self._manage(f"CREATE DATABASE {self._original.name}")
            await copy_to_postgresql(self._original.file, self._url(self._original.name))

    @asynccontextmanager
    async def copy(self) -> AsyncIterator[AsyncConnection]:
        """A connection to a copy of its own, in a transaction."""
        if self._dialect == "sqlite":
            url = await copy_sqlite(self._original.file, self._folder)
        else:
            await self._manage(f"CREATE DATABASE drifted TEMPLATE {self._original.name}")
            url = self._url("drifted")
        engine = create_async_engine(url)
        try:
            async with engine.begin() as connection:
                yield connection
        finally:
            await engine.dispose()
            if self._dialect == "postgresql":
                await self._manage("DROP DATABASE drifted WITH (FORCE)")

    def _url(self, database: str) -> str:
        return make_url(self._server).set(database=database).render_as_string(hide_password=False)

    async def _manage(self, statement: str) -> None:
        engine = create_async_engine(self._server, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.exec_driver_sql(statement)
        await engine.dispose()


@contextmanager
def _server(folder: Path, given: Namespace) -> Iterator[str]:
    """The URL of a PostgreSQL of its own; empty where none is wanted."""
    if given.sqlite:
        yield ""
        return
    with postgres(folder / "postgres") as server:
        yield server.get_uri(driver="asyncpg")


def _print(title: str, counts: Counts) -> None:
    sys.stdout.write(f"\n{title}\n{'':36}{'Holdfast':^30}{'as it is':^30}\n")
    sys.stdout.write(f"{'':36}" + "".join(f"{fate:>10}" for _ in range(2) for fate in FATES) + "\n")
    for kind in KINDS:
        for could in (True, False):
            numbers = [counts.of(kind, way, could)[fate] for way in ("Holdfast", "bare") for fate in FATES]
            if any(numbers):
                label = kind if could else f"{kind} (lost)"
                sys.stdout.write(f"{label:36}" + "".join(f"{number:>10}" for number in numbers) + "\n")
    sys.stdout.flush()


def _print_targets(counts: Counts) -> None:
    could, every = counts.of(None, "Holdfast", True), counts.of(None, "Holdfast", True, False)
    share = could["survived"] / max(sum(could.values()), 1)
    sys.stdout.write(f"\nTargets\n{'met    ' if share >= LEAST_SURVIVED else 'NOT met'}  ")
    sys.stdout.write(f"survived where the answer can be rebuilt: {share:.1%}, at least {LEAST_SURVIVED:.0%}\n")
    sys.stdout.write(f"{'met    ' if not every['wrong'] else 'NOT met'}  wrong: {every['wrong']}, none\n")


if __name__ == "__main__":
    main()
