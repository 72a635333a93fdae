"""What is opened once and then shared, however many ask for it at the same moment."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Opened(Generic[T]):
    """Things by name, each opened when it is first asked for. Belongs to one event loop."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[T]] = {}
        self._forgotten: list[asyncio.Task[T]] = []

    async def get(self, name: str, opening: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The thing of that name, from `opening` where nobody has asked for it yet.

        Whoever gives up waiting leaves the opening to the others. An error goes to all who wait for it, and is not
        kept: who asks after that opens anew.
        """
        return await asyncio.shield(self.begin(name, opening))

    def begin(self, name: str, opening: Callable[[], Coroutine[Any, Any, T]]) -> "asyncio.Task[T]":
        """Opens it without waiting, for those who will ask."""
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = asyncio.create_task(opening())
            task.add_done_callback(lambda done: self._forget_failed(name, done))
        return task

    def forget(self) -> None:
        """Whoever asks from now on opens anew; what is opened or still opens is ended with the rest."""
        self._forgotten += self._tasks.values()
        self._tasks.clear()

    async def end(self) -> list[T]:
        """All that was opened, for closing; what still opens is given up."""
        tasks = [*self._forgotten, *self._tasks.values()]
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        return [each for each in ends if not isinstance(each, BaseException)]

    def _forget_failed(self, name: str, task: "asyncio.Task[T]") -> None:
        if (task.cancelled() or task.exception() is not None) and self._tasks.get(name) is task:
            del self._tasks[name]
