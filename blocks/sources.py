"""Databases as sources: found by name, opened read-only, and cancelled in the database when the reader gives up.

A source is a Prefect block (AsyncSqlAlchemyConnector of prefect-sqlalchemy) or, for one run, a URL given by name.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from sqlite3 import SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_INTERRUPT, SQLITE_IOERR, SQLITE_LOCKED
from sqlite3 import Error as SqliteError
from typing import Any, TypeVar

import anyio
import asyncpg
from prefect_sqlalchemy import AsyncSqlAlchemyConnector
from sqlalchemy import URL, NullPool, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import CredentialsRefused, HoldfastError, QueryRefused, SourceUnavailable, SourceUnknown

T = TypeVar("T")

_ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_SQLITE_PASSING = {SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_CANTOPEN}
# PostgreSQL's error classes that say "not now": connection, transaction rollback, resources, object in use, operator.
_POSTGRES_PASSING = {"08", "40", "53", "55", "57"}
_QUERY_CANCELED = "57014"


def source_url(text_or_path: str) -> URL:
    """A URL with an async driver, from a URL with any driver or from the path of a SQLite file.

    Raises:
        SourceUnknown: it is neither.
    """
    try:
        url = make_url(text_or_path if "://" in text_or_path else f"sqlite:///{text_or_path}")
    except ArgumentError as error:
        raise SourceUnknown(
            f"{text_or_path!r} is not a database URL", mend="write sqlite:///file.db or postgresql://host/database"
        ) from error
    return url.set(drivername=_ASYNC_DRIVERS.get(url.get_backend_name(), url.drivername))


async def find_source(name: str, overrides: Mapping[str, str]) -> AsyncSqlAlchemyConnector:
    """The connector of the source: the override of that name, else the saved block of that name.

    Raises:
        SourceUnknown: there is neither, or its driver is not an async one.
    """
    try:
        if name in overrides:
            url = source_url(overrides[name]).render_as_string(hide_password=False)
            return AsyncSqlAlchemyConnector(connection_info=url)
        return await AsyncSqlAlchemyConnector.aload(name)
    except ValueError as error:
        raise SourceUnknown(
            f"source {name!r} cannot be opened",
            means=f"no Async SQLAlchemy Connector block of that name can be loaded ({type(error).__name__})",
            mend=f"save one in Prefect, or run with --source {name}=URL",
        ) from error


async def read_source(
    name: str,
    overrides: Mapping[str, str],
    timeout_seconds: float,
    work: Callable[[AsyncConnection], Coroutine[Any, Any, T]],
) -> T:
    """What `work` makes of a connection in a read-only transaction; cancelled in the database when the caller is.

    Raises:
        SourceUnknown, SourceUnavailable, CredentialsRefused, QueryRefused: in connecting and in what `work` executes.
    """
    connector = await find_source(name, overrides)
    url = connector._rendered_url
    _require_file(name, url)
    try:
        engine = connector.get_engine(poolclass=NullPool)
        try:
            async with engine.connect() as connection:
                await _make_read_only(connection, timeout_seconds)
                return await _interruptible(connection, work(connection))
        finally:
            await connector.close()
    except (SQLAlchemyError, OSError, asyncpg.PostgresError) as error:
        raise _explained(name, url, error) from error


async def _interruptible(connection: AsyncConnection, work: Coroutine[Any, Any, T]) -> T:
    """Runs the work in a task of its own, so that a cancellation interrupts the statement and not the driver.

    A cancellation that reaches aiosqlite leaves its thread working, and SQLAlchemy waiting for it for ever (0.22, 2.1).
    """
    driver = (await connection.get_raw_connection()).driver_connection
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if connection.dialect.name == "sqlite" and driver is not None:
            await driver.interrupt()
        else:
            task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # it was interrupted; what it says is no news
        raise


def _require_file(name: str, url: URL) -> None:
    # Connecting to a SQLite file that is not there would make an empty one.
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise SourceUnknown(
            f"source {name!r} has no file at {url.database}",
            mend=f"put the file back, or run with --source {name}=URL",
        )


async def _make_read_only(connection: AsyncConnection, timeout_seconds: float) -> None:
    match connection.dialect.name:
        case "sqlite":
            await connection.exec_driver_sql("PRAGMA query_only=ON")
        case "postgresql":
            await connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            # A cancelled asyncpg call leaves the statement running in the server (seen on 0.32), so the server ends it.
            await connection.execute(
                text("SELECT set_config('statement_timeout', :ms, true)"), {"ms": str(int(timeout_seconds * 1000))}
            )


def _explained(name: str, url: URL, error: Exception) -> HoldfastError | TimeoutError:
    """The error in words of who must act; never with a password."""
    place = url.render_as_string(hide_password=True)
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    reason = (str(cause).strip() or type(cause).__name__).splitlines()[0].removeprefix("<class ")
    code = getattr(cause, "sqlstate", None) or ""
    sqlite_code = getattr(_root(cause), "sqlite_errorcode", 0) & 0xFF
    if code == _QUERY_CANCELED or sqlite_code == SQLITE_INTERRUPT:
        return TimeoutError(f"source {name!r} cancelled the statement")
    if code.startswith("28"):
        return CredentialsRefused(
            f"source {name!r} refused the login at {place}", mend="mend the block's user or password"
        )
    if code == "3D000":
        return SourceUnknown(f"source {name!r} has no such database at {place}", mend="mend the block's URL")
    passing = (
        code[:2] in _POSTGRES_PASSING if code else sqlite_code in _SQLITE_PASSING or not isinstance(error, DBAPIError)
    )
    if passing:
        return SourceUnavailable(f"source {name!r} does not answer at {place}: {reason}", mend="check that it is up")
    return QueryRefused(
        f"source {name!r} refused the SQL: {_plain(reason)}", mend="mend the SQL, or look at the schema"
    )


def _root(error: BaseException) -> BaseException:
    return error if isinstance(error, SqliteError) or error.__cause__ is None else _root(error.__cause__)


def _plain(reason: str) -> str:
    # SQLAlchemy's asyncpg adapter prefixes the class of the driver's error.
    return reason.split(">: ", 1)[-1]
