"""Brings a ledger's tables to the revision that this Holdfast knows; one query where they are there already."""

import asyncio
from threading import Lock

from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

HEAD = "0007"
"""The newest revision in migrations/versions."""

# Alembic's operations go through a module-level proxy: one migration at a time per process.
_one_at_a_time = Lock()


async def make_current(engine: AsyncEngine, url: URL) -> None:
    """Migrates the database unless it is at HEAD.

    Raises:
        OperatorError: its revision is one that this Holdfast does not know.
    """
    if await _revision(engine) != HEAD:
        await asyncio.to_thread(_migrate, url)


async def _revision(engine: AsyncEngine) -> str | None:
    try:
        async with engine.connect() as connection:
            revision = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    except DBAPIError as error:
        if _no_such_table(error):
            return None
        raise
    return None if revision is None else str(revision)


def _no_such_table(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "42P01" or "no such table" in str(error.orig)


def _migrate(url: URL) -> None:
    # In a thread with a loop of its own: importing alembic is slow, and another process may hold the lock.
    from blocks.ledger.upgrade import upgrade

    with _one_at_a_time:
        asyncio.run(upgrade(url))
