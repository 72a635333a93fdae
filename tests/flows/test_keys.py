"""A team's key in whole runs: whose provider pays, and that no key is anywhere that anybody can read."""

import asyncio
import logging
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, LogFilter, LogFilterFlowRunId

from blocks.errors import OperatorError, RunFailed
from blocks.settings import HoldfastSettings
from tasks.approve.deciding import Answer, decide
from tasks.approve.desk import open_desk
from tests.blocks.models.asking import provider_at
from tests.flows.office import approved, office
from tests.flows.running import ledger, run, shop
from tests.servers.http_receiver import TOKEN
from tests.servers.model_server import Behaviour, Fails, ModelServer, Odd, Slow

pytestmark = pytest.mark.usefixtures("prefect_api")

REPORT = """
    name: {team}
    team: {team}
    nodes:
      - {id: spend, kind: query, source: shop, sql: "SELECT vendor, amount FROM invoices ORDER BY amount"}
      - {id: count, kind: query, source: shop, question: number of invoices, on_failure: degrade, retry: 0}
      - {id: risk, kind: reason, purpose: classify, needs: [spend], labels: [low, high], on_failure: degrade, retry: 0}
      - {id: report, kind: reason, purpose: synthesise, needs: [spend, count, risk], retry: 0}
      - {id: publish, kind: deliver, needs: [report], to: [{documents: "{team}/report.md"}]}
"""


def a_key() -> str:
    return f"sk-secret-{uuid4().hex}"


def a_team() -> str:
    return f"keys-{uuid4().hex[:8]}"


def fingerprint(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:12]


async def report_of(team: str, shop_url: str) -> Any:
    return await run(REPORT.replace("{team}", team), {"shop": shop_url})


async def test_each_team_s_runs_are_paid_with_its_own_key(server: ModelServer, tmp_path: Path) -> None:
    teams, keys = (a_team(), a_team()), (a_key(), a_key())
    server.keys |= set(keys)
    for team, key in zip(teams, keys, strict=True):
        await provider_at(server.url, key).save(team)
    url = shop(tmp_path)
    await asyncio.gather(*(report_of(team, url) for team in (*teams, *teams)))
    async with ledger() as rows:
        calls = [call for call in await rows.calls_since() if call.team in teams]

    paid = {(call.team, call.key_fingerprint) for call in calls}
    assert paid == {(team, fingerprint(key)) for team, key in zip(teams, keys, strict=True)}
    assert {asked.key_fingerprint for asked in server.requests} == {fingerprint(key) for key in keys}


async def test_a_run_is_not_served_by_another_team_s_key(server: ModelServer, tmp_path: Path) -> None:
    mine, theirs = a_team(), a_team()
    await provider_at(server.url, server.key).save(theirs)
    await provider_at(server.url, "", preset="compatible", fallbacks=[theirs]).save(mine)
    state = await report_of(mine, shop(tmp_path))
    error = await state.aresult(raise_on_failure=False)

    assert isinstance(error, RunFailed)
    assert isinstance(error.__cause__, OperatorError)
    assert f"'{theirs}' belongs to team '{theirs}' and does not serve team '{mine}'" in str(error)
    assert server.requests == []


@pytest.fixture
def whole_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that any library logs in this process, at debug."""
    prefect = logging.getLogger("prefect")
    prefect.addHandler(caplog.handler)
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="prefect"):
        yield caplog
    prefect.removeHandler(caplog.handler)


async def test_a_key_is_in_no_file_log_artifact_row_or_result(
    server: ModelServer,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    whole_log: pytest.LogCaptureFixture,
) -> None:
    team, right, wrong = a_team(), a_key(), a_key()
    server.keys.add(right)
    await provider_at(server.url, right).save(team)
    # A provider that says back what it was sent, in each of its ways to fail, and then answers.
    quoting: list[Behaviour] = [
        Fails(500, f"no: {right}", retry_after_seconds=0.01),
        Fails(400, f"{right}?"),
        Odd.BREAKS_OFF,
    ]
    server.next(*quoting, Fails(429, f"Bearer {right}", retry_after_seconds=0.01), Slow(0))
    shop_url = shop(tmp_path)
    done = await report_of(team, shop_url)
    await provider_at(server.url, wrong).save(team, overwrite=True)
    refused = await report_of(team, shop_url)

    assert done.is_completed()
    assert refused.is_failed()
    told = [str(done), str(refused), repr(await refused.aresult(raise_on_failure=False)), whole_log.text]
    told += [await _on_server(state.state_details.flow_run_id) for state in (done, refused)]
    files = _files_with(team, tmp_path_factory.getbasetemp())
    for key in (right, wrong):
        assert [text[:200] for text in told if key in text] == []
        assert [file for file in files if key.encode() in file.read_bytes()] == []


async def test_an_approver_s_code_and_the_channels_secrets_are_in_no_file_log_artifact_or_row(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, whole_log: pytest.LogCaptureFixture
) -> None:
    name = f"secret-{uuid4().hex[:8]}"
    async with office({"shop": shop(tmp_path)}) as desk:
        run_id, running = await desk.start(approved(name))
        await desk.asked(run_id, "alice@example.com")
        code = desk.mail.code_for("alice@example.com")
        async with ledger() as rows:
            here = await open_desk(rows, HoldfastSettings(), desk.clock)
            await decide(here, await desk.state(run_id), Answer("approve", "terminal", code=code))
        done = await running

    assert done.is_completed()
    # The mail server logs here too, what it was sent.
    logged = [record.getMessage() for record in whole_log.records if not record.name.startswith("mail.")]
    told = [str(done), *logged, await _on_server(run_id)]
    files = _files_with(name, tmp_path_factory.getbasetemp())
    key = (Path(os.environ["HOLDFAST_HOME"]) / "signing.key").read_text()
    for secret in (code, TOKEN, key):
        assert [text[:200] for text in told if secret in text] == []
        assert [each.name for each in files if secret.encode() in each.read_bytes()] in ([], ["signing.key"])


def _files_with(name: str, session: Path) -> list[Path]:
    """All files of the server and of this process's homes, each of which has something of that name."""
    server_home = [each for each in session.iterdir() if each.name.startswith("prefect-server")]
    places = [Path(os.environ["PREFECT_HOME"]), Path(os.environ["HOLDFAST_HOME"]), *server_home]
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    assert any(file.name == "ledger.db" for file in files)
    assert any("prefect.db" in file.name for file in files)
    for place in places:
        assert any(name.encode() in file.read_bytes() for file in files if place in file.parents), place
    return files


async def _on_server(run_id: Any) -> str:
    """The run's logs and artifacts, once its last words are there."""
    async with asyncio.timeout(30), get_client() as client:
        while True:
            logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])))
            if any("Finished in state" in log.message and log.task_run_id is None for log in logs):
                break
            await asyncio.sleep(0.2)
        found = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        artifacts = await client.read_artifacts(artifact_filter=found)
    assert logs
    return "\n".join([*(log.message for log in logs), *(str(artifact.data) for artifact in artifacts)])
