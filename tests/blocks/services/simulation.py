"""Many who share one limit by one allowance, simulated: no request and no time is real."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from blocks.services.allowance import Allowance, NotYet, Turn, answered, given_back, is_good, next_turn, under
from blocks.services.limits import Quota, limit_of
from tests.servers.limits import Dialect, Limit, Standing, refusal, served_headers

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATEST = NOON + timedelta(days=1)
HAIR_SECONDS = 1e-5
"""More than the rounding of datetimes to microseconds."""


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def seconds_of(at: datetime) -> float:
    return (at - NOON).total_seconds()


@dataclass
class Simulation:
    """Workers who send one request after another to a server with a limit, all by one allowance, and no real time."""

    server: Limit
    dialect: Dialect
    quota: Quota | None = None
    workers: int = 16
    another_every_seconds: float = 0.0
    """How often somebody else sends a request, of whom the allowance knows nothing; 0: never."""
    served: int = 0
    """Requests of all of them."""
    refused_at: list[float] = field(default_factory=list)
    too_early: list[float] = field(default_factory=list)
    """When requests were sent that a refusal, whose answer had come by then, had put off."""

    def __post_init__(self) -> None:
        self._random, self._order = Random(1), count()  # noqa: S311  # no secret, and the same each time
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._allowance = under(Allowance(), self.quota, None)
        self._not_before = 0.0

    def run(self, seconds: float) -> "Simulation":
        """Lets so much time pass."""
        for _ in range(self.workers):
            self._at(0.0, self._ask)
        if self.another_every_seconds:
            self._at(0.0, self._send_another)
        while self._events and self._events[0][0] <= seconds:
            now, _, event = heapq.heappop(self._events)
            event(now)
        return self

    def share(self, seconds: float) -> float:
        """How much of what the server allows in that time was used."""
        return self.served / self.server.possible(seconds)

    def _at(self, now: float, event: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (now, next(self._order), event))

    def _travels(self) -> float:
        return self._random.uniform(0.005, 0.02)

    def _ask(self, now: float) -> None:
        self._allowance, turn = next_turn(self._allowance, after(now), LATEST)
        if isinstance(turn, NotYet):
            self._at(seconds_of(turn.at), self._ask)
        else:
            self._at(seconds_of(turn.at), lambda later: self._send(later, turn))

    def _send(self, now: float, turn: Turn) -> None:
        if not is_good(self._allowance, turn, after(now)):
            self._allowance = given_back(self._allowance, turn)
            self._ask(now)
            return
        if now < self._not_before - HAIR_SECONDS:
            self.too_early.append(now)
        self._at(now + self._travels(), lambda later: self._arrive(later, turn))

    def _arrive(self, now: float, turn: Turn) -> None:
        taken = self.server.take(now)
        standing = _standing(self.server, now)
        if taken:
            self.served += 1
            self._at(
                now + self._travels(), lambda later: self._hear(later, turn, served_headers(self.dialect, standing))
            )
            return
        self.refused_at.append(now)
        refused = refusal(self.dialect, standing)
        named = now + (refused.after_seconds or 0.0)
        self._at(now + self._travels(), lambda later: self._hear(later, turn, refused.headers, named))

    def _send_another(self, now: float) -> None:
        self.served += self.server.take(now)
        self._at(now + self.another_every_seconds, self._send_another)

    def _hear(self, now: float, turn: Turn, headers: dict[str, str], named: float | None = None) -> None:
        self._allowance = answered(
            self._allowance,
            turn,
            limit_of(headers, after(now)),
            refused=named is not None,
            now=after(now),
            jitter=lambda most: self._random.uniform(0, most),
        )
        self._not_before = max(self._not_before, named or 0.0)
        self._ask(now)


def _standing(limit: Limit, now: float) -> Standing:
    next_seconds = limit.seconds_to_next(now)
    return Standing(
        capacity=limit.capacity,
        window_seconds=limit.window_seconds,
        remaining=limit.remaining(now),
        next_seconds=next_seconds,
        full_seconds=max(limit.seconds_to_full(now), next_seconds),
        epoch=after(now).timestamp(),
        daily=1_000_000,
        daily_remaining=1_000_000,
    )
