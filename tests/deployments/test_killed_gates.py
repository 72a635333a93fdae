"""`kill -9` of everything while gates wait: nothing is lost, nothing is sent twice, each decision works."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from prefect.deployments import arun_deployment
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.channels.email import EmailChannel
from blocks.people.directory import directory_from_yaml
from flows.watch_approvals import watch_approvals
from tests.blocks.people.directories import PEOPLE
from tests.deployments.commands import finished, started
from tests.deployments.test_run import run_id_of, until
from tests.deployments.test_worker import prefect
from tests.flows.running import ledger
from tests.servers.prefect_server import PrefectServer
from tests.servers.processes import kill, worker
from tests.servers.smtp_server import CODE, Mailbox, smtp_server

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
            # What they still hold must go out while the server lives, or each retries for a minute at exit.
            APILogWorker.drain_all(timeout=20)
            EventsWorker.drain_all(timeout=20)
    finally:
        own.stop()


def state_of(api: str, run_id: UUID | str) -> str:
    answer = httpx.get(f"{api}/flow_runs/{run_id}", timeout=20).json()
    return str((answer.get("state") or {}).get("name"))


def code_of(mail: Mailbox, run_id: UUID | str) -> str:
    (text,) = [each.get_content() for each in mail.to(ALICE) if str(run_id) in each.get_content()]
    found = CODE.search(text)
    assert found
    return found[0]


async def test_gates_survive_the_death_of_the_runner_the_worker_and_the_server(server: PrefectServer) -> None:
    with smtp_server() as mail:
        directory = directory_from_yaml(PEOPLE, "people.yaml")
        email = EmailChannel(host=mail.host, port=mail.port, security="none", sender="holdfast@example.com")
        await directory.asave("default")
        await email.asave("default")
        prefect("work-pool", "create", "holdfast", "--type", "process")
        prefect("deploy", "--all")
        # One that is suspended, one whose process is killed, one whose process lives on.
        with worker("holdfast") as first:
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

        await watch_approvals()
        async with ledger() as rows:
            assert {str(each.gate.run_id) for each in await rows.gates.waiting() if not each.decision} == runs
        assert len(mail.mails) == 3
        resumed = started("resume", killed_run, "--json")
        until(lambda: state_of(server.api, killed_run) == "Paused")
        answers = {run: started("approve", run, "--code", code_of(mail, run)) for run in sorted(runs)}
        said = {run: finished(answer) for run, answer in answers.items()}
        with worker("holdfast"):
            ends = [finished(alive, 120), finished(resumed, 120)]
            until(lambda: state_of(server.api, suspended) in ("Completed", "Degraded"), 120)
        await watch_approvals()

        assert {run: each.status for run, each in said.items()} == dict.fromkeys(runs, 0), said
        for end in ends:
            assert end.status == 0, f"{end.out[-2000:]}{end.err[-2000:]}"
        assert len(mail.mails) == 3
        async with ledger() as rows:
            for run in runs:
                assert len(await rows.deliveries(UUID(run))) == 1
                decision = await rows.decision(UUID(run), "sign-off")
                assert (decision.decision, decision.decided_by) == ("approve", "alice")


def _run_of(text: str) -> str:
    return text.partition("holdfast approve ")[2].partition(" ")[0]
