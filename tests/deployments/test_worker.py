"""prefect.yaml is what it says: `prefect deploy --all` takes it, and a process worker runs what it deploys."""

import asyncio
import subprocess
import sys
from typing import Any, cast

import pytest
from prefect.client.orchestration import get_client
from prefect.deployments import arun_deployment
from prefect.flow_runs import aresume_flow_run
from prefect.flows import load_flow_from_entrypoint
from ruamel.yaml import YAML

from flows.catalog import definition, names
from tests.deployments.commands import ROOT
from tests.flows.gated import paused
from tests.flows.running import ledger
from tests.servers.processes import worker

PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")


def deployed() -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", YAML(typ="safe").load(ROOT / "prefect.yaml")["deployments"])


def prefect(*arguments: str) -> str:
    done = subprocess.run((*PREFECT, *arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_shipped_workflow_is_a_deployment_with_its_own_schedule() -> None:
    said = {
        each["name"]: (each["entrypoint"], each["description"], each["tags"], each["schedules"])
        for each in deployed()
        if each["entrypoint"].startswith("flows.catalog.")
    }

    for name in names():
        workflow = definition(name)
        assert workflow.trigger is not None
        schedule = {"cron": workflow.trigger.cron, "timezone": workflow.trigger.timezone, "active": True}
        entrypoint = f"flows.catalog.{name.replace('-', '_')}"
        assert said.pop(name) == (entrypoint, workflow.description, [workflow.team], [schedule])
    assert said == {}


def test_the_platform_s_own_flows_are_deployments_too_and_gates_are_watched_every_minute() -> None:
    own = {each["name"]: each for each in deployed() if not each["entrypoint"].startswith("flows.catalog.")}

    assert {*own} == {"watch-approvals", "delegate-approvals"}
    for name, each in own.items():
        assert load_flow_from_entrypoint(each["entrypoint"]).name == name
    assert [each["cron"] for each in own["watch-approvals"]["schedules"]] == ["* * * * *"]


@pytest.mark.usefixtures("prefect_api")
async def test_a_worker_runs_the_deployment_waits_at_the_gate_and_delivers() -> None:
    await asyncio.to_thread(prefect, "work-pool", "create", "holdfast", "--type", "process")
    await asyncio.to_thread(prefect, "deploy", "--all")
    flow_run = await arun_deployment(
        "vendor-performance/vendor-performance", parameters={"month": "last month"}, timeout=0
    )
    with worker("holdfast"):
        async with asyncio.timeout(240):
            await paused(flow_run.id)
            await aresume_flow_run(flow_run.id, run_input={"decision": "approve", "decided_by": "Ann"})
            async with get_client() as client:
                while not (state := (await client.read_flow_run(flow_run.id)).state) or not state.is_final():
                    await asyncio.sleep(0.2)

    assert state.is_completed()
    async with ledger() as rows:
        run = await rows.run(flow_run.id)
        delivered = await rows.deliveries(flow_run.id)
    assert (run.state, len(delivered)) == ("Completed", 1)
