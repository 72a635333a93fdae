"""Runs definitions in the test's own process, on the session's Prefect server."""

from collections.abc import Awaitable, Mapping
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from textwrap import dedent
from typing import Any, cast
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.flow_engine import run_flow
from prefect.states import Pending

from blocks.ledger import Ledger
from blocks.settings import HoldfastSettings
from flows.definitions import load
from flows.engine import RunOptions, build, run_options
from flows.result import RunResult
from tasks.context import NodeEvent, Question, Verdict

TWO_SOURCES = """
    name: two-sources
    nodes:
      - id: spend
        kind: query
        source: shop
        sql: SELECT vendor, SUM(amount) AS spend FROM invoices GROUP BY vendor ORDER BY vendor
      - id: stock
        kind: query
        source: store
        sql: SELECT vendor, pieces FROM stock
        on_failure: {on_failure}
      - id: report
        kind: reason
        purpose: synthesise
        needs: [spend, stock]
      - id: publish
        kind: deliver
        needs: [report]
        to: [{documents: two-sources/report.md}]
    outputs:
      spend: {from: spend, columns: {vendor: string, spend: number}}
"""


class Watching:
    """A listener that keeps what it was told."""

    def __init__(self) -> None:
        self.events: list[NodeEvent] = []

    def on_event(self, event: NodeEvent) -> None:
        self.events.append(event)

    async def on_question(self, question: Question) -> Mapping[str, str] | None:
        return None

    def states(self, node: str) -> list[str]:
        """The states that the node went through, in order."""
        return [event.state for event in self.events if event.node == node]


def shop(folder: Path) -> str:
    """The URL of a small SQLite database: three vendors, and what each was paid."""
    with closing(connect(folder / "shop.db")) as database, database:
        database.execute("CREATE TABLE invoices (vendor TEXT, amount REAL)")
        database.executemany("INSERT INTO invoices VALUES (?, ?)", [("Able", 10.5), ("Bold", 20.0), ("Able", 1.5)])
    return f"sqlite+aiosqlite:///{folder / 'shop.db'}"


def missing(folder: Path) -> str:
    """The URL of a database that is not there."""
    return f"sqlite+aiosqlite:///{folder / 'gone.db'}"


def two_sources(on_failure: str) -> str:
    """The definition of a report over the sources `shop` and `store`, and of what the store's failure means."""
    return TWO_SOURCES.replace("{on_failure}", on_failure)


async def new_run(definition: str, **inputs: Any) -> UUID:
    """The id of a run that has not started, to be passed on to `run`."""
    async with get_client() as client:
        flow = build(load(dedent(definition), "test"))
        return (await client.create_flow_run(flow, parameters=inputs, state=Pending())).id


async def run(
    definition: str,
    sources: Mapping[str, str] | None = None,
    *,
    listener: Watching | None = None,
    run_id: UUID | None = None,
    decisions: Mapping[str, Verdict] | None = None,
    **inputs: Any,
) -> State[Any]:
    """The final state of a run of the definition; with `run_id`, of that run started again."""
    flow = build(load(dedent(definition), "test"))
    run_options.set(RunOptions(sources or {}, decisions or {}, listener or Watching()))
    run_id = run_id or await new_run(definition, **inputs)
    async with get_client() as client:
        await client.set_flow_run_state(run_id, Pending(), force=True)
        flow_run = await client.read_flow_run(run_id)
    # The door that a worker's process uses too: the run's parameters are those that the server has.
    return await cast("Awaitable[State[Any]]", run_flow(flow, flow_run=flow_run, return_type="state"))


async def result(definition: str, sources: Mapping[str, str] | None = None, **options: Any) -> RunResult:
    """The result of a run that does not fail."""
    done = await (await run(definition, sources, **options)).aresult()
    assert isinstance(done, RunResult)
    return done


def ledger() -> Any:
    """The session's ledger, to be entered."""
    return Ledger.open(HoldfastSettings().ledger)
