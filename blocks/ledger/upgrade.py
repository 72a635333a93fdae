"""Runs the migrations. Import it late: it imports alembic.

The database's own lock makes a second process wait here, and then find nothing left to do.
"""

import asyncio
from pathlib import Path
from time import monotonic

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import OperatorError
from blocks.ledger.engine import create_engine

# Any number will do, as long as every Holdfast uses the same.
_ADVISORY_LOCK = 4_830_217_665
_WAL_SECONDS = 30.0


def alembic_config() -> Config:
    """Alembic's settings for the ledger; the connection goes into `attributes`."""
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config


async def upgrade(url: URL) -> None:
    """Brings the database to the newest revision, in one transaction.

    Raises:
        OperatorError: the database is at a revision that is not among ours.
    """
    engine = create_engine(url)
    try:
        async with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                await _use_wal(connection)
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
            await connection.run_sync(_to_head)
            await connection.commit()
    finally:
        await engine.dispose()


async def _use_wal(connection: AsyncConnection) -> None:
    deadline = monotonic() + _WAL_SECONDS
    while True:
        try:
            await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        except OperationalError as error:
            # Unlike a write, a change of mode does not wait for another process's lock.
            if "locked" not in str(error.orig) or monotonic() > deadline:
                raise
        else:
            return
        await asyncio.sleep(0.02)


def _to_head(connection: Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in known:
        raise OperatorError(
            f"the ledger is at revision {revision}, which this Holdfast does not know",
            means="a newer Holdfast has migrated it",
            mend="upgrade Holdfast, or set HOLDFAST_LEDGER_URL to another ledger",
        )
    command.upgrade(config, "head")
