"""A gate waits for a decision, from wherever it comes, and acts on it exactly once."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest
from prefect.flow_runs import aresume_flow_run
from prefect.input.actions import aread_flow_run_input

from flows.result import RunResult
from tests.flows.gated import GATED, Answering, paused
from tests.flows.running import Watching, ledger, new_run, result, run, shop

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture
def source(tmp_path: Path) -> str:
    return shop(tmp_path)


async def deliveries(run_id: UUID) -> int:
    async with ledger() as rows:
        return len(await rows.deliveries(run_id))


async def test_a_decision_that_came_with_the_run_is_taken_without_asking(source: str) -> None:
    listener = Watching()
    done = await result(GATED, {"shop": source}, decisions={"sign-off": "approve"}, listener=listener)

    assert done.state == "Completed"
    assert "asking" not in listener.states("sign-off")
    assert await deliveries(done.run_id) == 1


async def test_a_rejected_gate_delivers_nothing_and_ends_what_hangs_on_it(source: str) -> None:
    done = await result(GATED, {"shop": source}, decisions={"sign-off": "reject"})

    assert done.state == "Rejected"
    assert {name: node.state for name, node in done.nodes.items()} == {
        "spend": "done",
        "report": "done",
        "sign-off": "done",
        "publish": "skipped",
        "also": "skipped",
    }
    assert (done.deliveries, await deliveries(done.run_id)) == ((), 0)


@pytest.mark.parametrize(("decision", "delivered"), [("approve", 1), ("reject", 0)])
async def test_a_run_goes_on_with_what_prefect_s_form_says(source: str, decision: str, delivered: int) -> None:
    run_id = await new_run(GATED)
    running = asyncio.create_task(run(GATED, {"shop": source}, run_id=run_id))
    await paused(run_id)
    await aresume_flow_run(run_id, run_input={"decision": decision, "comment": "fine", "decided_by": "Ben"})
    done: RunResult = await (await running).aresult()

    async with ledger() as rows:
        recorded = await rows.decision(run_id, "sign-off")
    assert (recorded.decision, recorded.comment, recorded.decided_by) == (decision, "fine", "Ben")
    assert await deliveries(run_id) == delivered
    assert done.state == ("Completed" if delivered else "Rejected")


async def test_the_form_says_what_is_to_be_approved_what_is_missing_and_what_it_cost(tmp_path: Path) -> None:
    run_id = await new_run(GATED)
    running = asyncio.create_task(run(GATED, {"shop": str(tmp_path / "gone.db")}, run_id=run_id))
    keys = await paused(run_id)
    description = str(await aread_flow_run_input(keys["description"], flow_run_id=run_id))
    schema = str(await aread_flow_run_input(keys["schema"], flow_run_id=run_id))
    await aresume_flow_run(run_id, run_input={"decision": "reject"})
    await running

    for said in ("gated: sign-off", "What we spent", "**Missing**", "gone.db", "Cost so far: $0", "the-boss"):
        assert said in description
    assert "'enum': ['approve', 'reject']" in schema


async def test_an_answer_that_is_neither_is_refused_and_the_gate_stays_open(source: str) -> None:
    run_id = await new_run(GATED)
    running = asyncio.create_task(run(GATED, {"shop": source}, run_id=run_id))
    await paused(run_id)

    with pytest.raises(RuntimeError, match="'perhaps' is not one of"):
        await aresume_flow_run(run_id, run_input={"decision": "perhaps"})
    await paused(run_id)
    await aresume_flow_run(run_id, run_input={"decision": "approve"})

    assert (await running).is_completed()
    assert await deliveries(run_id) == 1


async def test_a_listener_that_answers_is_the_approver(source: str) -> None:
    listener = Answering(sign_off="approve")
    done = await result(GATED, {"shop": source}, listener=listener)

    async with ledger() as rows:
        recorded = await rows.decision(done.run_id, "sign-off")
    assert (recorded.decision, recorded.decided_by, recorded.via) == ("approve", "Ann", "terminal")
    assert "What we spent" in listener.questions[0].summary
    assert await deliveries(done.run_id) == 1


@pytest.mark.parametrize(
    ("on_timeout", "state", "publish", "also"),
    [
        ("reject", "Rejected", "skipped", "skipped"),
        ("approve", "Completed", "done", "done"),
        # publish also needs the report, so a gate that is skipped does not stop it.
        ("skip", "Completed", "done", "skipped"),
    ],
)
async def test_no_decision_in_time_is_the_decision_that_was_configured(
    source: str, on_timeout: str, state: str, publish: str, also: str
) -> None:
    hurried = GATED.replace("timeout: 30s", f"timeout: 300ms, on_timeout: {on_timeout}")
    done = await result(hurried, {"shop": source})

    assert (done.state, done.nodes["publish"].state, done.nodes["also"].state) == (state, publish, also)
    async with ledger() as rows:
        recorded = await rows.decision(done.run_id, "sign-off")
    assert (recorded.decision, recorded.via) == ("timed_out", "timeout")
    assert await deliveries(done.run_id) == (1 if publish == "done" else 0)


async def test_a_time_that_is_up_before_prefect_has_paused_the_run_is_up_all_the_same(source: str) -> None:
    hurried = GATED.replace("timeout: 30s", "timeout: 1ms, on_timeout: reject")
    done = await result(hurried, {"shop": source})

    async with ledger() as rows:
        recorded = await rows.decision(done.run_id, "sign-off")
    assert (done.state, recorded.decision) == ("Rejected", "timed_out")


async def test_no_decision_in_time_fails_the_run_where_that_is_configured(source: str) -> None:
    hurried = GATED.replace("timeout: 30s", "timeout: 300ms, on_timeout: fail")
    state = await run(hurried, {"shop": source})

    assert state.is_failed()
    assert "nobody decided gate 'sign-off' within 300ms" in (state.message or "")
    assert state.state_details.flow_run_id is not None
    assert await deliveries(state.state_details.flow_run_id) == 0


async def test_two_gates_at_once_are_asked_one_after_the_other(source: str) -> None:
    both = """
        name: two-gates
        nodes:
          - {id: first, kind: approve, approvers: [ann], timeout: 30s}
          - {id: second, kind: approve, approvers: [ben], timeout: 30s}
          - {id: after, kind: query, needs: [first, second], source: shop, sql: SELECT 1 AS one}
    """
    listener = Answering(first="approve", second="approve")
    done = await result(both, {"shop": source}, listener=listener)

    assert sorted(question.node for question in listener.questions) == ["first", "second"]
    assert done.nodes["after"].state == "done"


async def test_a_gate_whose_condition_is_false_asks_nobody(source: str) -> None:
    listener = Watching()
    calm = GATED.replace("approvers: [the-boss]", 'approvers: [the-boss], when: "{{ spend.rows | length > 9 }}"')
    calm = calm.replace("needs: [report], approvers", "needs: [report, spend], approvers")
    done = await result(calm, {"shop": source}, listener=listener)

    assert listener.states("sign-off") == ["waiting", "skipped"]
    assert (done.state, len(done.deliveries)) == ("Completed", 1)


async def test_a_decided_gate_is_not_asked_again_when_the_run_starts_again(source: str) -> None:
    blocked = GATED.replace("documents: gated/report.md", "documents: {folder}/gated/report.md")
    wall = Path(source.removeprefix("sqlite+aiosqlite:///")).parent / "wall"
    wall.write_text("a file where a folder must be")
    blocked = blocked.replace("{folder}", f"file://{wall}")
    first = Answering(sign_off="approve")
    failed = await run(blocked, {"shop": source}, listener=first)
    wall.unlink()
    again = Watching()
    done = await result(blocked, {"shop": source}, run_id=failed.state_details.flow_run_id, listener=again)

    assert failed.is_failed()
    assert len(first.questions) == 1
    assert "asking" not in again.states("sign-off")
    assert (done.state, len(done.deliveries)) == ("Completed", 1)
