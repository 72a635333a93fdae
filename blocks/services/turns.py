"""Takes turns at a service's limits, and keeps its breaker, in the ledger: for every run with the same credential."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from time import monotonic
from typing import Any, TypeVar

import anyio
from pydantic import TypeAdapter, ValidationError

from blocks.errors import ServiceLimited, ServiceResting, ServiceUnavailable
from blocks.ledger import ServiceBook
from blocks.services import allowance as allowances
from blocks.services import breaker as breakers
from blocks.services.allowance import Allowance, NotYet, Turn
from blocks.services.breaker import Breaker, Rejected
from blocks.services.call import Trace
from blocks.services.limits import Limit
from blocks.services.presets import quota_of
from blocks.services.service import Service
from blocks.words import counted

T = TypeVar("T")

LOOK_SECONDS = 0.5
"""How often a request that waits for its turn looks whether it still is."""
PROBE = timedelta(seconds=60)
"""How long the request that tests a service may take before another one may."""
BREAKER = "breaker"
_ALLOWANCE, _BREAKER = TypeAdapter(Allowance), TypeAdapter(Breaker)


def allowance_of(state: object) -> Allowance:
    """The allowance that the ledger has; what another version of Holdfast wrote there and cannot be read is none."""
    try:
        return _ALLOWANCE.validate_python(state)
    except ValidationError:
        return Allowance()


def breaker_of(state: object) -> Breaker:
    """The breaker that the ledger has, as above."""
    try:
        return _BREAKER.validate_python(state)
    except ValidationError:
        return Breaker()


@dataclass
class Turns:
    """One service's limits and breaker."""

    name: str
    service: Service
    book: ServiceBook
    now: Callable[[], datetime]
    _seen: tuple[float, Breaker] = (-inf, Breaker())
    """When the breaker was last read, by the monotonic clock, and what it was."""

    async def turn(self, limit: str, until: float, trace: Trace) -> Turn:
        """Returns when the request may be sent; `until` is in the event loop's time.

        Raises:
            ServiceLimited: that would be after `until`.
        """
        while True:
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                raise self.too_late()
            turn = await self._take(limit, self.now() + timedelta(seconds=max(0.0, left)))
            if isinstance(turn, Turn):
                if await self._wait_for(limit, turn, trace):
                    return turn
            elif turn.limited:
                limited = self._limited(limit, turn.at)
                limited.retry_after_seconds = (turn.at - self.now()).total_seconds()
                raise limited
            else:
                await _sleep((turn.at - self.now()).total_seconds(), trace)

    async def answered(self, limit: str, turn: Turn, said: Limit, *, refused: bool) -> None:
        """Lets everybody know what the answer says of the limit."""
        if turn.unwatched and not refused and said == Limit():
            return

        def change(known: Allowance) -> tuple[Allowance, None]:
            jitter = random.SystemRandom().uniform
            return allowances.answered(
                known, turn, said, refused=refused, now=self.now(), jitter=lambda most: jitter(0.0, most)
            ), None

        await self._change(limit, change)

    async def given_back(self, limit: str, turn: Turn) -> None:
        """Lets another request have the turn, of which no answer came."""
        await self._change(limit, lambda known: (allowances.given_back(known, turn), None))

    @asynccontextmanager
    async def health(self, until: float, trace: Trace) -> AsyncIterator["Health"]:
        """Whether the service can be asked; what the block says of it is for everybody.

        While another request tests the service, this one waits for what comes of it.

        Raises:
            ServiceResting: it has failed again and again, and its time has not come.
        """
        breaker, is_probe = await self._breaker(), False
        if breaker.is_open(self.service.breaker_failures):
            is_probe = await self._may_go(until, trace)
        health = Health()
        try:
            yield health
        finally:
            # Also where the node's time is up, or others would wait for this probe.
            with anyio.CancelScope(shield=True):
                await self._heard(health, breaker, is_probe=is_probe)

    async def _may_go(self, until: float, trace: Trace) -> bool:
        """Whether the request that goes now is the one that tests the service."""
        threshold = self.service.breaker_failures
        while True:
            entry = await self._change_breaker(lambda known: breakers.asked(known, threshold, self.now(), PROBE))
            if not isinstance(entry, Rejected):
                return entry.is_probe
            if not entry.is_tested or asyncio.get_running_loop().time() + LOOK_SECONDS > until:
                resting = self._resting(entry)
                resting.retry_after_seconds = (entry.again_at - self.now()).total_seconds()
                raise resting
            await _sleep(LOOK_SECONDS, trace)

    async def _breaker(self) -> Breaker:
        """The breaker as it was within the last half second."""
        seen_at, breaker = self._seen
        if monotonic() - seen_at > LOOK_SECONDS:
            breaker = breaker_of(await self.book.state(self.service.credential, BREAKER))
            self._seen = monotonic(), breaker
        return breaker

    async def _heard(self, health: "Health", breaker: Breaker, *, is_probe: bool) -> None:
        if health.failure:
            rest = timedelta(seconds=self.service.breaker_seconds)
            threshold, why, now = self.service.breaker_failures, health.failure, self.now()
            await self._change_breaker(lambda known: (breakers.failed(known, why, threshold, rest, now), None))
        elif health.answered and (is_probe or breaker.failures):
            await self._change_breaker(lambda known: (breakers.succeeded(known), None))
        elif is_probe:
            await self._change_breaker(lambda known: (breakers.gave_up(known), None))

    async def _take(self, limit: str, latest: datetime) -> Turn | NotYet:
        own, preset = self.service.own_quota, quota_of(self.service.api, limit)

        def change(known: Allowance) -> tuple[Allowance, Turn | NotYet]:
            return allowances.next_turn(allowances.under(known, own, preset), self.now(), latest)

        return await self._change(limit, change)

    async def _wait_for(self, limit: str, turn: Turn, trace: Trace) -> bool:
        """Whether the turn still is one once its time has come."""
        if turn.at <= self.now() and not turn.is_guess:
            return True
        try:
            while True:
                left = (turn.at - self.now()).total_seconds()
                await _sleep(min(left, LOOK_SECONDS), trace)
                known = allowance_of(await self.book.state(self.service.credential, _part(limit)))
                if not allowances.is_good(known, turn, max(self.now(), turn.at)):
                    await self.given_back(limit, turn)
                    return False
                if turn.at <= self.now():
                    return True
        except asyncio.CancelledError:
            with anyio.CancelScope(shield=True):
                await self.given_back(limit, turn)
            raise

    async def _change(self, limit: str, change: Callable[[Allowance], tuple[Allowance, T]]) -> T:
        def changed(state: Any) -> tuple[Any, T]:
            known, result = change(allowance_of(state))
            return _ALLOWANCE.dump_python(known, mode="json", exclude_defaults=True), result

        return await self.book.change(self.service.credential, _part(limit), changed)

    async def _change_breaker(self, change: Callable[[Breaker], tuple[Breaker, T]]) -> T:
        def changed(state: Any) -> tuple[Any, T]:
            known, result = change(breaker_of(state))
            self._seen = monotonic(), known
            return _BREAKER.dump_python(known, mode="json", exclude_defaults=True), result

        return await self.book.change(self.service.credential, BREAKER, changed)

    def too_late(self) -> ServiceUnavailable:
        """What is said where a request was not begun in time."""
        return ServiceUnavailable(
            f"service {self.name!r} was not asked", means="the node's time was up before its turn"
        )

    def _limited(self, limit: str, at: datetime) -> ServiceLimited:
        which = f" for {limit}" if limit else ""
        return ServiceLimited(
            f"service {self.name!r} is at its limit{which} until {at:%Y-%m-%d %H:%M:%S} UTC",
            means="that is longer than the node can wait",
            mend="run it again after that, or give the node more time",
        )

    def _resting(self, entry: Rejected) -> ServiceResting:
        failures = counted(entry.failures, "failure")
        return ServiceResting(
            f"service {self.name!r} has been down since {entry.since:%Y-%m-%d %H:%M:%S} UTC: {entry.last}",
            means=f"after {failures} in a row it is left alone until {entry.again_at:%H:%M:%S} UTC",
        )


@dataclass
class Health:
    """What one request has shown of the service's health; both empty: nothing."""

    answered: bool = False
    failure: str = ""


def _part(limit: str) -> str:
    return f"limit {limit}".strip()


async def _sleep(seconds: float, trace: Trace) -> None:
    if seconds <= 0:
        return
    began = monotonic()
    try:
        await asyncio.sleep(seconds)
    finally:
        trace.waited_seconds += monotonic() - began
