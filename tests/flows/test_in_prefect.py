"""What a run leaves for the Prefect UI: typed parameters, a task run per node, the graph's edges, artifacts."""

import asyncio
from pathlib import Path
from textwrap import dedent
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import TaskRun, TaskRunResult

from flows.definitions import load
from flows.engine import build
from tests.flows.running import missing, result, shop, two_sources

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture
def source(tmp_path: Path) -> str:
    return shop(tmp_path)


NODES = {"spend", "stock", "report", "publish"}


async def task_runs(run_id: UUID) -> dict[str, TaskRun]:
    """The run's task runs by name, the nodes' among them; the server learns of them a moment later."""
    only, found = FlowRunFilter(id=FlowRunFilterId(any_=[run_id])), dict[str, TaskRun]()
    async with asyncio.timeout(20), get_client() as client:
        while not found.keys() >= NODES:
            await asyncio.sleep(0.1)
            found = {task_run.name: task_run for task_run in await client.read_task_runs(flow_run_filter=only)}
    return found


async def test_a_flow_has_the_workflow_s_name_and_its_inputs_as_typed_parameters() -> None:
    flow = build(
        load(
            dedent("""
                name: typed
                description: Has inputs of two types.
                inputs:
                  month: {type: month, default: last month}
                  limit: {type: integer, default: 5}
                nodes:
                  - {id: one, kind: query, source: shop, sql: SELECT 1 AS one WHERE 1 < :limit}
            """),
            "typed",
        ),
        3,
    )

    properties = flow.parameters.properties
    assert (flow.name, flow.version, flow.description) == ("typed", "3", "Has inputs of two types.")
    assert properties["limit"]["type"] == "integer"
    assert properties["limit"]["default"] == 5
    assert properties["month"]["default"] == "last month"


async def test_each_node_is_a_task_run_of_its_name_tagged_with_its_kind(source: str) -> None:
    done = await result(two_sources("degrade"), {"shop": source, "store": source})

    found = await task_runs(done.run_id)
    assert set(found) == {*NODES, "schema of shop", "schema of store"}
    assert found["report"].tags == ["reason"]
    assert found["spend"].empirical_policy.retries == 3


async def test_prefect_s_graph_of_a_run_has_an_edge_from_each_node_that_another_uses(source: str) -> None:
    done = await result(two_sources("degrade"), {"shop": source, "store": source})

    found = await task_runs(done.run_id)
    names = {task_run.id: name for name, task_run in found.items()}
    edges = {
        name: {names[each.id] for each in run.task_inputs.get("wait_for", ()) if isinstance(each, TaskRunResult)}
        for name, run in found.items()
    }
    assert {name: used for name, used in edges.items() if name in NODES} == {
        "spend": set(),
        "stock": set(),
        "report": {"spend", "stock"},
        "publish": {"report"},
    }


async def test_a_run_s_artifacts_tell_its_story(source: str, tmp_path: Path) -> None:
    done = await result(two_sources("degrade"), {"shop": source, "store": missing(tmp_path)})

    of_this_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[done.run_id]))
    async with get_client() as client:
        found = {
            artifact.key: str(artifact.data) for artifact in await client.read_artifacts(artifact_filter=of_this_run)
        }
    report, table = found["two-sources-report"], found["two-sources-nodes"]
    assert "## What is missing" in report
    assert report.count("gone.db") == 1, "what is missing is said once"
    assert done.deliveries[0] in report
    assert "Cost: $0.0000" in report
    assert "| stock | degraded |" in report
    assert '"node": "publish"' in table
