"""The databases that drift, copied before anything changes them: as a SQLite file, or into a PostgreSQL.

The copy in PostgreSQL has the same names, keys and rows, and those of the views that PostgreSQL can run. It has neither
defaults nor checks. Its texts are ordered by their bytes, as SQLite does, so that an order is the same in both.
"""

import asyncio
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from sqlite3 import Connection, connect
from typing import Any

import asyncpg
import sqlglot
from sqlalchemy import TextClause
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlglot import exp

from tasks.outcome import Table
from tasks.sql import quoting, statement

_MOST_INTEGER = 2**31 - 1
ORDERED_TEXT = 'text COLLATE "C"'
_NUMBER_SIZE = re.compile(r"\(\d+(,\d+)?\)")
_CONVERTED: Mapping[str, Callable[[Any], Any]] = {
    "timestamp": datetime.fromisoformat,
    "date": date.fromisoformat,
    "numeric": lambda value: Decimal(str(value)),
    "double precision": float,
    "boolean": bool,
    "text": str,
}


@dataclass(frozen=True)
class _Table:
    name: str
    columns: Mapping[str, str]
    """The PostgreSQL type by name."""
    not_null: frozenset[str]
    key: Sequence[str]
    referring: Sequence[str]
    """The FOREIGN KEY clauses that its rows keep."""
    rows: Sequence[Sequence[Any]]


async def copy_sqlite(path: Path, folder: Path) -> str:
    """The URL of a copy of the SQLite file in that folder."""
    copied = await asyncio.to_thread(shutil.copy, path, folder)
    return f"sqlite+aiosqlite:///{copied}"


async def copy_to_postgresql(path: Path, url: str) -> None:
    """Fills the empty PostgreSQL database with the tables, rows and views of the SQLite file."""
    tables, views = await asyncio.to_thread(_read, path)
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for table in tables:
            await connection.exec_driver_sql(_created(table))
            await _fill(connection, table)
        for table in tables:
            for clause in table.referring:
                await connection.exec_driver_sql(f"ALTER TABLE {quoted(table.name)} ADD {clause}")
        for view in views:
            await _create_view(connection, view)
    await engine.dispose()


def view_queries(path: Path) -> Mapping[str, str]:
    """The SELECT of each view of the SQLite file, for either database."""
    with closing(connect(f"file:{path}?mode=ro", uri=True)) as database:
        views = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'").fetchall()
    return {name: _parsed_view(sql).expression.sql("postgres") for name, sql in views}


@contextmanager
def wrapped_errors() -> Iterator[None]:
    """Raises asyncpg's own errors as DBAPIError: SQLAlchemy 2.1 lets one through that comes with the first rows."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise DBAPIError(None, None, error) from error


async def fetch(connection: AsyncConnection, bound: TextClause, max_rows: int) -> tuple[Table, bool]:
    """As statement.fetch.

    Raises:
        DBAPIError, QueryRefused: the statement cannot be answered.
    """
    with wrapped_errors():
        return await statement.fetch(connection, bound, max_rows)


def quoted(name: str, of: str = "") -> str:
    """The name as an identifier of either database, of that table or alias if one is given."""
    identifier = quoting.quoted(name)
    return f"{quoting.quoted(of)}.{identifier}" if of else identifier


def _read(path: Path) -> tuple[list[_Table], list[str]]:
    with closing(connect(f"file:{path}?mode=ro", uri=True)) as database:
        named = "SELECT {} FROM sqlite_master WHERE type = ? AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY rowid"
        tables = [_table(database, name) for (name,) in database.execute(named.format("name"), ("table",))]
        views = [sql for (sql,) in database.execute(named.format("sql"), ("view",))]
    return tables, views


def _table(database: Connection, name: str) -> _Table:
    described = database.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (name,)).fetchall()
    rows = database.execute(f"SELECT * FROM {quoted(name)}").fetchall()  # noqa: S608  # a name that the database gave
    types = {
        column: _type(declared, [row[at] for row in rows]) for at, (column, declared, _, _) in enumerate(described)
    }
    return _Table(
        name,
        types,
        frozenset(column for column, _, not_null, _ in described if not_null),
        [column for column, _, _, _ in sorted(described, key=lambda each: each[3]) if _in_key(described, column)],
        _referring(database, name),
        [tuple(_converted(kind, value) for kind, value in zip(types.values(), row, strict=True)) for row in rows],
    )


def _in_key(described: Sequence[Sequence[Any]], column: str) -> bool:
    return any(name == column and place for name, _, _, place in described)


def _type(declared: str, values: Sequence[Any]) -> str:
    """By the rules of SQLite's affinities, after the dates and truth values, which SQLite does not know."""
    declared = declared.upper()
    if declared.startswith(("DATETIME", "TIMESTAMP")):
        return "timestamp"
    if declared == "DATE":
        return "date"
    if declared.startswith("BOOL"):
        return "boolean"
    if "INT" in declared:
        return "bigint" if any(abs(value or 0) > _MOST_INTEGER for value in values) else "integer"
    if any(word in declared for word in ("CHAR", "TEXT", "CLOB")):
        return "text"
    if "BLOB" in declared or not declared:
        return "bytea"
    if any(word in declared for word in ("REAL", "FLOA", "DOUB")):
        return "double precision"
    size = _NUMBER_SIZE.search(declared)
    return f"numeric{size.group() if size else ''}"


def _converted(kind: str, value: Any) -> Any:
    convert = _CONVERTED.get(kind.partition("(")[0])
    return value if value is None or convert is None else convert(value)


def _referring(database: Connection, table: str) -> list[str]:
    broken = {row[3] for row in database.execute(f"PRAGMA foreign_key_check({quoted(table)})")}
    keys: dict[int, list[Any]] = {}
    for row in database.execute(
        'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY seq', (table,)
    ):
        keys.setdefault(row[0], []).append(row)
    return [
        f"FOREIGN KEY ({', '.join(quoted(row[2]) for row in rows)})"
        f" REFERENCES {quoted(rows[0][1])} ({', '.join(quoted(row[3]) for row in rows)})"
        for number, rows in sorted(keys.items(), reverse=True)
        if number not in broken
    ]


def _created(table: _Table) -> str:
    parts = [
        f"{quoted(name)} {ORDERED_TEXT if kind == 'text' else kind}{' NOT NULL' * (name in table.not_null)}"
        for name, kind in table.columns.items()
    ]
    if table.key:
        parts.append(f"PRIMARY KEY ({', '.join(map(quoted, table.key))})")
    return f"CREATE TABLE {quoted(table.name)} ({', '.join(parts)})"


async def _fill(connection: AsyncConnection, table: _Table) -> None:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    await driver.copy_records_to_table(table.name, records=table.rows, columns=list(table.columns))


async def _create_view(connection: AsyncConnection, sql: str) -> None:
    # What PostgreSQL cannot run (a text compared with a number, texts added with +) is in none of the saved queries.
    savepoint = await connection.begin_nested()
    try:
        await connection.exec_driver_sql(_parsed_view(sql).sql("postgres"))
    except SQLAlchemyError:
        await savepoint.rollback()
    else:
        await savepoint.commit()


def _parsed_view(sql: str) -> exp.Expr:
    """With its names quoted, as PostgreSQL would write those without quotes in lower case."""
    view = sqlglot.parse_one(sql, read="sqlite")
    for identifier in view.find_all(exp.Identifier):
        identifier.set("quoted", True)
    return view
