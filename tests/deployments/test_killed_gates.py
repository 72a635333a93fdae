"""`kill -9` of everything while gates wait: nothing is lost, nothing is sent twice, each decision works."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.deployments import arun_deployment
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.channels.email import EmailChannel
from blocks.people.directory import directory_from_yaml
from tests.blocks.people.directories import PEOPLE
from tests.deployments.commands import ROOT, Said, finished, started
from tests.deployments.test_run import run_id_of, until
from tests.deployments.test_worker import prefect
from tests.flows.running import ledger
from tests.servers.prefect_server import PrefectServer
from tests.servers.processes import kill, stop
from tests.servers.smtp_server import Mailbox, smtp_server

ALICE = "alice@example.com"
WORKFLOW = "vendor-performance"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrefectServer]:
    own = PrefectServer(tmp_path / "prefect")
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    try:
        own.start()
        monkeypatch.setenv("PREFECT_API_URL", own.api)
        with temporary_settings({PREFECT_API_URL: own.api}):
            yield own
    finally:
        own.stop()


@contextmanager
def worker() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        (sys.executable, "-m", "prefect", "--no-prompt", "worker", "start", "--pool", "holdfast"),
        cwd=ROOT,
        env={**os.environ, "PREFECT_WORKER_QUERY_SECONDS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        stop(process)


def state_of(api: str, run_id: UUID | str) -> str:
    answer = httpx.get(f"{api}/flow_runs/{run_id}", timeout=20).json()
    return str((answer.get("state") or {}).get("name"))


def code_of(mail: Mailbox, run_id: UUID | str) -> str:
    from tests.servers.smtp_server import CODE

    (text,) = [each.get_content() for each in mail.to(ALICE) if str(run_id) in each.get_content()]
    found = CODE.search(text)
    assert found
    return found[0]


def approve(mail: Mailbox, run_id: UUID | str) -> Said:
    return finished(started("approve", str(run_id), "--code", code_of(mail, run_id)))


async def test_gates_survive_the_death_of_the_runner_the_worker_and_the_server(server: PrefectServer) -> None:
    with smtp_server() as mail:
        directory = directory_from_yaml(PEOPLE, "people.yaml")
        email = EmailChannel(host=mail.host, port=mail.port, security="none", sender="holdfast@example.com")
        await directory.asave("default")
        await email.asave("default")
        prefect("work-pool", "create", "holdfast", "--type", "process")
        prefect("deploy", "--all")
        # One that is suspended, one whose process is killed, one whose process lives on.
        with worker() as first:
            suspended = (await arun_deployment(f"{WORKFLOW}/{WORKFLOW}", timeout=0)).id
            until(lambda: state_of(server.api, suspended) == "Suspended", 120)
            killed, alive = (started("run", WORKFLOW, "--json") for _ in range(2))
            until(lambda: len(mail.mails) == 3, 120)
            runs = {run for each in mail.mails for run in [_run_of(each.get_content())]}
            kill(first)
        killed.kill()
        killed_run = run_id_of(finished(killed).err.splitlines()[0])
        server.kill()
        assert {str(suspended), killed_run} < runs
        server.start()

        await _watch()
        async with ledger() as rows:
            assert {str(each.gate.run_id) for each in await rows.gates.waiting() if not each.decision} == runs
        assert len(mail.mails) == 3
        resumed = started("resume", killed_run, "--json")
        until(lambda: state_of(server.api, killed_run) == "Paused")
        said = {run: approve(mail, run) for run in sorted(runs)}
        with worker():
            ends = [finished(alive, 120), finished(resumed, 120)]
            until(lambda: state_of(server.api, suspended) in ("Completed", "Degraded"), 120)
        await _watch()

        assert {run: each.status for run, each in said.items()} == dict.fromkeys(runs, 0), said
        assert [each.status for each in ends] == [0, 0], ends
        assert len(mail.mails) == 3
        async with ledger() as rows:
            for run in runs:
                assert len(await rows.deliveries(UUID(run))) == 1
                decision = await rows.decision(UUID(run), "sign-off")
                assert (decision.decision, decision.decided_by) == ("approve", "alice")


async def _watch() -> None:
    """One look at all gates, as the deployment `watch-approvals` has it."""
    async with get_client() as client:
        await client.hello()
    done = subprocess.run(
        (sys.executable, "-c", "import asyncio; from flows.watch_approvals import watch_approvals as watch; "
                               "asyncio.run(watch())"),
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _run_of(text: str) -> str:
    return text.partition("holdfast approve ")[2].partition(" ")[0]
