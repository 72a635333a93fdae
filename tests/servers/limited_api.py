"""An HTTP API on 127.0.0.1 that holds its clients to a limit, tells them in one dialect, and keeps count of them.

It runs in a thread of the program that opens it, or as a program of its own: `python -m tests.servers.limited_api
--dialect github --capacity 50 --per-second 10` prints its URL and runs until SIGTERM. There GET /_stats says how it
went; that request counts nowhere. Each Authorization header has a limit of its own; in Slack's dialects, each path of
one. It keeps no header and no body.
"""

import asyncio
import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from math import inf
from threading import Event
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.servers.limits import Dialect, FixedWindow, Limit, Standing, TokenBucket, refusal, served_headers
from tests.servers.processes import stop_servers_when_terminated
from tests.servers.serving import listen, serving

__all__ = ["Clock", "Dialect", "FixedWindow", "LimitedApi", "Stats", "TokenBucket", "limited_api"]

DAILY = 1_000_000
_DAY_SECONDS = 24 * 60 * 60
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_TURNS = 10
"""Turns of the event loop. From the kernel to its answer, a request on a new connection takes about five."""


@dataclass(frozen=True)
class Clock:
    """Where the time comes from: the limit's, and the one by which an answer names a time of day."""

    monotonic: Callable[[], float] = time.monotonic
    epoch: Callable[[], float] = time.time


@dataclass
class Stats:
    """What came, by the server's count; `_stats` gives the same as JSON."""

    limit: Limit
    """Never taken from."""
    used: int
    daily: int
    served: int = 0
    refused: int = 0
    while_limited: int = 0
    """Requests that came although their client had been told to wait: a grace after a refusal had been answered, and
    before the time that it named or, where it named none, at which the limit lets one in."""
    scopes: int = 0
    """How many limits are kept: one for each Authorization header, in Slack's dialects for each path of one."""
    first_at: float | None = None
    """time.monotonic() of the first request; on Linux it is the same clock in all processes."""
    last_at: float | None = None

    def possible(self, seconds: float) -> int:
        """How many requests the limit of one scope lets in within so many seconds of its first."""
        return min(self.limit.possible(seconds, self.used), max(0, self.daily - self.used))

    def as_json(self, seconds: float | None = None) -> dict[str, Any]:
        """All counts; `possible` is for so many seconds, or for the time from the first request to the last."""
        if seconds is None:
            seconds = (self.last_at or 0.0) - (self.first_at or 0.0)
        counts = ("served", "refused", "while_limited", "scopes", "first_at", "last_at")
        return {name: getattr(self, name) for name in counts} | {"possible": self.possible(seconds)}


@dataclass
class _Scope:
    """What one client has left, and until when it has been told to wait."""

    limit: Limit
    day: FixedWindow
    closed_until: float = -inf

    def take(self, now: float) -> bool:
        """Whether a request is let in."""
        # A refused request is none of the day's.
        return bool(self.day.remaining(now)) and self.limit.take(now) and self.day.take(now)

    def standing(self, now: float, epoch: float) -> Standing:
        """How it stands now, which is that moment of the wall clock."""
        next_seconds = max(self.limit.seconds_to_next(now), self.day.seconds_to_next(now))
        return Standing(
            capacity=self.limit.capacity,
            window_seconds=self.limit.window_seconds,
            remaining=self.limit.remaining(now),
            next_seconds=next_seconds,
            full_seconds=max(self.limit.seconds_to_full(now), next_seconds),
            epoch=epoch,
            daily=self.day.requests,
            daily_remaining=self.day.remaining(now),
        )


@dataclass
class LimitedApi:
    """The API: where it is, how it limits and answers, and what came."""

    dialect: Dialect
    limit: Limit
    """A pattern: each scope has a fresh one."""
    used: int = 0
    """How much of each scope's limit somebody else has taken just before its first request."""
    daily: int = DAILY
    """How many requests a scope has for a day, which begins at its first; only `hubspot` speaks of it."""
    answer_seconds: float = 0.0
    """How long a served answer takes; a refusal comes at once."""
    grace_seconds: float = 0.05
    """How long after a refusal requests may come that were sent before it was read."""
    clock: Clock = field(default_factory=Clock)
    url: str = ""

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets who came; its limit and options may have been changed, and hold from now on."""
        self.stats = Stats(replace(self.limit), self.used, self.daily)
        self._scopes: dict[tuple[str, str], _Scope] = {}

    def app(self) -> Starlette:
        """The ASGI application."""
        stats = Route("/_stats", self._stats)
        return Starlette(routes=[stats, Route("/{path:path}", self._answer, methods=list(_METHODS))])

    async def _stats(self, request: Request) -> Response:
        seconds = request.query_params.get("seconds")
        return JSONResponse(self.stats.as_json(None if seconds is None else float(seconds)))

    async def _answer(self, request: Request) -> Response:
        # In this order: a pause between the two makes a time of day that is named later than it need be, never earlier.
        now, epoch = self.clock.monotonic(), self.clock.epoch()
        scope = self._scope(request, now)
        self._note(scope, now)
        let_in, at = scope.take(now), scope.standing(now, epoch)
        if not let_in:
            return self._refuse(scope, now, at)
        self.stats.served += 1
        path = request.url.path
        body: dict[str, Any] = {"ok": True, "path": path, "n": self.stats.served}
        if path.endswith("/items"):
            body["items"] = [{"id": number, "name": f"item {number}"} for number in (1, 2, 3)]
        if self.answer_seconds:
            await asyncio.sleep(self.answer_seconds)
        return _response(200, served_headers(self.dialect, at), body)

    def _refuse(self, scope: _Scope, now: float, at: Standing) -> Response:
        self.stats.refused += 1
        said = refusal(self.dialect, at)
        until = now + (at.next_seconds if said.after_seconds is None else said.after_seconds)
        response = _response(said.status, said.headers, said.body)
        response.background = BackgroundTask(self._close, scope, until)
        return response

    async def _close(self, scope: _Scope, until: float) -> None:
        """Holds the client to its refusal, from when all that had come by the end of the grace has been answered.

        By a clock alone, requests that a busy server takes late would look as if they had been sent late.
        """
        await asyncio.sleep(self.grace_seconds)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        scope.closed_until = max(scope.closed_until, until)

    def _scope(self, request: Request, now: float) -> _Scope:
        path = request.url.path if self.dialect in (Dialect.SLACK, Dialect.SLACK_BODY) else ""
        key = (request.headers.get("authorization", ""), path)
        if key not in self._scopes:
            scope = self._scopes[key] = _Scope(replace(self.limit), FixedWindow(self.daily, _DAY_SECONDS))
            scope.limit.spend(self.used, now)
            scope.day.spend(self.used, now)
            self.stats.scopes += 1
        return self._scopes[key]

    def _note(self, scope: _Scope, now: float) -> None:
        self.stats.while_limited += now < scope.closed_until
        self.stats.last_at = now
        if self.stats.first_at is None:
            self.stats.first_at = now


def _response(status: int, headers: Mapping[str, str], body: Mapping[str, Any] | None) -> Response:
    content = b"" if body is None else json.dumps(body).encode()
    response = Response(content, status, media_type=None if body is None else "application/json")
    # Starlette would write them in small letters; a client that looks for those alone shall be found out.
    response.raw_headers += [(name.encode(), value.encode()) for name, value in headers.items()]
    return response


@contextmanager
def limited_api(
    dialect: Dialect,
    limit: Limit,
    *,
    used: int = 0,
    daily: int = DAILY,
    answer_seconds: float = 0.0,
    grace_seconds: float = 0.05,
    clock: Clock | None = None,
    port: int = 0,
) -> Iterator[LimitedApi]:
    """An API that runs in a thread of its own until the block ends, also where an answer is under way then."""
    listening, url = listen(port)
    api = LimitedApi(dialect, limit, used, daily, answer_seconds, grace_seconds, clock or Clock(), url)
    with serving(api.app(), listening, "limited API"):
        yield api


def main() -> None:
    """Runs it until SIGTERM; the first line that it prints is its URL."""
    parser = ArgumentParser("tests.servers.limited_api", description=__doc__)
    parser.add_argument("--dialect", type=Dialect, choices=list(Dialect), required=True)
    parser.add_argument("--capacity", type=int, required=True)
    refill = parser.add_mutually_exclusive_group(required=True)
    refill.add_argument("--per-second", type=float, help="a token bucket")
    refill.add_argument("--window-seconds", type=float, help="a fixed window")
    parser.add_argument("--used", type=int, default=0)
    parser.add_argument("--daily", type=int, default=DAILY)
    parser.add_argument("--answer-seconds", type=float, default=0.0)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    limit: Limit = (
        TokenBucket(given.capacity, given.per_second)
        if given.window_seconds is None
        else FixedWindow(given.capacity, given.window_seconds)
    )
    stop_servers_when_terminated()
    options = {"used": given.used, "daily": given.daily, "answer_seconds": given.answer_seconds, "port": given.port}
    with limited_api(given.dialect, limit, **options) as api:
        sys.stdout.write(f"{api.url}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            Event().wait()


if __name__ == "__main__":
    main()
