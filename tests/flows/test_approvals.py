"""People of a directory are asked on their channels, and only their own answer counts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from prefect.input.actions import aread_flow_run_input
from prefect.states import Running

from blocks.codes import CodeMaker, code_maker
from blocks.errors import DecisionRefused
from blocks.settings import HoldfastSettings
from tasks.approve.deciding import Answer, decide
from tasks.approve.desk import open_desk
from tests.flows.gated import paused
from tests.flows.office import Office, approved, office
from tests.flows.running import ledger, shop

pytestmark = pytest.mark.usefixtures("prefect_api")

ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Office]:
    async with office({"shop": shop(tmp_path)}) as opened:
        yield opened


async def test_an_approver_is_asked_on_every_channel_and_decides_with_the_code_that_came(desk: Office) -> None:
    run_id, running = await desk.start(approved("asked"))
    await desk.asked(run_id, ALICE)
    (mail,), (direct,) = desk.mail.to(ALICE), desk.slack.to("U0ALICE")
    code = desk.mail.code_for(ALICE)
    await desk.answer(run_id, code=code, comment="fine")
    done = await (await running).aresult()

    assert mail["Subject"] == "Please decide: asked: sign-off"
    for text in (mail.get_content(), direct):
        for said in ("What we spent", "Cost so far", f"#code={code}", f"/runs/flow-run/{run_id}", "holdfast approve"):
            assert said in text
    decision = await desk.decision(run_id)
    assert (decision.decision, decision.decided_by, decision.comment) == ("approve", "alice", "fine")
    assert (done.state, await desk.delivered(run_id)) == ("Completed", 1)
    assert [each.what for each in await desk.events(run_id)] == ["opened", "asked", "voted", "decided"]


async def test_a_role_asks_everybody_who_has_it(desk: Office) -> None:
    run_id, running = await desk.start(approved("role", "buyer"))
    await desk.asked(run_id, BOB, CAROL)
    await desk.answer(run_id, "reject", code=desk.mail.code_for(CAROL))

    assert (await (await running).aresult()).state == "Rejected"
    assert (await desk.decision(run_id)).decided_by == "carol"
    assert await desk.delivered(run_id) == 0


async def test_one_dead_channel_does_not_stop_the_other_and_is_tried_again(desk: Office) -> None:
    desk.mail.says[ALICE] = "451 come back later"
    run_id, running = await desk.start(approved("dead", settings="timeout: 4h, remind_every: 3h"))
    await paused(run_id)
    (failed,) = await desk.happened(run_id, "undelivered")
    assert len(desk.slack.to("U0ALICE")) == 1
    assert "email, asked: the SMTP server" in failed.detail
    desk.mail.says.clear()
    assert desk.mail.to(ALICE) == []
    desk.clock.advance(seconds=30)
    await desk.asked(run_id, ALICE)
    await desk.answer(run_id, code=desk.mail.code_for(ALICE))
    await running

    notices = {notice.channel: (notice.state, notice.tries) for notice in (await desk.state(run_id)).notices}
    assert notices == {"email": ("sent", 2), "slack": ("sent", 1)}
    assert (len(desk.mail.to(ALICE)), len(desk.slack.to("U0ALICE"))) == (1, 1)


@pytest.mark.parametrize("proof", ["none", "wrong", "not asked", "another run", "another key", "another name"])
async def test_an_answer_without_the_right_proof_is_refused_and_the_gate_stays_open(desk: Office, proof: str) -> None:
    run_id, running = await desk.start(approved("forged", settings="timeout: 4h, remind_every: 3h"))
    await desk.asked(run_id, ALICE)
    maker = code_maker(HoldfastSettings())
    forged = {
        "none": "",
        "wrong": "7QK2-9M4X-0C8D-VW31",
        "not asked": maker.code(run_id, "sign-off", "bob"),
        "another run": maker.code(uuid4(), "sign-off", "alice"),
        "another key": CodeMaker(b"k" * 32).code(run_id, "sign-off", "alice"),
        "another name": maker.code(run_id, "sign-off", "dora"),
    }[proof]
    await desk.answer(run_id, code=forged)
    (refused,) = await desk.happened(run_id, "refused")
    # She is told, on the same channels.
    await desk.asked(run_id, ALICE, times=2)
    assert not running.done()
    assert (await desk.state(run_id)).decision is None
    await desk.answer(run_id, code=desk.mail.code_for(ALICE))
    done = await (await running).aresult()

    assert refused.detail in ("it came without a code", "the code is none that was given out for this gate")
    assert desk.mail.to(ALICE)[1]["Subject"] == "An answer was refused: forged: sign-off"
    assert (done.state, await desk.delivered(run_id)) == ("Completed", 1)


async def test_several_must_agree_and_nobody_counts_twice(desk: Office) -> None:
    settings = "timeout: 4h, remind_every: 3h, required: 2"
    run_id, running = await desk.start(approved("several", "alice", "buyer", settings=settings))
    await desk.asked(run_id, ALICE, BOB, CAROL)
    await desk.answer(run_id, code=desk.mail.code_for(ALICE))
    await desk.happened(run_id, "voted")
    await paused(run_id)
    await desk.answer(run_id, code=desk.mail.code_for(ALICE))
    (refused,) = await desk.happened(run_id, "refused")
    await paused(run_id)
    await desk.answer(run_id, code=desk.mail.code_for(BOB))
    await running

    assert refused.detail == "alice has answered already, and a code counts once"
    assert (await desk.decision(run_id)).decided_by == "alice, bob"


async def test_of_two_answers_at_the_same_instant_the_first_counts_and_the_second_is_told(desk: Office) -> None:
    run_id, running = await desk.start(approved("instant", "alice", "bob"))
    await desk.asked(run_id, ALICE, BOB)
    answers = [
        Answer("approve", "terminal", code=desk.mail.code_for(ALICE)),
        Answer("reject", "terminal", code=desk.mail.code_for(BOB)),
    ]
    async with ledger() as rows:
        here = await open_desk(rows, HoldfastSettings(), desk.clock)
        state = await desk.state(run_id)
        ended = await asyncio.gather(*(decide(here, state, answer) for answer in answers), return_exceptions=True)
    await running

    (late,) = [each for each in ended if isinstance(each, BaseException)]
    decision = await desk.decision(run_id)
    assert isinstance(late, DecisionRefused)
    assert f"was decided before: {decision.decision} by {decision.decided_by}" in str(late)
    assert [each.what for each in await desk.events(run_id)].count("decided") == 1


async def test_an_answer_after_the_time_is_up_is_told_what_was_decided(desk: Office) -> None:
    run_id, running = await desk.start(approved("late"))
    await desk.asked(run_id, ALICE)
    late = Answer("approve", "terminal", code=desk.mail.code_for(ALICE))
    state = await desk.state(run_id)
    desk.clock.advance(hours=4)
    async with ledger() as rows:
        here = await open_desk(rows, HoldfastSettings(), desk.clock)
        with pytest.raises(DecisionRefused, match=r"was decided before: timed out at .* \(timeout\)"):
            await decide(here, state, late)

    assert (await (await running).aresult()).state == "Rejected"
    assert await desk.delivered(run_id) == 0


async def test_an_approver_who_is_not_in_the_directory_is_refused_before_anybody_is_asked(desk: Office) -> None:
    _, running = await desk.start(approved("unknown", "mallory"))
    state = await running

    assert state.is_failed()
    assert "field approvers: there is no person or role 'mallory'" in (state.message or "")
    assert desk.mail.mails == []


async def test_an_approver_corrects_a_field_and_the_report_says_what_and_by_whom(desk: Office) -> None:
    settings = "timeout: 4h, editable: [report.text]"
    run_id, running = await desk.start(approved("corrected", settings=settings))
    await desk.asked(run_id, ALICE)
    await desk.answer(run_id, code=desk.mail.code_for(ALICE), report_text="# What we spent\n\nNot much.")
    done = await (await running).aresult()
    delivered = Path(done.deliveries[0]).read_text()

    assert "Not much." in delivered
    assert "Corrected: report.text, by alice." in delivered
    assert (await desk.decision(run_id)).edits == {
        "report.text": {"now": "# What we spent\n\nNot much.", "by": "alice"}
    }


async def test_each_step_is_an_event_in_prefect_and_the_gate_is_an_artifact_of_its_run(
    desk: Office, prefect_api: str
) -> None:
    run_id, running = await desk.start(approved("told"))
    await desk.asked(run_id, ALICE)
    await desk.answer(run_id, code="wrong")
    await desk.happened(run_id, "refused")
    await paused(run_id)
    await desk.answer(run_id, code=desk.mail.code_for(ALICE))
    await running
    wanted = {"holdfast.gate.opened", "holdfast.gate.asked", "holdfast.gate.refused", "holdfast.gate.decided"}
    resource = f"holdfast.gate.{run_id}.sign-off"
    async with httpx.AsyncClient(base_url=prefect_api) as client, asyncio.timeout(30):
        while True:
            asked = {"filter": {"any_resource": {"id": [resource]}}}
            events = (await client.post("/events/filter", json=asked)).json()["events"]
            if wanted <= {event["event"] for event in events}:
                break
            await asyncio.sleep(0.2)
        by_run = {"artifacts": {"flow_run_id": {"any_": [str(run_id)]}, "key": {"any_": ["told-sign-off"]}}}
        (artifact,) = (await client.post("/artifacts/filter", json=by_run)).json()

    (refused,) = [event for event in events if event["event"] == "holdfast.gate.refused"]
    assert refused["payload"]["detail"] == "the code is none that was given out for this gate"
    assert refused["related"][0]["prefect.resource.id"] == f"prefect.flow-run.{run_id}"
    assert "What we spent" in artifact["data"]
    assert "Asked: alice." in artifact["data"]


async def test_whoever_approves_later_sees_the_correction_and_can_make_no_other(desk: Office) -> None:
    settings = "timeout: 4h, required: all, editable: [report.text]"
    run_id, running = await desk.start(approved("twice", "alice", "bob", settings=settings))
    await desk.asked(run_id, ALICE, BOB)
    await desk.answer(run_id, code=desk.mail.code_for(ALICE), report_text="Little.")
    await desk.happened(run_id, "voted")
    keys = await paused(run_id)
    schema: Any = await aread_flow_run_input(keys["schema"], flow_run_id=run_id)
    assert schema["properties"]["report_text"]["default"] == "Little."
    await desk.answer(run_id, code=desk.mail.code_for(BOB), report_text="Much.")
    keys = await paused(run_id)
    description = str(await aread_flow_run_input(keys["description"], flow_run_id=run_id))
    assert "report.text cannot be corrected any more" in description
    await desk.answer(run_id, code=desk.mail.code_for(BOB), report_text="Little.")
    done = await (await running).aresult()
    delivered = Path(done.deliveries[0]).read_text()

    assert "Corrected: report.text, by alice." in delivered
    assert "approve by alice, bob" in delivered


async def test_a_run_that_is_set_going_without_an_answer_asks_again(desk: Office) -> None:
    run_id, running = await desk.start(approved("set-running"))
    await desk.asked(run_id, ALICE)
    async with get_client() as client:
        await client.set_flow_run_state(run_id, Running())
    (refused,) = await desk.happened(run_id, "refused")
    await paused(run_id)
    await desk.answer(run_id, code=desk.mail.code_for(ALICE))
    done = await (await running).aresult()

    assert refused.detail == "the run was set going with no decision"
    assert (done.state, await desk.delivered(run_id)) == ("Completed", 1)


async def test_a_code_is_not_left_where_everybody_can_read_it(desk: Office) -> None:
    run_id, running = await desk.start(approved("left"))
    await desk.asked(run_id, ALICE)
    code = desk.mail.code_for(ALICE)
    await desk.answer(run_id, code=code)
    await running
    async with get_client() as client:
        inputs = await client.filter_flow_run_input(run_id, "", 100, set())

    assert inputs
    assert [each.key for each in inputs if code in str(each.value)] == []


async def test_one_channel_whose_block_is_broken_keeps_the_other_and_the_gate_going(desk: Office) -> None:
    async with get_client() as client:
        document = await client.read_block_document_by_name("slack", "service")
        await client.update_block_document(
            document.id, BlockDocumentUpdate(data={"base_url": "no address"}, merge_existing_data=True)
        )
    run_id, running = await desk.start(approved("broken"))
    await desk.asked(run_id, ALICE)
    (undelivered,) = await desk.happened(run_id, "undelivered")
    await desk.answer(run_id, code=desk.mail.code_for(ALICE))

    assert (await (await running).aresult()).state == "Completed"
    assert "service block 'slack' cannot be used; wrong or missing: base_url" in undelivered.detail
    assert "no address" not in undelivered.detail
