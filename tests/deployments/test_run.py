"""Whole runs as a user starts them: what they print, how they exit, and what survives `kill -9`."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_runs import aresume_flow_run

from tests.deployments.commands import REPORT, finished, holdfast, started
from tests.flows.running import ledger, shop

pytestmark = pytest.mark.usefixtures("prefect_api")

SLOW = dedent("""
    name: killed
    inputs:
      folder: {type: string}
    nodes:
      - {id: spend, kind: query, source: shop, sql: "SELECT vendor, SUM(amount) AS spend FROM invoices GROUP BY vendor"}
      - {id: slow, kind: transform, needs: [spend], function: "tests.deployments.waiting:until_told", timeout: 60s}
      - {id: report, kind: reason, purpose: synthesise, needs: [slow]}
      - {id: sign-off, kind: approve, needs: [report], approvers: [the-boss]}
      - {id: publish, kind: deliver, needs: [report, sign-off], to: [{documents: killed/report.md}]}
""")


@pytest.fixture
def source(tmp_path: Path) -> str:
    return f"shop={shop(tmp_path)}"


def until(met: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, f"not met in {seconds} s"
        time.sleep(0.05)


def run_id_of(line: str) -> str:
    return line.rpartition("run ")[2].strip()


def test_json_is_one_object_with_all_there_is_to_know(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, source: str
) -> None:
    (tmp_path / "report.yaml").write_text(REPORT)
    said = holdfast(capsys, "run", str(tmp_path / "report.yaml"), "--source", source, "--json")
    told: dict[str, Any] = json.loads(said.out)

    assert said.status == 0
    assert (told["workflow"], told["state"], told["gaps"], told["cost_usd"]) == ("small-report", "Completed", [], "0")
    assert told["nodes"]["spend"].keys() >= {"state", "seconds", "attempts", "cached"}
    assert {name: node["state"] for name, node in told["nodes"].items()} == dict.fromkeys(told["nodes"], "done")
    [delivered] = told["deliveries"]
    assert Path(delivered).read_text().startswith("# Report")


def test_a_failed_run_s_json_says_where_and_why(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "report.yaml").write_text(REPORT)
    said = holdfast(capsys, "run", str(tmp_path / "report.yaml"), "--source", f"shop={tmp_path}/gone.db", "--json")
    told = json.loads(said.out)

    assert said.status == 1
    assert (told["state"], told["deliveries"]) == ("Failed", [])
    assert told["nodes"]["spend"]["state"] == "failed"
    assert told["nodes"]["publish"]["state"] == "skipped"
    assert "gone.db" in told["message"]


def test_a_degraded_run_exits_with_3_and_names_what_is_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "report.yaml").write_text(REPORT.replace("on_failure: fail", "on_failure: degrade"))
    said = holdfast(capsys, "run", str(tmp_path / "report.yaml"), "--source", f"shop={tmp_path}/gone.db")

    assert said.status == 3
    assert "## What is missing" in said.out
    assert "Degraded: small-report" in said.out
    assert "Missing spend: source 'shop' has no file at" in said.out


async def test_a_run_killed_in_a_node_goes_on_under_its_id_and_delivers_once(tmp_path: Path, source: str) -> None:
    (tmp_path / "slow.yaml").write_text(SLOW)
    arguments = ("--source", source, "--decide", "sign-off=approve")
    first = started("run", str(tmp_path / "slow.yaml"), "-i", f"folder={tmp_path}", *arguments)
    until((tmp_path / "waiting").exists)
    first.kill()
    run_id = run_id_of(finished(first).err.splitlines()[0])
    (tmp_path / "go").touch()
    said = finished(started("resume", run_id, *arguments[2:], "--json"))
    told = json.loads(said.out)

    assert said.status == 0, said.err
    assert (told["run_id"], told["state"]) == (run_id, "Completed")
    assert {name: node["cached"] for name, node in told["nodes"].items()} == {
        "spend": True,
        "slow": False,
        "report": False,
        "sign-off": False,
        "publish": False,
    }
    assert len(told["deliveries"]) == 1
    async with ledger() as rows:
        run = await rows.run(UUID(run_id))
        kept = await rows.deliveries(UUID(run_id))
    assert (run.starts, run.state, len(kept)) == (2, "Completed", 1)


async def test_an_answer_that_came_while_the_run_was_dead_is_taken(tmp_path: Path, source: str) -> None:
    (tmp_path / "slow.yaml").write_text(SLOW)
    (tmp_path / "go").touch()
    first = started("run", str(tmp_path / "slow.yaml"), "-i", f"folder={tmp_path}", "--source", source)
    assert first.stderr is not None
    run_id = run_id_of(first.stderr.readline())
    async with get_client() as client:
        while not (state := (await client.read_flow_run(UUID(run_id))).state) or not state.is_paused():
            assert first.poll() is None
            time.sleep(0.05)
    first.kill()
    finished(first)
    await aresume_flow_run(UUID(run_id), run_input={"decision": "approve", "decided_by": "Ann"})
    said = finished(started("resume", run_id, "--json"))
    told = json.loads(said.out)

    assert said.status == 0, said.err
    assert {name: node["cached"] for name, node in told["nodes"].items()} == {
        "spend": True,
        "slow": True,
        "report": True,
        "sign-off": False,
        "publish": False,
    }
    assert told["nodes"]["sign-off"]["detail"] == "approve by Ann"
    assert len(told["deliveries"]) == 1


def test_a_run_that_is_over_is_not_resumed(capsys: pytest.CaptureFixture[str], tmp_path: Path, source: str) -> None:
    (tmp_path / "report.yaml").write_text(REPORT)
    done = holdfast(capsys, "run", str(tmp_path / "report.yaml"), "--source", source, "--json")
    said = holdfast(capsys, "resume", json.loads(done.out)["run_id"])

    assert said.status == 2
    assert "is over: Completed; start a new run" in said.err
