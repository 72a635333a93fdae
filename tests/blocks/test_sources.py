"""Reading a SQLite file and a real PostgreSQL: nothing is changed, and a reader that gives up leaves no work behind."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from sqlite3 import connect
from time import monotonic
from typing import Any

import anyio
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import QueryRefused, SourceUnavailable
from blocks.sources import read_source
from tests.blocks.source_databases import SLOW_SQL, execute, rows, shop_with, until_idle, until_working

Work = Callable[[AsyncConnection], Awaitable[Any]]


@pytest.fixture
async def shop(empty_database_url: str) -> str:
    """The URL of a database with one invoice of 10 for Able."""
    return await shop_with(empty_database_url, "'Able', 10")


async def read(url: str, *statements: str, timeout_seconds: float = 10) -> list[tuple[Any, ...]]:
    """What the last statement gives, all of them read in one go."""

    async def work(connection: AsyncConnection) -> list[tuple[Any, ...]]:
        for statement in statements:
            result = await connection.execute(text(statement))
        return [tuple(row) for row in result]

    return await read_source("shop", {"shop": url}, timeout_seconds, work)


async def test_what_is_in_the_database_is_read(shop: str) -> None:
    assert await read(shop, "SELECT vendor, amount FROM invoices") == [("Able", 10)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoices SET amount = 0",
        "DELETE FROM invoices",
        "INSERT INTO invoices VALUES ('Bold', 1)",
        "DROP TABLE invoices",
        "CREATE TABLE other (a INTEGER)",
    ],
)
async def test_the_database_itself_refuses_to_change_anything(shop: str, statement: str) -> None:
    with pytest.raises(QueryRefused, match=r"refused the SQL: (attempt to write a readonly|cannot execute)"):
        await read(shop, statement)

    assert await rows(shop, "SELECT vendor, amount FROM invoices") == [("Able", 10)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT wipe()",
        "WITH gone AS (DELETE FROM invoices RETURNING *) SELECT * FROM gone",
        "SELECT nextval('numbers')",
        "SELECT set_config('transaction_read_only', 'off', true), wipe()",
        "SET TRANSACTION READ WRITE",
        "SELECT 1; COMMIT; DELETE FROM invoices",
    ],
)
async def test_no_select_changes_anything_in_postgresql(fresh_postgres_url: str, statement: str) -> None:
    await execute(
        fresh_postgres_url,
        "CREATE TABLE invoices (vendor TEXT)",
        "INSERT INTO invoices VALUES ('Able')",
        "CREATE SEQUENCE numbers",
        "CREATE FUNCTION wipe() RETURNS void LANGUAGE sql AS 'DELETE FROM invoices'",
    )

    with pytest.raises(QueryRefused):
        await read(fresh_postgres_url, statement)

    assert await rows(fresh_postgres_url, "SELECT vendor FROM invoices") == [("Able",)]
    assert await rows(fresh_postgres_url, "SELECT is_called FROM numbers") == [(False,)]


async def test_reading_does_not_keep_others_from_writing(shop: str) -> None:
    await read(shop, "SELECT vendor FROM invoices")

    await execute(shop, "UPDATE invoices SET amount = 11")
    assert await read(shop, "SELECT amount FROM invoices") == [(11,)]


@asynccontextmanager
async def by_asyncio(seconds: float) -> Any:
    async with asyncio.timeout(seconds):
        yield


@asynccontextmanager
async def by_anyio(seconds: float) -> Any:
    """As Prefect ends a task: the cancellation is sent again at every await."""
    with anyio.fail_after(seconds):
        yield


@pytest.mark.parametrize("limit", [by_asyncio, by_anyio])
async def test_a_statement_is_over_in_the_database_soon_after_the_reader_s_time(
    shop: str, limit: Callable[[float], AbstractAsyncContextManager[None]]
) -> None:
    began = monotonic()
    with pytest.raises(TimeoutError):
        async with limit(0.3):
            await read(shop, SLOW_SQL, timeout_seconds=60)

    assert monotonic() - began < 2
    await until_idle(shop)


async def test_a_statement_is_over_in_the_database_when_its_reader_is_cancelled(shop: str) -> None:
    reader = asyncio.create_task(read(shop, SLOW_SQL, timeout_seconds=60))
    await until_working(shop)
    reader.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reader
    await until_idle(shop)


async def test_a_cancellation_between_two_statements_stops_the_next_one(shop: str) -> None:
    cancelled = asyncio.Event()

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(text("SELECT 1"))
        cancelled.set()
        # Nothing is awaited of the database now, as while rows are made a table.
        await asyncio.shield(asyncio.sleep(0.1))
        await connection.execute(text(SLOW_SQL))

    reader = asyncio.create_task(read_source("shop", {"shop": shop}, 60, work))
    await cancelled.wait()
    reader.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(reader, 5)
    await until_idle(shop)


async def test_postgresql_ends_a_statement_by_itself_when_time_is_up(fresh_postgres_url: str) -> None:
    with pytest.raises(TimeoutError, match="source 'shop' cancelled the statement"):
        await read(fresh_postgres_url, SLOW_SQL, timeout_seconds=0.2)

    await until_idle(fresh_postgres_url)


async def test_a_time_below_what_postgresql_counts_is_not_taken_for_no_limit(postgres_url: str) -> None:
    with pytest.raises(TimeoutError):
        await read(postgres_url, "SELECT pg_sleep(0.5)", timeout_seconds=0.0004)


async def test_a_time_beyond_what_postgresql_counts_is_a_limit_all_the_same(postgres_url: str) -> None:
    days = 86400.0
    assert await read(postgres_url, "SELECT 1", timeout_seconds=60 * days) == [(1,)]


async def test_a_busy_file_is_waited_for_and_then_unavailable(sqlite_url: str) -> None:
    await execute(sqlite_url, "CREATE TABLE invoices (vendor TEXT)")
    with closing(connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceUnavailable, match="database is locked; check that it is up"):
            await read(f"{sqlite_url}?timeout=0.05", "SELECT * FROM invoices")
        waiting = asyncio.create_task(read(sqlite_url, "SELECT * FROM invoices"))
        await asyncio.sleep(0.05)
        other.execute("COMMIT")

        assert await waiting == []


async def test_waiting_for_a_busy_file_does_not_outlast_the_reader_s_time(sqlite_url: str) -> None:
    await execute(sqlite_url, "CREATE TABLE invoices (vendor TEXT)")
    with closing(connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        began = monotonic()
        with pytest.raises(SourceUnavailable):
            await read(sqlite_url, "SELECT * FROM invoices", timeout_seconds=0.2)

    assert monotonic() - began < 2, "SQLite's own wait is 5 seconds"
    await until_idle(sqlite_url)
