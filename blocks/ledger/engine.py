"""The ledger's engine for a URL, and the database's errors in words of who must act; never with a password.

SQLite is in autocommit at the driver, so a transaction begins only where BEGIN is written out (writer.py, upgrade.py).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from blocks.database_urls import ASYNC_DRIVERS, without_password
from blocks.errors import OperatorError

_MEND = "set HOLDFAST_LEDGER_URL to sqlite:///file.db or postgresql://user@host/database"
_BUSY_SECONDS = 30.0
_CONNECT_SECONDS = 10.0
_COMMAND_SECONDS = 60.0
# PostgreSQL's classes of errors that one statement's own values cause: bad data, broken constraints.
_BLAMED_ON_VALUES = {"22", "23"}


def ledger_url(text: str) -> URL:
    """The URL with its async driver.

    Raises:
        OperatorError: it cannot be read, is of another kind of database, or is SQLite in memory.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise OperatorError("the ledger's URL cannot be read", mend=_MEND) from None
    backend = url.get_backend_name()
    if backend not in ASYNC_DRIVERS:
        raise OperatorError(f"a ledger is kept in SQLite or PostgreSQL, not in {backend}", mend=_MEND)
    if backend == "sqlite" and (url.database in (None, "", ":memory:") or url.query.get("mode") == "memory"):
        raise OperatorError("a ledger in memory is lost with its process", mend=_MEND)
    return url.set(drivername=ASYNC_DRIVERS[backend])


def create_engine(url: URL) -> AsyncEngine:
    """An engine for the ledger; it connects when it is first used."""
    if url.get_backend_name() == "postgresql":
        timeouts = {"timeout": _CONNECT_SECONDS, "command_timeout": _COMMAND_SECONDS}
        # A gate may wait for hours; by then a firewall may have dropped the connection.
        return create_async_engine(url, hide_parameters=True, pool_size=2, pool_pre_ping=True, connect_args=timeouts)
    autocommit = {"timeout": _BUSY_SECONDS, "isolation_level": None}
    engine = create_async_engine(url, hide_parameters=True, pool_size=2, connect_args=autocommit)
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    # In WAL mode NORMAL loses nothing when a process dies, and only the last commits when the power fails.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def prepare_file(url: URL) -> None:
    """Makes the folder and the file of a SQLite ledger where they are not there yet.

    aiosqlite 0.22 does not wait for its thread when SQLite cannot open a file, and the thread then prints a traceback.

    Raises:
        OperatorError: they cannot be made or written.
    """
    if url.get_backend_name() != "sqlite" or url.query.get("uri"):
        return
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise _unusable(url, error.strerror or str(error)) from error
    if not os.access(path.parent, os.W_OK):
        raise _unusable(url, "its folder is read-only, and SQLite keeps a second file there")


def blames_one_write(error: BaseException) -> bool:
    """Whether one write's own values are at fault, so that the writes beside it would succeed without it."""
    if not isinstance(error, StatementError):
        return False
    if isinstance(error, IntegrityError) or not isinstance(error, DBAPIError):
        return True
    return (getattr(error.orig, "sqlstate", None) or "")[:2] in _BLAMED_ON_VALUES


def explained(error: BaseException, url: URL) -> BaseException:
    """An OperatorError where the database is at fault; another error stays as it is."""
    if blames_one_write(error) or not isinstance(error, DBAPIError | PoolTimeout | OSError):
        return error
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    # SQLAlchemy's asyncpg adapter prefixes the class of the driver's error.
    explanation = _unusable(url, without_password(reason.split(">: ", 1)[-1]))
    explanation.__cause__ = error
    return explanation


@contextmanager
def explaining(url: URL) -> Iterator[None]:
    """Raises an OperatorError in place of the database's own error."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        explanation = explained(error, url)
        if explanation is error:
            raise
        raise explanation from error


def _unusable(url: URL, reason: str) -> OperatorError:
    place = without_password(url.render_as_string(hide_password=False))
    return OperatorError(f"the ledger at {place} cannot be used: {reason}", mend=f"mend that, or {_MEND}")
