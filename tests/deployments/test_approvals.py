"""Gates at the command line: who may decide there, and what they are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client

from blocks.signed_in import signed_in_user
from tests.blocks.people.directories import PEOPLE
from tests.deployments.commands import Said, holdfast
from tests.flows.office import Office, approved, office
from tests.flows.running import ledger, shop

pytestmark = pytest.mark.usefixtures("prefect_api")

ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"
KNOWN = PEOPLE.replace("name: alice,", f"name: alice, login: {signed_in_user()},")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Office]:
    async with office({"shop": shop(tmp_path)}) as opened:
        yield opened


@pytest.fixture
async def known_desk(tmp_path: Path) -> AsyncIterator[Office]:
    """An office whose alice is the user of this machine."""
    async with office({"shop": shop(tmp_path)}, KNOWN) as opened:
        yield opened


@pytest.fixture
async def _no_delegations() -> AsyncIterator[None]:
    yield
    async with ledger() as rows:
        from tasks.context import utc_now

        for name in ("alice", "bob"):
            await rows.gates.end_delegations(name, utc_now())


async def command(capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    """What the command says, while a run goes on beside it."""
    return await asyncio.to_thread(holdfast, capsys, *words)


async def test_gates_that_wait_are_listed_and_decided_with_the_code(
    desk: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id, running = await desk.start(approved("listed"))
    await desk.asked(run_id, ALICE)
    listed = await command(capsys, "approvals")
    as_json = json.loads((await command(capsys, "approvals", "--json")).out)
    said = await command(capsys, "approve", str(run_id)[:8], "--as", "Alice", "--code", desk.mail.code_for(ALICE))
    done = await (await running).aresult()

    assert any(line.split()[:4] == [str(run_id), "listed", "sign-off", "alice"] for line in listed.out.splitlines())
    (gate,) = [each for each in as_json["gates"] if each["run"] == str(run_id)]
    assert (gate["asked"][0]["person"], gate["answered"]) == ("alice", [])
    assert "What we spent" in gate["summary"]
    assert said.status == 0
    assert said.out.startswith("listed: sign-off: approve by alice at ")
    assert said.out.endswith("(terminal). The run goes on.\n")
    assert done.state == "Completed"
    assert str(run_id) not in (await command(capsys, "approvals")).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "the decision needs a proof; it comes with a code that only you got; give it with --code"),
        (("--code", "wrong"), "does not count: the code is none that was given out for this gate"),
        (("--as", "bob", "--code", "CODE"), "does not count: the proof is alice's, not bob's"),
        (("--gate", "other"), "has no gate 'other'; see holdfast approvals"),
    ],
)
async def test_a_decision_that_does_not_count_is_one_line_and_changes_nothing(
    desk: Office, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    run_id, running = await desk.start(approved("forger", settings="timeout: 4h, remind_every: 3h"))
    await desk.asked(run_id, ALICE)
    code = desk.mail.code_for(ALICE)
    refused = await command(capsys, "approve", str(run_id), *(code if word == "CODE" else word for word in words))
    assert (await desk.state(run_id)).decision is None
    right = await command(capsys, "approve", str(run_id), "--reject", "--comment", "too much", "--code", code)
    late = await command(capsys, "approve", str(run_id), "--code", code)
    await running

    assert refused.status in (1, 2)
    assert said in refused.err
    assert len(refused.err.splitlines()) == 1
    assert "reject by alice" in right.out
    assert (
        "waits for a decision; see holdfast approvals" in late.err or "was decided before: reject by alice" in late.err
    )


async def test_the_user_of_the_machine_needs_no_code_where_the_directory_knows_them(
    known_desk: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = "timeout: 4h, required: all, editable: [report.text]"
    run_id, running = await known_desk.start(approved("login", "alice", "bob", settings=settings))
    await known_desk.asked(run_id, ALICE, BOB)
    first = await command(capsys, "approve", str(run_id), "--set", "report.text=Little.")
    again = await command(capsys, "approve", str(run_id))
    second = await command(capsys, "approve", str(run_id), "--code", known_desk.mail.code_for(BOB))
    done = await (await running).aresult()

    assert first.out == "Recorded. The gate still waits for bob.\n"
    assert "alice has answered already, and a code counts once" in again.err
    assert "approve by alice, bob" in second.out
    assert "Little." in Path(done.deliveries[0]).read_text()


async def test_only_what_is_editable_can_be_corrected(desk: Office, capsys: pytest.CaptureFixture[str]) -> None:
    run_id, running = await desk.start(approved("edits"))
    await desk.asked(run_id, ALICE)
    code = desk.mail.code_for(ALICE)
    nonsense = await command(capsys, "approve", str(run_id), "--set", "report.amount={", "--code", code)
    refused = await command(capsys, "approve", str(run_id), "--set", "report.text=Little.", "--code", code)
    await command(capsys, "approve", str(run_id), "--code", code)
    await running

    assert "report.amount cannot be corrected at gate 'sign-off'" in nonsense.err
    assert "report.text cannot be corrected at gate 'sign-off'; there is nothing" in refused.err


async def test_a_suspended_run_is_set_going(desk: Office, capsys: pytest.CaptureFixture[str]) -> None:
    definition = approved("set-going")
    run_id = await desk.deploy(definition)
    assert (await desk.run(definition, run_id)).name == "Suspended"
    said = await command(capsys, "approve", str(run_id), "--code", desk.mail.code_for(ALICE))
    async with get_client() as client:
        state = (await client.read_flow_run(run_id)).state

    assert said.status == 0
    assert state is not None
    assert state.name == "Resuming"
    assert (await (await desk.run(definition, run_id)).aresult()).state == "Completed"


@pytest.mark.usefixtures("_no_delegations")
async def test_somebody_delegates_for_themselves_and_it_is_shown_and_ended(
    known_desk: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    set_ = await command(capsys, "delegate", "ALICE", "--to", "bob", "--until", "2099-12-10", "--from", "2099-12-01")
    shown = await command(capsys, "people")
    loop = await command(capsys, "delegate", "alice", "--to", "alice", "--until", "2099-12-10")
    past = await command(capsys, "delegate", "alice", "--to", "bob", "--until", "2020-01-01")
    unknown = await command(capsys, "delegate", "alice", "--to", "mallory", "--until", "2099-12-10")
    ended = await command(capsys, "delegate", "alice", "--end")
    nothing = await command(capsys, "delegate", "alice", "--end")
    other = await command(capsys, "delegate", "dora", "--end")

    assert set_.out == "bob decides in place of alice from 2099-12-01 00:00 UTC until 2099-12-11 00:00 UTC.\n"
    assert "bob stands in for alice, 2099-12-01 00:00 to 2099-12-11 00:00 UTC, set by alice" in shown.out
    assert "alice: roles procurement-lead; under carol; email alice@example.com; slack U0ALICE" in shown.out
    assert "alice cannot delegate to alice: alice delegates to alice" in loop.err
    assert "2020-01-01 is over before it begins" in past.err
    assert "'mallory' is not in the directory; name one of alice, bob" in unknown.err
    assert ended.out == "alice decides again.\n"
    assert "nobody stands in for alice" in nothing.err
    assert "may not end what dora has delegated" in other.err


@pytest.mark.usefixtures("_no_delegations")
async def test_whoever_else_delegates_needs_the_code_that_went_to_the_person(
    desk: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    running = asyncio.create_task(command(capsys, "delegate", "bob", "--to", "dora", "--until", "2099-12-10"))
    async with asyncio.timeout(30):
        while not desk.mail.to(BOB):
            await asyncio.sleep(0.05)
    async with ledger() as rows:
        (state,) = [each for each in await rows.gates.waiting() if each.gate.workflow == "delegate-approvals"]
        assert await rows.gates.delegations(desk.clock()) == ()
    run_id: UUID = state.gate.run_id
    await desk.asked(run_id, BOB)
    await desk.answer(run_id, code=desk.mail.code_for(BOB))
    said = await running

    assert desk.mail.to(BOB)[0]["Subject"] == "Please decide: bob delegates to dora"
    assert said.status == 0
    assert "dora decides in place of bob from " in said.out
    async with ledger() as rows:
        assert [(each.person, each.set_by) for each in await rows.gates.delegations(desk.clock())] == [("bob", "bob")]


async def test_a_directory_is_saved_from_yaml_or_refused_with_all_that_is_wrong(
    desk: Office, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    (tmp_path / "wrong.yaml").write_text("people: [{name: a, email: x}, {name: b, slack: general}]")
    saved = await command(capsys, "people", str(tmp_path / "people.yaml"))
    wrong = await command(capsys, "people", str(tmp_path / "wrong.yaml"))
    gone = await command(capsys, "people", str(tmp_path / "gone.yaml"))

    assert saved.out.endswith("people.yaml: saved 4 people as the Directory block 'default'\n")
    assert "a, field email: " in wrong.err
    assert "b, field slack: " in wrong.err
    assert (wrong.status, gone.status, "cannot be read" in gone.err) == (2, 2, True)
