"""What one process measures, as JSON on its last line: `python -m tests.benchmarks.measure WHAT FOLDER ARGUMENTS`.

It runs against the Prefect server and the homes that its environment names. Before each figure it waits until the
server has recorded all that went before, or the next figure would also be that of a busy server.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import httpx

from flows.definitions import load
from flows.engine import RunOptions, build, run_options
from tests.benchmarks.ways import Shape, Way, make_source, ways

SHAPES: tuple[Shape, ...] = ("chain", "fan")
ROUNDS = {10: 7, 100: 7, 500: 3}
IDLE_SECONDS = 120.0
WAITING_ROUNDS = 5
_WARM_NODES = 10


async def timings(folder: Path, *nodes: str) -> Any:
    """Milliseconds per node of each round, by shape, number of nodes and way; the ways take turns."""
    source = make_source(folder)
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for shape in SHAPES:
        for way in ways(shape, _WARM_NODES, source).values():
            await way()
        for count in map(int, nodes):
            these = ways(shape, count, source)
            found.setdefault(shape, {})[str(count)] = await _rounds(these, count, ROUNDS[count])
    return found


async def _rounds(these: Mapping[str, Way], nodes: int, rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in these}
    for turn in range(rounds):
        # Each way goes first once, so that none always follows the same other.
        names = list(these)[turn % len(these) :] + list(these)[: turn % len(these)]
        for name in names:
            await until_idle()
            found[name].append(await seconds_of(these[name]) * 1000 / nodes)
    return found


async def memory(folder: Path, shape: str, nodes: str, way: str) -> Any:
    """The most memory that this process has held, in MB, after one run by this one way."""
    await ways("fan" if shape == "fan" else "chain", int(nodes), make_source(folder))[way]()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def waiting(folder: Path, database: str, nodes: str) -> Any:
    """Seconds of each round of a fan of nodes that each wait one second in the database; the first round warms up."""
    lines = [
        f"  - {{id: n{at}, kind: query, source: slow, sql: SELECT 1 AS one FROM pg_sleep(1)}}"  # noqa: S608  a definition's line
        for at in range(int(nodes))
    ]
    flow = build(load("\n".join(["name: waiting", "nodes:", *lines, ""]), "benchmark"))

    async def fan() -> object:
        run_options.set(RunOptions(sources={"slow": database}))
        return await flow()

    rounds = []
    for _ in range(WAITING_ROUNDS + 1):
        await until_idle()
        rounds.append(await seconds_of(fan))
    return rounds[1:]


async def seconds_of(way: Way) -> float:
    """How long one run takes, from its call to its end."""
    began = time.perf_counter()
    await way()
    return time.perf_counter() - began


async def until_idle() -> None:
    """Returns when the server has recorded the end of every task run that it has heard of, and hears of no more."""
    ended = {"task_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}}}
    async with asyncio.timeout(IDLE_SECONDS), httpx.AsyncClient(base_url=os.environ["PREFECT_API_URL"]) as client:
        before = None
        while True:
            began = time.perf_counter()
            counts = [
                (await client.post("/task_runs/count", json=which, timeout=IDLE_SECONDS)).json()
                for which in ({}, ended)
            ]
            quick = time.perf_counter() - began < 0.1
            if quick and counts == before and counts[0] == counts[1]:
                return
            before = counts
            await asyncio.sleep(0.5)


MEASURES: Mapping[str, Callable[..., Coroutine[Any, Any, Any]]] = {
    "timings": timings,
    "memory": memory,
    "waiting": waiting,
}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(MEASURES[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:]))))
