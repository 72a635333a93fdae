"""Takes turns from an allowance and lets it hear answers, in tests of one decision."""

from collections.abc import Callable
from datetime import datetime

from blocks.services.allowance import Allowance, Turn, answered, next_turn, under
from blocks.services.limits import Limit, Quota
from tests.blocks.services.simulation import LATEST, after, seconds_of

HEARD = Allowance(heard=True)
UNSAID = Limit()
REFUSED_FOR_30 = Limit(wait_seconds=30.0)


def longest(most: float) -> float:
    """A jitter that always draws the longest wait."""
    return most


def take(allowance: Allowance, seconds: float = 0.0, latest: datetime = LATEST) -> tuple[Allowance, Turn]:
    allowance, turn = next_turn(allowance, after(seconds), latest)
    assert isinstance(turn, Turn)
    return allowance, turn


def take_many(allowance: Allowance, number: int, seconds: float = 0.0) -> tuple[Allowance, list[Turn]]:
    turns = []
    for _ in range(number):
        allowance, turn = take(allowance, seconds)
        turns.append(turn)
    return allowance, turns


def hear(
    allowance: Allowance,
    turn: Turn,
    limit: Limit = UNSAID,
    seconds: float = 0.0,
    *,
    refused: bool = False,
    jitter: Callable[[float], float] = longest,
) -> Allowance:
    return answered(allowance, turn, limit, refused=refused, now=after(seconds), jitter=jitter)


def with_quota(allowance: Allowance, quota: Quota) -> Allowance:
    return under(allowance, quota, None)


def with_window(remaining: int, allowed: int, resets_in_seconds: float) -> Allowance:
    """What is known once the first answer, at noon, has said so."""
    allowance, turn = take(Allowance())
    limit = Limit(remaining=remaining, allowed=allowed, resets_in_seconds=resets_in_seconds)
    return hear(allowance, turn, limit)


def learned(requests: int = 101, wait: float = 3.0) -> Allowance:
    """After so many requests from noon on, the last of which was refused at its time, and told to wait."""
    allowance, turns = take_many(HEARD, requests)
    return hear(allowance, turns[-1], Limit(wait_seconds=wait), seconds_of(turns[-1].at), refused=True)
