"""What one process measures, as JSON on its last line: `python -m tests.benchmarks.measure WHAT FOLDER ARGUMENTS`.

It runs against the Prefect server and the homes that its environment names. Before each figure it waits until the
server has recorded all that went before, or the figure would also be that of a busy server.
"""

import asyncio
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import httpx

from blocks.models.provider import ModelProvider
from tests.benchmarks.ways import Reads, Shape, Way, questions, small_database, ways
from tests.servers.model_server import KEY, MODELS

ROUNDS = {10: 7, 100: 20, 500: 3}
WAITING_ROUNDS = 5
WAITING_NODES = 50
IDLE_SECONDS = 180.0
_WARM_NODES = 10

Taken = Mapping[str, list[tuple[float, float]]]
"""By way: the wall time and this process's CPU time of each round's run, in seconds."""


async def timings(folder: Path, shape: Shape, *nodes: str) -> dict[str, Taken]:
    """Of each number of nodes; the ways take turns."""
    source = small_database(folder)
    await _taken(ways(Reads(shape, _WARM_NODES, source)), rounds=1)
    return {count: await _taken(ways(Reads(shape, int(count), source)), ROUNDS[int(count)]) for count in nodes}


async def waiting(folder: Path, models: str, database: str) -> Taken:
    """Of nodes beside each other that each wait one second: for a model's answer, and for a database's."""
    fast, standard, frontier = MODELS
    provider = ModelProvider(api_key=KEY, base_url=models, fast=fast, standard=standard, frontier=frontier)
    await provider.save("default", overwrite=True)
    these = dict(questions(WAITING_NODES, models))
    if database:
        reads = Reads("beside", WAITING_NODES, database, "SELECT 1 AS one FROM pg_sleep(1)")
        these |= {f"postgresql_{name}": way for name, way in ways(reads).items() if name != "prefect_defaults"}
    await _taken(these, rounds=1)
    return await _taken(these, WAITING_ROUNDS)


async def memory(folder: Path, shape: Shape, nodes: str, way: str) -> float:
    """The most memory that this process has held, in MB, after one run by this one way."""
    await ways(Reads(shape, int(nodes), small_database(folder)))[way]()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _taken(these: Mapping[str, Way], rounds: int) -> Taken:
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in these}
    for turn in range(rounds):
        # Each goes first in its turn, so that none always follows the same other.
        first = turn % len(these)
        for name in [*list(these)[first:], *list(these)[:first]]:
            await _until_idle()
            # A full collection takes a quarter of a second here, and would strike any of the ways by chance.
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            await these[name]()
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return taken


async def _until_idle() -> None:
    """Returns when the server has recorded the end of every task run that it has heard of, and hears of no more."""
    ended = {"task_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}}}
    api = httpx.AsyncClient(base_url=os.environ["PREFECT_API_URL"], timeout=IDLE_SECONDS)
    async with asyncio.timeout(IDLE_SECONDS), api:
        before: list[int] = []
        while True:
            counts = [(await api.post("/task_runs/count", json=which)).json() for which in ({}, ended)]
            if counts == before and counts[0] == counts[1]:
                return
            before = counts
            await asyncio.sleep(0.5)


_MEASURES: Mapping[str, Callable[..., Coroutine[Any, Any, Any]]] = {
    "timings": timings,
    "waiting": waiting,
    "memory": memory,
}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_MEASURES[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:]))))
