"""The same reads in the same order, four ways: by the engine, as bare Prefect tasks twice, and in plain asyncio.

Beside these, the same questions to a model, by the engine and as bare Prefect tasks.

Every node does the smallest thing that a real node can do: `SELECT 1 AS one` in a transaction of its own on a small
SQLite file, with the guard, the connection and the typed table of a `query` node. So what differs is what is put
around the read. `prefect` has the options that the engine gives to its tasks, with Prefect's own cache policy for the
same inputs; `prefect_defaults` has none.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect
from typing import Any, Literal

from openai import AsyncOpenAI
from prefect import flow, task
from prefect.cache_policies import INPUTS, RUN_ID
from prefect_sqlalchemy import AsyncSqlAlchemyConnector
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.opened import Opened
from blocks.sources import read_source
from flows.definitions import load
from flows.engine import RETRY_DELAYS_SECONDS, RETRY_JITTER, RunOptions, build, run_options
from tasks.frames import table_of_rows
from tasks.node import Node
from tasks.outcome import Table
from tasks.sql.guard import read_only
from tests.servers.model_server import KEY, MODELS

# As a run keeps them; each process of the benchmark has one event loop.
_opened: Opened[AsyncSqlAlchemyConnector] = Opened()

Shape = Literal["chain", "fan", "beside"]
"""chain: each hands its table to the next. fan: the first, all others at once, the last is handed them all. beside: all
at once."""
Way = Callable[[], Awaitable[object]]
Read = Callable[..., Awaitable[Table]]

MAX_ROWS = 50_000
TIMEOUT_SECONDS = Node.default_timeout.total_seconds()


@dataclass(frozen=True)
class Reads:
    """What one run reads, how often and in which order."""

    shape: Shape
    nodes: int
    source: str
    """Path or URL of a database."""
    sql: str = "SELECT 1 AS one"

    def needs(self, at: int) -> Sequence[int]:
        """The nodes that this one needs, by number."""
        if at == 0 or self.shape == "beside":
            return ()
        if self.shape == "chain":
            return (at - 1,)
        return range(1, at) if at == self.nodes - 1 else (0,)

    @property
    def definition(self) -> str:
        """The workflow, as its author would write it."""
        lines = [f"name: {self.shape}-{self.nodes}", "nodes:"]
        for at in range(self.nodes):
            needs = ", ".join(f"n{need}" for need in self.needs(at))
            lines.append(f"  - {{id: n{at}, kind: query, source: small, sql: {self.sql}, needs: [{needs}]}}")
        return "\n".join([*lines, "outputs:", f"  last: {{from: n{self.nodes - 1}, columns: {{one: integer}}}}", ""])


def small_database(folder: Path) -> str:
    """The path of a small SQLite file."""
    path = folder / "small.db"
    with closing(connect(path)) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS numbers (number INTEGER)")
    return str(path)


def ways(reads: Reads) -> Mapping[str, Way]:
    """What to call for one run, by the name of the way; all is built before the first call."""
    return {
        "engine": workflow(reads.definition, {"small": reads.source}),
        "prefect": _bare(reads, lambda name: _with_the_engine_s_options(name)(read), persist=True),
        "prefect_defaults": _bare(reads, lambda name: task(name=name)(read), persist=False),
        "asyncio": lambda: _walk(reads, [read] * reads.nodes),
    }


def questions(nodes: int, models: str) -> Mapping[str, Way]:
    """So many questions to a model at once, for one of two labels; the team's provider block must be saved."""
    asked = ["name: asked", "nodes:"]
    asked += [f"  - {{id: n{at}, kind: reason, purpose: classify, labels: [a, b]}}" for at in range(nodes)]
    return {"models_engine": workflow("\n".join(asked), {}), "models_prefect": _bare_questions(nodes, models)}


def workflow(definition: str, sources: Mapping[str, str]) -> Way:
    """Runs the definition with the engine, as a Python caller does."""
    built = build(load(definition, "benchmark"))

    async def run() -> object:
        run_options.set(RunOptions(sources=sources))
        return await built()

    return run


async def read(node: str, source: str, sql: str, needed: Sequence[Table]) -> Table:
    """What a query node does; `needed` is only handed on, as a workflow's data is.

    `node` tells equal reads apart, or Prefect would answer all but the first from its cache.
    """
    read_only(sql)
    return await read_source(
        "small", {"small": source}, TIMEOUT_SECONDS, lambda connection: _fetch(connection, sql), _opened
    )


async def _fetch(connection: AsyncConnection, sql: str) -> Table:
    async with connection.stream(text(sql)) as result:
        return table_of_rows(list(result.keys()), await result.fetchmany(MAX_ROWS + 1))


def _bare(reads: Reads, as_task: Callable[[str], Any], *, persist: bool) -> Way:
    tasks = [as_task(f"n{at}") for at in range(reads.nodes)]

    @flow(name=f"bare-{reads.shape}-{reads.nodes}", persist_result=persist, result_serializer="json")
    async def bare() -> Table:
        return await _walk(reads, tasks)

    return bare


def _with_the_engine_s_options(name: str) -> Callable[[Callable[..., Any]], Any]:
    """The decorator that makes a function a task with these options."""
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
    )


def _bare_questions(nodes: int, models: str) -> Way:
    @flow(name="bare-asked", persist_result=True, result_serializer="json")
    async def bare() -> Sequence[str]:
        async with AsyncOpenAI(api_key=KEY, base_url=models) as api:

            async def ask(node: str) -> str:
                answer = await api.chat.completions.parse(
                    model=MODELS[0],
                    messages=[{"role": "system", "content": "Classify."}, {"role": "user", "content": node}],
                    response_format=Label,
                )
                return answer.choices[0].message.content or ""

            tasks = [_with_the_engine_s_options(f"n{at}")(ask) for at in range(nodes)]
            return list(await asyncio.gather(*(each(each.name) for each in tasks)))

    return bare


class Label(BaseModel):
    """What the bare question asks for."""

    reason: str
    label: Literal["a", "b"]
    confidence: float


async def _walk(reads: Reads, tasks: Sequence[Read]) -> Table:
    """The last node's table; what a reader of Prefect's manual would write by hand for the shape."""

    def start(at: int, needed: Sequence[Table]) -> Awaitable[Table]:
        return tasks[at](f"n{at}", reads.source, reads.sql, needed)

    last = reads.nodes - 1
    if reads.shape == "beside":
        return (await asyncio.gather(*(start(at, []) for at in range(reads.nodes))))[last]
    table = await start(0, [])
    if reads.shape == "fan":
        return await start(last, await asyncio.gather(*(start(at, [table]) for at in range(1, last))))
    for at in range(1, reads.nodes):
        table = await start(at, [table])
    return table
