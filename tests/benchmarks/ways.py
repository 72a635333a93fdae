"""The same reads in the same order, four ways: by the engine, as bare Prefect tasks twice, and in plain asyncio.

Every node does the smallest thing that a real node can do: `SELECT 1 AS one` in a transaction of its own on a small
SQLite file, with the guard, the connection and the typed table of a `query` node. So what differs is what is put
around the read. A chain hands each table to the next node; in a fan all nodes but two run at once, after the first
and before the last, which is handed them all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import Any, Literal

from prefect import flow, task
from prefect.cache_policies import INPUTS, RUN_ID
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.sources import read_source
from flows.definitions import load
from flows.engine import RETRY_DELAYS_SECONDS, RETRY_JITTER, RunOptions, build, run_options
from tasks.frames import table_of_rows
from tasks.node import Node
from tasks.outcome import Table
from tasks.query.guard import read_only

Shape = Literal["chain", "fan"]
Way = Callable[[], Awaitable[object]]
Read = Callable[..., Awaitable[Table]]

SQL = "SELECT 1 AS one"
TIMEOUT_SECONDS = Node.default_timeout.total_seconds()


def make_source(folder: Path) -> str:
    """The path of a small SQLite file."""
    path = folder / "small.db"
    with closing(connect(path)) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS numbers (number INTEGER)")
    return str(path)


def ways(shape: Shape, nodes: int, source: str) -> Mapping[str, Way]:
    """What to call for one run of so many nodes, by the name of the way; all is built before the first call."""
    return {
        "engine": _engine(shape, nodes, source),
        "prefect": _bare(shape, nodes, source, _same_options, persist=True),
        "prefect_defaults": _bare(shape, nodes, source, _default_options, persist=False),
        "asyncio": lambda: _walk(shape, source, [read] * nodes),
    }


def needs(shape: Shape, nodes: int) -> list[list[int]]:
    """Which nodes each node needs, by number."""
    if shape == "chain":
        return [[at - 1] if at else [] for at in range(nodes)]
    return [[], *([0] for _ in range(nodes - 2)), list(range(1, nodes - 1))]


def definition(shape: Shape, nodes: int) -> str:
    """The workflow of that shape, as its author would write it."""
    lines = [f"name: {shape}-{nodes}", "nodes:"]
    for at, needed in enumerate(needs(shape, nodes)):
        names = ", ".join(f"n{need}" for need in needed)
        lines.append(f"  - {{id: n{at}, kind: query, source: small, sql: {SQL}, needs: [{names}]}}")
    return "\n".join([*lines, "outputs:", f"  last: {{from: n{nodes - 1}, columns: {{one: integer}}}}", ""])


async def read(node: str, source: str, sql: str, needed: Sequence[Table]) -> Table:
    """What a query node does; `needed` is only handed on, as a workflow's data is.

    `node` tells equal reads apart, or Prefect would answer all but the first from its cache.
    """
    read_only(sql)
    return await read_source("small", {"small": source}, TIMEOUT_SECONDS, lambda connection: _fetch(connection, sql))


async def _fetch(connection: AsyncConnection, sql: str) -> Table:
    async with connection.stream(text(sql)) as result:
        return table_of_rows(list(result.keys()), await result.fetchmany(50_001))


def _engine(shape: Shape, nodes: int, source: str) -> Way:
    workflow = build(load(definition(shape, nodes), "benchmark"))

    async def run() -> object:
        run_options.set(RunOptions(sources={"small": source}))
        return await workflow()

    return run


def _bare(shape: Shape, nodes: int, source: str, as_task: Callable[[str], Any], *, persist: bool) -> Way:
    reads = [as_task(f"n{at}") for at in range(nodes)]

    @flow(name=f"bare-{shape}-{nodes}", persist_result=persist, result_serializer="json")
    async def bare() -> Table:
        return await _walk(shape, source, reads)

    return bare


def _default_options(name: str) -> Any:
    return task(name=name)(read)


def _same_options(name: str) -> Any:
    """The options that the engine gives to a query node's task."""
    return task(
        name=name,
        task_run_name=name,
        retries=Node.default_retry,
        retry_delay_seconds=RETRY_DELAYS_SECONDS,
        retry_jitter_factor=RETRY_JITTER,
        retry_condition_fn=lambda task, task_run, state: False,
        timeout_seconds=TIMEOUT_SECONDS,
        persist_result=True,
        result_serializer="json",
        cache_policy=RUN_ID + INPUTS,
    )(read)


async def _walk(shape: Shape, source: str, reads: Sequence[Read]) -> Table:
    def start(at: int, needed: Sequence[Table]) -> Awaitable[Table]:
        return reads[at](f"n{at}", source, SQL, needed)

    table, last = await start(0, []), len(reads) - 1
    if shape == "fan":
        return await start(last, await asyncio.gather(*(start(at, [table]) for at in range(1, last))))
    for at in range(1, last + 1):
        table = await start(at, [table])
    return table
