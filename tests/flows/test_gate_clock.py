"""By a clock that is moved: reminders, escalation, delegation and each end, where runs are paused and suspended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Failed

from tests.flows.gated import paused
from tests.flows.office import Office, approved, office
from tests.flows.running import ledger, shop

pytestmark = pytest.mark.usefixtures("prefect_api")

ALICE, BOB, CAROL, DORA = (f"{name}@example.com" for name in ("alice", "bob", "carol", "dora"))
HOLDS = ("pause", "suspend")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Office]:
    async with office({"shop": shop(tmp_path)}) as opened:
        yield opened


class Waiting:
    """A run that waits at its gate, with its process or without."""

    def __init__(self, desk: Office, definition: str, hold: str) -> None:
        self._desk, self._definition, self._hold = desk, definition, hold
        self.run_id: UUID
        self._running: asyncio.Task[State[Any]] | None = None

    async def begin(self) -> None:
        if self._hold == "pause":
            self.run_id, self._running = await self._desk.start(self._definition)
            await paused(self.run_id)
        else:
            self.run_id = await self._desk.deploy(self._definition)
            async with asyncio.timeout(60):
                state = await self._desk.run(self._definition, self.run_id)
            assert state.name == "Suspended"

    async def until(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        """Returns once it is so; a suspended run's gate is watched."""
        if self._hold == "suspend":
            await self._desk.watch()
            assert await is_so()
        async with asyncio.timeout(20):
            while not await is_so():
                await asyncio.sleep(0.05)

    async def told(self, email: str, times: int) -> None:
        """Returns once so many mails are with that person, and checks that there are no more."""

        async def arrived() -> bool:
            return len(self._desk.mail.to(email)) >= times

        await self.until(arrived)
        assert len(self._desk.mail.to(email)) == times

    async def is_ended(self, state: State[Any]) -> None:
        """Ends the run in that state, as somebody in Prefect can."""
        async with get_client() as client:
            await client.set_flow_run_state(self.run_id, state, force=True)

    async def state(self) -> State[Any]:
        """The run's state as Prefect has it."""
        async with get_client() as client:
            state = (await client.read_flow_run(self.run_id)).state
        assert state is not None
        return state

    async def form(self) -> str:
        """The gate whose form the run shows."""
        return str((await self.state()).state_details.pause_key).rpartition("-")[0]

    async def end(self) -> State[Any]:
        """The run's final state; a suspended one has been set going, and goes on."""
        if self._running is not None:
            return await self._running
        state = await self.state()
        assert state.is_scheduled(), state
        async with asyncio.timeout(60):
            return await self._desk.run(self._definition, self.run_id)


@pytest.fixture(params=HOLDS)
def hold(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_gate_reminds_escalates_at_two_hours_and_is_decided_by_who_is_above(desk: Office, hold: str) -> None:
    run = Waiting(desk, approved(f"clock-{hold}", settings=f"timeout: 4h, hold: {hold}"), hold)
    await run.begin()
    await run.told(ALICE, 1)
    desk.clock.advance(minutes=59)
    await run.told(ALICE, 1)
    desk.clock.advance(minutes=1)
    await run.told(ALICE, 2)
    assert desk.mail.to(CAROL) == []
    desk.clock.advance(hours=1)
    await run.told(CAROL, 1)
    await run.told(ALICE, 3)
    await desk.answer(run.run_id, code=desk.mail.code_for(CAROL))
    done = await (await run.end()).aresult()

    assert "You are asked above alice." in desk.mail.to(CAROL)[0].get_content()
    assert desk.mail.to(ALICE)[1]["Subject"] == f"Reminder, please decide: clock-{hold}: sign-off"
    assert (done.state, await desk.delivered(run.run_id)) == ("Completed", 1)
    steps = [(event.what, event.person) for event in await desk.events(run.run_id)]
    assert steps[:3] == [("opened", ""), ("asked", "alice"), ("reminded", "alice")]
    assert sorted(steps[3:5]) == [("escalated", "carol"), ("reminded", "alice")]
    assert steps[5:] == [("voted", "carol"), ("decided", "carol")]


async def test_while_an_approver_is_away_the_alternate_is_asked_and_decides(desk: Office, hold: str) -> None:
    now = desk.clock()
    async with ledger() as rows:
        await rows.gates.delegate("alice", "bob", now, now.replace(year=now.year + 1), set_by="alice", set_at=now)
        try:
            run = Waiting(desk, approved(f"away-{hold}", settings=f"timeout: 4h, hold: {hold}"), hold)
            await run.begin()
            await run.told(BOB, 1)
            await desk.answer(run.run_id, code=desk.mail.code_for(BOB))
            done = await (await run.end()).aresult()
        finally:
            await rows.gates.end_delegations("alice", now)

    assert "You are asked in place of alice." in desk.mail.to(BOB)[0].get_content()
    assert desk.mail.to(ALICE) == []
    assert done.state == "Completed"
    assert (await desk.decision(run.run_id)).decided_by == "bob"


@pytest.mark.parametrize(
    ("on_timeout", "state", "delivered"),
    [("reject", "Rejected", 0), ("approve", "Completed", 1), ("skip", "Completed", 1), ("fail", "Failed", 0)],
)
async def test_at_four_hours_a_gate_ends_as_it_says(
    desk: Office, hold: str, on_timeout: str, state: str, delivered: int
) -> None:
    settings = f"timeout: 4h, hold: {hold}, on_timeout: {on_timeout}, remind_every: null, escalate_after: null"
    run = Waiting(desk, approved(f"end-{hold}-{on_timeout}", settings=settings), hold)
    await run.begin()
    await run.told(ALICE, 1)
    desk.clock.advance(hours=4, minutes=-1)

    async def ended() -> bool:
        return (await desk.state(run.run_id)).decision is not None

    if hold == "suspend":
        await desk.watch()
    assert not await ended()
    desk.clock.advance(minutes=1)
    await run.until(ended)
    final = await run.end()

    assert (await desk.decision(run.run_id)).decision == "timed_out"
    assert final.name == state
    assert await desk.delivered(run.run_id) == delivered
    assert len(desk.mail.to(ALICE)) == 1


async def test_a_suspended_run_asks_again_where_an_answer_does_not_count(desk: Office) -> None:
    definition = approved("again", settings="timeout: 4h, remind_every: 3h")
    run = Waiting(desk, definition, "suspend")
    await run.begin()
    await run.told(ALICE, 1)
    await desk.answer(run.run_id, code="wrong")
    assert (await run.end()).name == "Suspended"
    await run.told(ALICE, 2)
    await desk.answer(run.run_id, code=desk.mail.code_for(ALICE))
    done = await (await run.end()).aresult()

    assert [event.what for event in await desk.events(run.run_id)] == [
        "opened", "asked", "refused", "voted", "decided",
    ]  # fmt: skip
    assert (done.state, await desk.delivered(run.run_id)) == ("Completed", 1)


async def test_what_does_not_hang_on_the_gate_is_done_before_the_run_is_suspended(desk: Office) -> None:
    definition = """
        name: beside
        nodes:
          - {id: sign-off, kind: approve, approvers: [alice]}
          - {id: second, kind: approve, approvers: [bob]}
          - {id: slow, kind: query, needs: [spend], source: shop, sql: SELECT COUNT(*) AS n FROM invoices}
          - {id: spend, kind: query, source: shop, sql: SELECT vendor FROM invoices}
          - {id: after, kind: query, needs: [sign-off, second, slow], source: shop, sql: SELECT 1 AS one}
    """
    run = Waiting(desk, definition, "suspend")
    await run.begin()
    await run.told(ALICE, 1)
    await run.told(BOB, 1)
    async with ledger() as rows:
        states = {each.node: each.state for each in await rows.attempts(run.run_id)}
    # Prefect shows one form at a time, and which of the two is first is not said.
    codes = {"sign-off": desk.mail.code_for(ALICE), "second": desk.mail.code_for(BOB)}
    first = await run.form()
    (other,) = codes.keys() - {first}
    for code in (codes[other], "", ""):
        await desk.answer(run.run_id, code=code or codes[await run.form()])
        state = await run.end()
    done = await state.aresult()

    (refused,) = [event for event in await desk.events(run.run_id) if event.what == "refused"]
    assert refused.detail == f"the code is for gate {other!r} of this run, which holdfast approve can answer"
    assert states == {"sign-off": "waiting", "second": "waiting", "slow": "done", "spend": "done"}
    assert done.state == "Completed"
    # Who was asked at the gate hears of the answer that did not count.
    told = {"sign-off": len(desk.mail.to(ALICE)), "second": len(desk.mail.to(BOB))}
    assert told == {first: 2, other: 1}
    async with ledger() as rows:
        tries = [(each.node, each.state) for each in await rows.attempts(run.run_id)]
    assert tries.count(("spend", "done")) == tries.count(("slow", "done")) == 1


async def test_a_gate_whose_run_was_cancelled_is_left_alone(desk: Office) -> None:
    run = Waiting(desk, approved("gone", settings="timeout: 4h"), "suspend")
    await run.begin()
    await run.is_ended(Cancelled())
    desk.clock.advance(hours=1)
    watched = await desk.watch()

    assert watched.abandoned >= 1
    assert [event.what for event in await desk.events(run.run_id)][-1] == "abandoned"
    await run.told(ALICE, 1)


async def test_what_was_approved_is_what_is_delivered_though_a_source_has_come_back(
    desk: Office, tmp_path: Path
) -> None:
    definition = """
        name: approved-gap
        nodes:
          - {id: stock, kind: query, source: store, sql: SELECT vendor FROM invoices, on_failure: degrade, retry: 0}
          - {id: report, kind: reason, purpose: synthesise, needs: [stock], instructions: Stock}
          - {id: sign-off, kind: approve, needs: [report], approvers: [alice]}
          - {id: publish, kind: deliver, needs: [report, sign-off], to: [{documents: approved-gap.md}]}
    """
    desk.sources = {"store": f"sqlite+aiosqlite:///{tmp_path / 'later' / 'shop.db'}"}
    run = Waiting(desk, definition, "suspend")
    await run.begin()
    await run.told(ALICE, 1)
    (tmp_path / "later").mkdir()
    shop(tmp_path / "later")
    await desk.answer(run.run_id, code=desk.mail.code_for(ALICE))
    done = await (await run.end()).aresult()

    assert done.state == "Degraded"
    assert "has no file at" in done.gaps[0].reason
    assert "Able" not in Path(done.deliveries[0]).read_text()
    assert "has no file at" in desk.mail.to(ALICE)[0].get_content()


async def test_a_decision_about_one_text_is_none_about_another(desk: Office) -> None:
    first = approved("changed", settings="timeout: 4h, remind_every: 3h")
    run = Waiting(desk, first, "suspend")
    await run.begin()
    await desk.answer(run.run_id, code=desk.mail.code_for(ALICE))
    other = Waiting(desk, first.replace("What we spent", "What they spent"), "suspend")
    other.run_id = run.run_id
    assert (await other.end()).name == "Suspended"
    assert len(desk.mail.to(ALICE)) == 2
    await desk.answer(run.run_id, "reject", code=desk.mail.code_for(ALICE))
    done = await (await other.end()).aresult()

    assert "What they spent" in desk.mail.to(ALICE)[1].get_content()
    assert (done.state, await desk.delivered(run.run_id)) == ("Rejected", 0)


async def test_a_gate_whose_run_had_ended_is_watched_again_once_the_run_is_back(desk: Office) -> None:
    run = Waiting(desk, approved("back", settings="timeout: 4h, remind_every: null, escalate_after: null"), "suspend")
    await run.begin()
    await run.is_ended(Failed())
    desk.clock.advance(hours=1)
    async with ledger() as rows:
        # Something is due, so that it is looked at.
        await rows.gates.add_event(run.run_id, "sign-off", "refused", "", "for the test", desk.clock())
    await desk.watch()
    assert (await desk.state(run.run_id)).gate.taken_at is not None
    again = approved("back", settings="timeout: 4h, remind_every: null, escalate_after: null")
    assert (await desk.run(again, run.run_id)).name == "Suspended"
    desk.clock.advance(hours=3)
    await desk.watch()

    assert (await desk.decision(run.run_id)).decision == "timed_out"
    assert (await run.end()).name == "Rejected"
