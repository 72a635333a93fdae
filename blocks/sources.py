"""Databases as sources: found by name, opened read-only, and cancelled in the database when the reader gives up.

A source is a Prefect block (AsyncSqlAlchemyConnector of prefect-sqlalchemy) or, for one run, a URL given by name.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from sqlite3 import (
    SQLITE_BUSY,
    SQLITE_CANTOPEN,
    SQLITE_CORRUPT,
    SQLITE_INTERRUPT,
    SQLITE_IOERR,
    SQLITE_LOCKED,
    SQLITE_NOTADB,
)
from sqlite3 import Error as SqliteError
from typing import Any, Protocol, TypeVar

import anyio
import asyncpg
from prefect_sqlalchemy import AsyncSqlAlchemyConnector
from sqlalchemy import URL, NullPool, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from blocks.database_urls import ASYNC_DRIVERS, without_password
from blocks.errors import CredentialsRefused, HoldfastError, QueryRefused, SourceUnavailable, SourceUnknown
from blocks.opened import Opened

T = TypeVar("T")

_MEND_URL = "write sqlite:///file.db or postgresql://user@host/database"
_SQLITE_PASSING = {SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_CANTOPEN}
_SQLITE_DAMAGED = {SQLITE_NOTADB, SQLITE_CORRUPT}
# PostgreSQL's error classes that say "not now": connection, transaction rollback, resources, object in use, operator.
_POSTGRES_PASSING = {"08", "40", "53", "55", "57"}
_QUERY_CANCELED = "57014"
_DATABASE_UNKNOWN = "3D000"
_PERMISSION_DENIED = "42501"
_INTERRUPT_SECONDS = 0.02
_LONGEST_MS = 2**31 - 1  # of a timeout in either database


class Read(Protocol):
    """A source that can be read: what the work makes of a connection in a read-only transaction of its own."""

    async def __call__(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]], /) -> T: ...


def source_url(name: str, text_or_path: str) -> URL:
    """The source's URL with an async driver, from a URL with any driver or from the path of a SQLite file.

    Raises:
        SourceUnknown: it is neither.
    """
    try:
        url = make_url(text_or_path if "://" in text_or_path else f"sqlite:///{text_or_path}")
    except (ArgumentError, ValueError):
        # Not shown: where it cannot be read, nobody knows which part of it is the password.
        raise SourceUnknown(f"the URL of source {name!r} cannot be read", mend=_MEND_URL) from None
    return url.set(drivername=ASYNC_DRIVERS.get(url.get_backend_name(), url.drivername))


async def find_source(name: str, overrides: Mapping[str, str]) -> AsyncSqlAlchemyConnector:
    """The connector of the source: the override of that name, else the saved block of that name.

    Raises:
        SourceUnknown: there is neither, or its driver is not an async one.
    """
    if name in overrides:
        url = source_url(name, overrides[name])
        try:
            return AsyncSqlAlchemyConnector(connection_info=url.render_as_string(hide_password=False))
        except ValueError:
            raise SourceUnknown(
                f"source {name!r} cannot be opened with {url.drivername}",
                means="it is no async driver that Prefect's connector knows",
                mend=_MEND_URL,
            ) from None
    try:
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
    opened: Opened[AsyncSqlAlchemyConnector] | None = None,
) -> T:
    """What `work` makes of a connection in a read-only transaction; cancelled in the database when the caller is.

    `opened` keeps connectors from one read to the next: finding a block costs two calls of the server, and an engine's
    first connection several round trips. They hold no connection, so nothing closes them.

    Raises:
        SourceUnknown, SourceUnavailable, CredentialsRefused, QueryRefused: in connecting and in what `work` executes.
    """
    connector = await (opened or Opened()).get(name, lambda: find_source(name, overrides))
    url = connector._rendered_url
    _require_file(name, url)
    try:
        async with _engine(name, connector).connect() as connection:
            await _make_read_only(connection, timeout_seconds)
            return await _interruptible(connection, work(connection))
    except (SQLAlchemyError, OSError, asyncpg.PostgresError) as error:
        raise _explained(name, url, error) from error


def _engine(name: str, connector: AsyncSqlAlchemyConnector) -> AsyncEngine:
    try:
        engine: AsyncEngine = connector.get_engine(poolclass=NullPool)
    except ModuleNotFoundError as error:
        raise SourceUnknown(
            f"source {name!r} needs the driver {error.name}, which is not installed", mend=f"install {error.name}"
        ) from error
    return engine


async def _interruptible(connection: AsyncConnection, work: Coroutine[Any, Any, T]) -> T:
    """Runs the work in a task of its own, so that a cancellation interrupts the statement and not the driver.

    A cancellation that reaches aiosqlite leaves its thread working, and SQLAlchemy waiting for it for ever (0.22, 2.1).
    """
    driver = (await connection.get_raw_connection()).driver_connection
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True):
            if connection.dialect.name == "sqlite" and driver is not None:
                await _interrupt(driver, task)
            else:
                task.cancel()
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # it was interrupted; what it says is no news
        raise


async def _interrupt(driver: Any, task: "asyncio.Future[Any]") -> None:
    # Between two statements there is nothing to interrupt, and the next one would run to its end.
    while not task.done():
        await driver.interrupt()
        await asyncio.wait([task], timeout=_INTERRUPT_SECONDS)


def _require_file(name: str, url: URL) -> None:
    # Connecting to a SQLite file that is not there would make an empty one.
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise SourceUnknown(
            f"source {name!r} has no file at {url.database}",
            mend=f"put the file back, or run with --source {name}=URL",
        )


async def _make_read_only(connection: AsyncConnection, timeout_seconds: float) -> None:
    milliseconds = min(max(int(timeout_seconds * 1000), 1), _LONGEST_MS)
    match connection.dialect.name:
        case "sqlite":
            await connection.exec_driver_sql("PRAGMA query_only=ON")
            # A wait for another's lock cannot be interrupted, so it must not outlast the reader.
            waits = (await connection.exec_driver_sql("PRAGMA busy_timeout")).scalar_one()
            await connection.exec_driver_sql(f"PRAGMA busy_timeout={min(waits, milliseconds)}")
        case "postgresql":
            await connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            # A cancelled asyncpg call leaves the statement running in the server (seen on 0.32), so the server ends it.
            # As a query and not a SET: after the first query, PostgreSQL lets nobody turn read-only off again.
            settings = text(
                "SELECT set_config('statement_timeout', :milliseconds, true),"
                " set_config('default_transaction_read_only', 'on', false)"
            )
            await connection.execute(settings, {"milliseconds": str(milliseconds)})


def _explained(name: str, url: URL, error: Exception) -> HoldfastError | TimeoutError:
    """The error in words of who must act; never with a password."""
    place = without_password(url.render_as_string(hide_password=True))
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    reason = _plain(cause)
    code = getattr(cause, "sqlstate", None) or ""
    sqlite_code = getattr(_root(cause), "sqlite_errorcode", 0) & 0xFF
    if code == _QUERY_CANCELED or sqlite_code == SQLITE_INTERRUPT:
        return TimeoutError(f"source {name!r} cancelled the statement")
    if code.startswith("28"):
        return CredentialsRefused(
            f"source {name!r} refused the login at {place}", mend="mend the block's user or password"
        )
    if code == _PERMISSION_DENIED:
        return CredentialsRefused(f"source {name!r} refused its user: {reason}", mend="grant the block's user SELECT")
    if code == _DATABASE_UNKNOWN:
        return SourceUnknown(f"source {name!r} has no such database at {place}", mend="mend the block's URL")
    if sqlite_code in _SQLITE_DAMAGED:
        return SourceUnknown(f"source {name!r} has no database at {place}: {reason}", mend="put a good file there")
    lost = not isinstance(error, SQLAlchemyError) or getattr(error, "connection_invalidated", False)
    if lost or code[:2] in _POSTGRES_PASSING or sqlite_code in _SQLITE_PASSING:
        return SourceUnavailable(f"source {name!r} does not answer at {place}: {reason}", mend="check that it is up")
    return QueryRefused(f"source {name!r} refused the SQL: {reason}", mend="mend the SQL, or look at the schema")


def _root(error: BaseException) -> BaseException:
    return error if isinstance(error, SqliteError) or error.__cause__ is None else _root(error.__cause__)


def _plain(cause: BaseException) -> str:
    """The first line, without the link that SQLAlchemy adds to its own errors."""
    line = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    return line.partition(" (Background on this error")[0]
