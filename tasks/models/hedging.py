"""A second request where the first takes longer than most before it: the first answer wins, the other is cancelled."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from statistics import quantiles
from typing import TypeVar

from blocks.models.calls import Tier
from tasks.context import current_run
from tasks.models.calls import OUTRUN, Asking

_CALLS_LOOKED_AT = 200
_CALLS_NEEDED = 20
"""Of fewer calls nobody can say what 95 % of them take."""

T = TypeVar("T")


async def hedge_after(asking: Asking, tier: Tier) -> float | None:
    """The seconds that 95 % of the node's calls on that tier took; None: there were too few to say."""
    run = current_run()
    before = await run.ledger.recent_calls(run.workflow, asking.node, tier, _CALLS_LOOKED_AT)
    if len(before) < _CALLS_NEEDED:
        return None
    return quantiles((call.latency_seconds for call in before), n=20)[-1]


async def first_answer(ask: Callable[[], Awaitable[T]], after_seconds: float | None) -> T:
    """What the first of two requests to answer gives; the second is sent where the first takes longer than that.

    None: there is no second. Where both fail, the error is that of the later.
    """
    if after_seconds is None:
        return await ask()
    racers, won = [asyncio.ensure_future(ask())], False
    try:
        await asyncio.wait(racers, timeout=after_seconds)
        if not racers[0].done():
            racers.append(asyncio.ensure_future(ask()))
        best = await _first_good(racers)
        won = best.exception() is None
        return best.result()
    finally:
        for racer in racers:
            racer.cancel(OUTRUN if won else None)
        await asyncio.wait(racers)


async def _first_good(racers: Sequence[asyncio.Future[T]]) -> asyncio.Future[T]:
    """The first that ends well; where none does, the last to end."""
    waiting = set(racers)
    while True:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        ended = sorted(done, key=lambda racer: racer.exception() is not None)[0]
        if ended.exception() is None or not waiting:
            return ended
