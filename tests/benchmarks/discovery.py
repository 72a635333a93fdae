"""What reading a large schema costs: `uv run python -m tests.benchmarks.discovery [--tables N]`.

Compared are Holdfast's bulk reading and SQLAlchemy's inspector, asked table by table as is usual and once in bulk, for
the same facts: columns, primary key, unique keys, foreign keys. On SQLite and on a PostgreSQL of its own. It also
counts the statements that an unchanged schema takes. It asserts nothing; the targets are said at the end.
"""

import asyncio
import gc
import time
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, event, inspect
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from blocks.schemas.reading import read_schema
from blocks.schemas.snapshot import Snapshot
from blocks.sources import source_url
from tests.servers.postgres import postgres
from tests.servers.processes import stop_servers_when_terminated

COLUMNS = 10
ROUNDS = 5
MIN_TIMES_FASTER, MOST_STATEMENTS = 10.0, 1
Way = Callable[[AsyncConnection], Awaitable[object]]


def main() -> None:
    """Prints a table per database, and whether the targets are met."""
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tables", type=int, default=2000)
    tables = parser.parse_args().tables
    stop_servers_when_terminated()
    with TemporaryDirectory(prefix="holdfast-benchmark-") as name, postgres(Path(name) / "postgres") as server:
        urls = {"SQLite": f"{name}/large.db", "PostgreSQL": server.get_uri(driver="asyncpg")}
        targets = [line for kind, url in urls.items() for line in asyncio.run(_compared(kind, url, tables))]
    print("\nTargets")
    print("\n".join(targets))


async def _compared(kind: str, url: str, tables: int) -> list[str]:
    engine = create_async_engine(source_url(kind, url))
    try:
        await _fill(engine, tables)
        print(f"\n{kind}, {tables} tables of {COLUMNS} columns: seconds, median (least to most)")
        ways: Mapping[str, Way] = {
            "Holdfast": read_schema,
            "SQLAlchemy, table by table": lambda connection: connection.run_sync(_table_by_table),
            "SQLAlchemy, in bulk": lambda connection: connection.run_sync(_in_bulk),
        }
        taken = {name: await _timed(engine, way) for name, way in ways.items()}
        base = median(taken["Holdfast"])
        for name, each in taken.items():
            print(f"{name:28} {median(each):7.3f} ({min(each):.3f} to {max(each):.3f})  x{median(each) / base:.1f}")
        seconds, statements = await _unchanged(engine)
        print(f"{'Holdfast, nothing changed':28} {seconds:7.3f}  {statements} statement(s)")
    finally:
        await engine.dispose()
    faster = median(taken["SQLAlchemy, table by table"]) / base
    return [
        _target(f"{kind}: times faster than table by table: {faster:.1f}, at least 10", faster >= MIN_TIMES_FASTER),
        _target(f"{kind}: statements where nothing changed: {statements}, at most 1", statements <= MOST_STATEMENTS),
    ]


async def _fill(engine: AsyncEngine, tables: int) -> None:
    columns = ", ".join(f"c{at} VARCHAR(40)" for at in range(COLUMNS - 3))
    async with engine.begin() as connection:
        for at in range(tables):
            refers = f"REFERENCES t{at - 1} (id)" if at else ""
            table = f"CREATE TABLE t{at} (id INTEGER PRIMARY KEY, code TEXT UNIQUE, other INTEGER {refers}, {columns})"
            await connection.exec_driver_sql(table)


async def _timed(engine: AsyncEngine, way: Way) -> list[float]:
    taken = []
    for _ in range(ROUNDS):
        async with engine.connect() as connection:
            # A full collection strikes any of the ways by chance.
            gc.collect()
            began = time.perf_counter()
            await way(connection)
            taken.append(time.perf_counter() - began)
    return taken


async def _unchanged(engine: AsyncEngine) -> tuple[float, int]:
    """How long it takes to see that nothing has changed, and with how many statements."""
    statements: list[str] = []

    def on_execute(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    async with engine.connect() as connection:
        known: Snapshot = await read_schema(connection)
        event.listen(engine.sync_engine, "before_cursor_execute", on_execute)
        began = time.perf_counter()
        await read_schema(connection, known)
        return time.perf_counter() - began, len(statements)


def _table_by_table(connection: Connection) -> None:
    inspector = inspect(connection)
    for table in inspector.get_table_names():
        inspector.get_columns(table)
        inspector.get_pk_constraint(table)
        inspector.get_unique_constraints(table)
        inspector.get_foreign_keys(table)


def _in_bulk(connection: Connection) -> None:
    inspector = inspect(connection)
    inspector.get_multi_columns()
    inspector.get_multi_pk_constraint()
    inspector.get_multi_unique_constraints()
    inspector.get_multi_foreign_keys()


def _target(what: str, met: bool) -> str:
    return f"{'met    ' if met else 'NOT met'}  {what}"


if __name__ == "__main__":
    main()
