"""A definition becomes a real Prefect run: order, branches, retries, timeouts, failures, restarts."""

import asyncio
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from textwrap import dedent
from time import monotonic

import pytest

from blocks.errors import RunFailed
from flows.definitions import load
from flows.engine import RunOptions, build, run_options
from flows.result import RunResult
from tasks.context import NodeEvent
from tasks.outcome import Table
from tests.blocks.source_databases import SLOW_SQL
from tests.flows.running import Watching, ledger, missing, result, run, shop, two_sources

pytestmark = pytest.mark.usefixtures("prefect_api")

SPEND = """
    name: spend
    nodes:
      - id: spend
        kind: query
        source: shop
        sql: SELECT vendor, SUM(amount) AS spend FROM invoices GROUP BY vendor ORDER BY vendor
    outputs:
      spend: {from: spend, columns: {vendor: string, spend: number}}
"""


@pytest.fixture
def source(tmp_path: Path) -> str:
    return shop(tmp_path)


async def test_a_run_s_figures_are_those_of_the_database(source: str) -> None:
    done = await result(SPEND, {"shop": source})

    table = done.outputs["spend"]
    assert done.state == "Completed"
    assert isinstance(table, Table)
    assert table.rows == (("Able", 12.0), ("Bold", 20.0))


def test_a_workflow_is_called_like_a_function_where_no_loop_runs(source: str) -> None:
    run_options.set(RunOptions(sources={"shop": source}))
    done = build(load(dedent(SPEND), "test"))()

    assert isinstance(done, RunResult)
    assert done.state == "Completed"


async def test_a_workflow_is_awaited_where_a_loop_runs(source: str) -> None:
    run_options.set(RunOptions(sources={"shop": source}))
    done = await build(load(dedent(SPEND), "test"))()

    assert isinstance(done, RunResult)
    assert done.state == "Completed"


async def test_a_parameter_of_the_wrong_type_is_refused_before_any_node_runs(source: str) -> None:
    counted = """
        name: counted
        inputs:
          limit: {type: integer, default: 5}
        nodes:
          - {id: one, kind: query, source: shop, sql: SELECT 1 AS one WHERE 1 < :limit}
    """
    listener = Watching()
    state = await run(counted, {"shop": source}, listener=listener, limit="many")

    assert state.is_failed()
    assert "limit: Input should be a valid integer" in (state.message or "")
    assert listener.events == []


async def test_a_node_starts_when_its_own_needs_are_done_not_when_a_level_is(source: str) -> None:
    listener = Watching()
    slow = SLOW_SQL.replace("500000000", "2000000")
    await result(
        f"""
        name: no-levels
        nodes:
          - {{id: quick, kind: query, source: shop, sql: SELECT 1 AS one}}
          - {{id: slow, kind: query, source: shop, sql: "{slow}"}}
          - {{id: after-quick, kind: query, source: shop, needs: [quick], sql: SELECT 2 AS two}}
        """,
        {"shop": source},
        listener=listener,
    )

    ended = [event.node for event in listener.events if event.state == "done"]
    assert ended == ["quick", "after-quick", "slow"]


async def test_a_skipped_branch_skips_only_what_hangs_on_it_alone(source: str) -> None:
    done = await result(
        """
        name: branches
        inputs:
          deep: {type: boolean, default: false}
        nodes:
          - {id: always, kind: query, source: shop, sql: SELECT 1 AS one}
          - {id: deep-look, kind: query, source: shop, needs: [always], when: "{{ deep }}", sql: SELECT 2 AS two}
          - {id: deeper, kind: query, source: shop, needs: [deep-look], sql: SELECT 3 AS three}
          - {id: both, kind: query, source: shop, needs: [always, deeper], sql: SELECT 4 AS four}
        """,
        {"shop": source},
    )

    assert {name: node.state for name, node in done.nodes.items()} == {
        "always": "done",
        "deep-look": "skipped",
        "deeper": "skipped",
        "both": "done",
    }
    assert (done.state, done.gaps) == ("Completed", ())


async def test_a_source_that_is_gone_leaves_a_gap_and_the_other_figures_right(source: str, tmp_path: Path) -> None:
    state = await run(two_sources("degrade"), {"shop": source, "store": missing(tmp_path)})
    done: RunResult = await state.aresult()

    assert (state.type.value, state.name) == ("COMPLETED", "Degraded")
    assert "stock" in (state.message or "")
    assert "gone.db" in (state.message or "")
    assert [gap.node for gap in done.gaps] == ["stock"]
    assert done.nodes["stock"].state == "degraded"
    assert done.nodes["stock"].attempts == 1, "a file that is not there is not looked for again"
    assert "## What is missing" in done.report
    assert "gone.db" in done.report
    table = done.outputs["spend"]
    assert isinstance(table, Table)
    assert table.rows == (("Able", 12.0), ("Bold", 20.0))
    assert not (tmp_path / "gone.db").exists()


async def test_a_failure_that_fails_the_run_starts_nothing_more(source: str, tmp_path: Path) -> None:
    state = await run(two_sources("fail"), {"shop": source, "store": missing(tmp_path)})
    error = await state.aresult(raise_on_failure=False)

    assert state.is_failed()
    assert isinstance(error, RunFailed)
    assert "node stock" in str(error)
    assert state.state_details.flow_run_id is not None
    async with ledger() as rows:
        row = await rows.run(state.state_details.flow_run_id)
        nodes = {attempt.node: attempt.state for attempt in await rows.attempts(state.state_details.flow_run_id)}
        deliveries = await rows.deliveries(state.state_details.flow_run_id)
    assert row is not None
    assert row.state == "Failed"
    assert nodes == {"spend": "done", "stock": "failed", "report": "skipped", "publish": "skipped"}
    assert deliveries == ()


async def test_a_database_that_is_busy_is_tried_again(source: str, tmp_path: Path) -> None:
    with closing(connect(tmp_path / "shop.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        class Releasing(Watching):
            def on_event(self, event: NodeEvent) -> None:
                super().on_event(event)
                if event.state == "retrying":
                    other.execute("COMMIT")

        listener = Releasing()
        done = await result(SPEND, {"shop": f"{source}?timeout=0.05"}, listener=listener)

    assert done.nodes["spend"].attempts == 2
    assert listener.states("spend") == ["waiting", "running", "retrying", "running", "done"]
    async with ledger() as rows:
        tries = [(each.attempt, each.state) for each in await rows.attempts(done.run_id)]
    assert tries == [(1, "failed"), (2, "done")]


async def test_sql_that_is_wrong_is_tried_once(source: str) -> None:
    done = await result(SPEND.replace("FROM invoices", "FROM invoice"), {"shop": source})

    assert done.nodes["spend"].attempts == 1
    assert "the SQL reads invoice; the database has no table" in done.gaps[0].reason


async def test_a_node_whose_time_is_up_is_over_at_once_and_the_run_goes_on(source: str) -> None:
    began = monotonic()
    done = await result(
        f"""
        name: timed
        nodes:
          - {{id: slow, kind: query, source: shop, timeout: 300ms, retry: 0, sql: "{SLOW_SQL}"}}
          - {{id: after, kind: query, source: shop, needs: [slow], sql: SELECT 1 AS one}}
        """,
        {"shop": source},
    )

    assert monotonic() - began < 10, "the statement alone takes minutes"
    assert done.nodes["slow"].seconds < 2
    assert "did not end within 300ms" in done.gaps[0].reason
    assert done.nodes["after"].state == "done"


async def test_a_run_that_is_started_again_does_not_redo_what_is_done(source: str, tmp_path: Path) -> None:
    sources = {"shop": source, "store": missing(tmp_path)}
    failed = await run(two_sources("fail"), sources)
    with closing(connect(tmp_path / "gone.db")) as database, database:
        database.execute("CREATE TABLE stock (vendor TEXT, pieces INTEGER)")
    listener = Watching()
    again = await result(two_sources("fail"), sources, run_id=failed.state_details.flow_run_id, listener=listener)

    assert again.state == "Completed"
    assert {name: node.cached for name, node in again.nodes.items()} == {
        "spend": True,
        "stock": False,
        "report": False,
        "publish": False,
    }
    assert listener.states("spend") == ["waiting", "done"]
    assert len(again.deliveries) == 1


async def test_a_delivery_is_made_once_however_often_the_run_is_started(source: str) -> None:
    sources = {"shop": source, "store": source}
    first = await result(two_sources("degrade"), sources)
    written = Path(first.deliveries[0])
    written.unlink()
    second = await result(two_sources("degrade"), sources, run_id=first.run_id)

    assert second.deliveries == first.deliveries
    assert not written.exists(), "the second start took the first one's delivery as made"


async def test_another_run_of_the_same_workflow_takes_nothing_from_the_first(source: str) -> None:
    first, second = await asyncio.gather(result(SPEND, {"shop": source}), result(SPEND, {"shop": source}))

    assert first.run_id != second.run_id
    assert not first.nodes["spend"].cached
    assert not second.nodes["spend"].cached
