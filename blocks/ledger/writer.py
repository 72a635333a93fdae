"""Group commit: one coroutine writes, and everything that waits for it goes into one transaction.

An awaited write starts the next transaction at once; a deferred one joins the next transaction, at most
FLUSH_SECONDS later, and costs its caller an append. Belongs to one event loop; not for use from threads.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import URL, Executable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from blocks.errors import OperatorError
from blocks.ledger.engine import blames_one_write, explained

FLUSH_SECONDS = 0.2

T = TypeVar("T")
Values: TypeAlias = dict[str, Any]
Operation: TypeAlias = Callable[[AsyncConnection], Awaitable[T]]

_LOG = logging.getLogger(__name__)


@dataclass
class _Group:
    """What goes into one transaction: rows per deferred statement, then the awaited operations."""

    rows: dict[Executable, list[Values]] = field(default_factory=dict)
    operations: list[tuple[Operation[Any], asyncio.Future[Any]]] = field(default_factory=list)
    apart: list[tuple[Operation[Any], asyncio.Future[Any]]] = field(default_factory=list)
    """Each of these has a transaction of its own, after that of the others."""
    flushes: list[asyncio.Future[Any]] = field(default_factory=list)

    @property
    def deferred(self) -> int:
        return sum(map(len, self.rows.values()))

    @property
    def writes(self) -> int:
        return self.deferred + len(self.operations) + len(self.apart)

    @property
    def waiting(self) -> Iterator[asyncio.Future[Any]]:
        """The futures whose callers still wait; a cancelled caller's write is made all the same."""
        futures = [*(future for _, future in self.operations), *self.flushes]
        return (future for future in futures if not future.done())

    def alone(self) -> Iterator["_Group"]:
        """Every write in a group of its own, in the same order, and the flushes last."""
        for statement, rows in self.rows.items():
            yield from (_Group(rows={statement: [row]}) for row in rows)
        yield from (_Group(operations=[operation]) for operation in self.operations)
        yield _Group(flushes=self.flushes)

    def succeed(self, results: list[Any]) -> None:
        for (_, future), result in zip(self.operations, results, strict=True):
            if not future.done():
                future.set_result(result)
        for future in self.flushes:
            if not future.done():
                future.set_result(None)


class Writer:
    """The one that writes; `deferred` are the statements for `later`, in the order in which a transaction runs them."""

    def __init__(self, engine: AsyncEngine, url: URL, *deferred: Executable) -> None:
        self._engine, self._url, self._deferred = engine, url, deferred
        self._group = self._empty()
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._committing = self._closing = self._logged = False
        self._lost: BaseException | None = None
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._work())

    def later(self, statement: Executable, values: Values) -> None:
        """Queues a row for `statement`; it is committed within about FLUSH_SECONDS."""
        self._require_open()
        self._group.rows[statement].append(values)
        if self._timer is None:
            self._timer = self._loop.call_later(FLUSH_SECONDS, self._wake.set)

    async def now(self, operation: Operation[T], *, apart: bool = False) -> T:
        """What `operation` returned, once it is committed; `apart`, so that it holds no lock while others run.

        Raises:
            OperatorError: the database cannot be written, or deferred rows were lost since the last call.
        """
        self._require_open()
        if self._lost is not None:
            lost, self._lost = self._lost, None
            raise OperatorError(
                f"what nodes did could not be recorded: {lost}", means="the ledger is not complete"
            ) from lost
        future: asyncio.Future[T] = self._loop.create_future()
        (self._group.apart if apart else self._group.operations).append((operation, future))
        self._wake.set()
        return await future

    async def flush(self) -> None:
        """Returns when all that was queued before is committed."""
        self._require_open()
        if not self._committing and not self._group.writes:
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self._group.flushes.append(future)
        self._wake.set()
        await future

    async def close(self) -> None:
        """Commits what is queued and ends the coroutine; a failure to commit is logged, not raised."""
        self._closing = True
        self._wake.set()
        await asyncio.wait((self._task,))
        self._task.result()

    def _require_open(self) -> None:
        if self._task.done():
            raise RuntimeError("the ledger is closed")

    def _empty(self) -> _Group:
        return _Group(rows={statement: [] for statement in self._deferred})

    async def _work(self) -> None:
        while not self._closing or self._group.writes or self._group.flushes:
            await self._wake.wait()
            self._wake.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            group, self._group = self._group, self._empty()
            self._committing = True
            apart, group.apart = group.apart, []
            await self._write(group)
            for each in apart:
                await self._write(_Group(operations=[each]))
            self._committing = False

    async def _write(self, group: _Group) -> None:
        # A task of its own holds whatever goes wrong as a value, so this coroutine lives on and no caller hangs.
        commit = self._loop.create_task(self._commit(group))
        await asyncio.wait((commit,))
        error = commit.exception()
        if error is None:
            group.succeed(commit.result())
        elif group.writes > 1 and blames_one_write(error):
            for each in group.alone():
                await self._write(each)
        else:
            self._fail(group, error)

    async def _commit(self, group: _Group) -> list[Any]:
        if not group.writes:
            return []
        async with self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                # A transaction that reads first could not wait for another process's lock; an immediate one can.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            for statement, rows in group.rows.items():
                if rows:
                    await connection.execute(statement, rows)
            results = [await operation(connection) for operation, _ in group.operations]
            await connection.commit()
            return results

    def _fail(self, group: _Group, error: BaseException) -> None:
        for future in group.waiting:
            future.set_exception(explained(error, self._url))
        if group.deferred:
            self._lost = explained(error, self._url)
            if not self._logged:
                self._logged = True
                _LOG.error("the ledger lost %d rows of node attempts: %s", group.deferred, self._lost)
