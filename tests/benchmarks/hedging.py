"""What a second request is worth: `uv run python -m tests.benchmarks.hedging [CALLS]`.

A synthesis step, with and without `hedge: true`, against the same loopback provider: 5 % of its answers, by a fixed
seed, take 3 s, the others 0.1 to 0.2 s. Both ways first answer 100 calls, so that what 95 % of them take is known. A
time is the step's, from its question to its outcome, prompt and ledger included. It asserts nothing.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from tasks.outcome import Scope
from tasks.reason.provider_model import ProviderModel
from tasks.reason.task import outcome_of
from tests.servers.model_server import ModelServer, Slow, model_server
from tests.tasks.models.teams import a_team_at, in_seconds
from tests.tasks.reason.asking import a_run, node, vendors

SLOW_SHARE, SLOW_SECONDS = 0.05, 3.0
KNOWN = 100
AT_ONCE = 4


async def timed(server: ModelServer, folder: Path, calls: int, *, hedge: bool) -> list[float]:
    """The seconds of each step."""
    server.reset()
    random = Random(7)  # noqa: S311  # the same each time is what is wanted

    def behaviour(body: Mapping[str, Any]) -> Slow:
        return Slow(SLOW_SECONDS if random.random() < SLOW_SHARE else 0.1 + 0.1 * random.random())

    server.always(behaviour)
    async with a_team_at(server) as models, a_run(folder, models):

        async def step(number: int) -> float:
            asked = node("synthesise", hedge=hedge and number >= KNOWN)
            began = monotonic()
            await outcome_of(asked, Scope(outcomes={"spend": vendors()}), ProviderModel(models, in_seconds(60)))
            return monotonic() - began

        taken = []
        for first in range(0, KNOWN + calls, AT_ONCE):
            taken += await asyncio.gather(*map(step, range(first, first + AT_ONCE)))
        return taken[KNOWN:]


def main(calls: int) -> None:
    """Prints both ways side by side."""
    with TemporaryDirectory(prefix="holdfast-hedging-") as name, model_server() as server:
        print(f"Seconds of {calls} steps, {SLOW_SHARE:.0%} of the provider's answers slow ({SLOW_SECONDS} s)")
        print(f"{'':16}{'p50':>8}{'p95':>8}{'p99':>8}{'most':>8}{'requests':>10}{'paid':>8}")
        ends = {}
        for way, hedge in (("without hedging", False), ("with hedging", True)):
            taken = asyncio.run(timed(server, Path(name) / way, calls, hedge=hedge))
            cuts = quantiles(taken, n=100)
            asked, paid = len(server.requests) - KNOWN, len(server.till.bills) - KNOWN
            ends[way] = cuts[94]
            print(
                f"{way:16}{cuts[49]:8.2f}{cuts[94]:8.2f}{cuts[98]:8.2f}{max(taken):8.2f}{asked:10}{paid:8}", flush=True
            )
    print(f"p95 with hedging is {ends['with hedging'] / ends['without hedging']:.2f} times that without")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
