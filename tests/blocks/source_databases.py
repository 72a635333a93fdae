"""Databases that tests read as sources: filled, asked and watched from outside, through connections of their own."""

import asyncio
import threading
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from blocks.sources import source_url

SLOW_SQL = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000000) SELECT COUNT(*) AS c FROM n"
)
"""Minutes of work in any database, unless it is stopped."""


async def execute(url: str, *statements: str) -> None:
    """Commits the statements."""
    engine = create_async_engine(source_url("test", url))
    try:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)
    finally:
        await engine.dispose()


async def shop_with(url: str, *invoices: str) -> str:
    """The URL, once its database has these invoices, each as the SQL of a vendor and an amount."""
    await execute(
        url,
        "CREATE TABLE invoices (vendor TEXT, amount INTEGER)",
        f"INSERT INTO invoices VALUES {', '.join(f'({invoice})' for invoice in invoices)}",  # noqa: S608  a test's own
    )
    return url


async def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """The rows that the statement gives now."""
    engine = create_async_engine(source_url("test", url))
    try:
        async with engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(sql))]
    finally:
        await engine.dispose()


async def slow_statements(url: str) -> int:
    """How many connections run SLOW_SQL on that PostgreSQL now."""
    counted = f"SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND query = '{SLOW_SQL}'"  # noqa: S608  # the only SQL in it is our own
    return int((await rows(url, counted))[0][0])


def sqlite_threads() -> int:
    """How many threads serve SQLite connections in this process now."""
    return sum("_connection_worker_thread" in thread.name for thread in threading.enumerate())


async def working(url: str) -> bool:
    """Whether the database still works on SLOW_SQL for this process."""
    return bool(await slow_statements(url) if url.startswith("postgresql") else sqlite_threads())


async def until_working(url: str) -> None:
    """Returns when the database works on SLOW_SQL."""
    async with asyncio.timeout(5):
        while not await working(url):
            await asyncio.sleep(0.01)


async def until_idle(url: str) -> None:
    """Returns when the database no longer works on SLOW_SQL, which must be soon."""
    async with asyncio.timeout(2):
        while await working(url):
            await asyncio.sleep(0.01)
