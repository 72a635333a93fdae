"""The ledger's book of gates, in both databases: each step is one worker's, and what is decided is decided once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from blocks.ledger import AskRow, GateRow, GateState, Ledger, NoticeRow, VoteRow
from tests.blocks.ledger_rows import NOON, start

HOUR = timedelta(hours=1)


async def new_gate(ledger: Ledger, name: str = "sign-off") -> GateRow:
    gate = GateRow(
        run_id=(await start(ledger)).run_id,
        gate=name,
        node=name,
        workflow="scorecard",
        title="scorecard: sign-off",
        summary="# What we spent",
        terms={"approvers": ["alice"]},
        key_fingerprint="abc",
        opened_at=NOON,
        closes_at=NOON + 4 * HOUR,
    )
    opened, new = await ledger.gates.open(gate)
    assert new
    return opened.gate


def ask(person: str, how: Literal["asked", "delegated", "escalated"] = "asked", because_of: str = "") -> AskRow:
    return AskRow(slot="alice", person=person, how=how, because_of=because_of, at=NOON)


def notice(person: str = "alice", occasion: str = "asked") -> NoticeRow:
    return NoticeRow(person=person, channel="email", occasion=occasion, state="sending", tries=1, tried_at=NOON)


def vote(person: str, decision: Literal["approve", "reject"] = "approve", answer: str = "") -> VoteRow:
    at = NOON + HOUR
    return VoteRow(person=person, decision=decision, comment="why", edits={}, via="test", answer=answer, at=at)


def first(state: GateState) -> Literal["approve", "reject"] | None:
    return state.votes[0].decision


@pytest.fixture
async def two(a_ledger_url: str) -> AsyncIterator[tuple[Ledger, Ledger]]:
    async with Ledger.open(a_ledger_url) as one, Ledger.open(a_ledger_url) as other:
        yield one, other


async def test_a_gate_that_is_opened_again_is_as_it_was(ledger: Ledger) -> None:
    gate = await new_gate(ledger)
    await ledger.gates.ask(gate, [ask("alice")])
    later = replace(gate, opened_at=NOON + HOUR, closes_at=NOON + 5 * HOUR, summary="other")
    again, new = await ledger.gates.open(later)

    assert (again.gate, new) == (gate, False)
    assert again.asked() == ("alice",)
    assert [event.what for event in await ledger.gates.events(gate.run_id)] == ["opened", "asked"]


async def test_everybody_is_asked_once_whoever_asks(two: tuple[Ledger, Ledger]) -> None:
    gate = await new_gate(two[0])
    people = [ask("alice"), ask("bob", "delegated", "alice"), ask("carol", "escalated", "bob")]
    asked = await asyncio.gather(*(each.gates.ask(gate, people) for each in two for _ in range(4)))

    assert sorted(each.person for new in asked for each in new) == ["alice", "bob", "carol"]
    events = [(event.what, event.person, event.detail) for event in await two[0].gates.events(gate.run_id)][1:]
    assert events == [("asked", "alice", ""), ("delegated", "bob", "in place of alice"),
                      ("escalated", "carol", "above bob")]  # fmt: skip


async def test_a_notice_is_one_worker_s_to_send_and_again_once_it_failed(two: tuple[Ledger, Ledger]) -> None:
    gate = await new_gate(two[0])
    claimed = await asyncio.gather(*(each.gates.claim(gate, [notice()]) for each in two for _ in range(4)))
    mine = [each for notices in claimed for each in notices]
    assert len(mine) == 1
    await two[0].gates.told([replace(mine[0], state="failed", error="refused", again_at=NOON + HOUR)])
    state = await two[1].gates.state(gate.run_id, gate.gate)
    assert state is not None
    assert [(each.state, each.error, each.again_at) for each in state.notices] == [("failed", "refused", NOON + HOUR)]
    retry = replace(state.notices[0], state="sending", tries=2, tried_at=NOON + HOUR)
    again = await asyncio.gather(*(each.gates.claim(gate, [retry]) for each in two for _ in range(4)))

    assert [each.id for notices in again for each in notices] == [mine[0].id]
    await two[0].gates.told([replace(retry, state="sent")])
    assert await two[1].gates.claim(gate, [replace(retry, tries=3)]) == ()


async def test_the_first_of_many_decisions_stands_and_each_of_the_others_is_told(two: tuple[Ledger, Ledger]) -> None:
    gate = await new_gate(two[0])
    votes = [(two[0], vote(f"p{number}")) for number in range(5)]
    votes += [(two[1], vote(f"q{number}", "reject")) for number in range(5)]
    ended = await asyncio.gather(*(ledger.gates.vote(gate, each, first) for ledger, each in votes))
    decision = await two[0].decision(gate.run_id, gate.gate)

    assert decision is not None
    assert [counted for _, counted in ended].count(True) == 1
    assert [state.decision for state, _ in ended] == [decision] * 10
    assert await two[0].decision(gate.run_id, "other") is None


async def test_an_answer_that_is_read_twice_counts_and_another_one_of_the_same_person_does_not(ledger: Ledger) -> None:
    gate = await new_gate(ledger)

    def never(state: GateState) -> None:
        return None

    assert (await ledger.gates.vote(gate, vote("alice", answer="pause-1"), never))[1]
    assert (await ledger.gates.vote(gate, vote("alice", answer="pause-1"), never))[1]
    state, counted = await ledger.gates.vote(gate, vote("alice", "reject", answer="pause-2"), never)
    assert not counted
    assert [each.decision for each in state.votes] == ["approve"]
    assert not (await ledger.gates.vote(gate, vote("alice"), never))[1]


async def test_an_answer_after_the_time_is_up_does_not_count(ledger: Ledger) -> None:
    gate = await new_gate(ledger)
    late = replace(vote("alice"), at=gate.closes_at)

    state, counted = await ledger.gates.vote(gate, late, first)
    assert (state.decision, counted) == (None, False)
    timed_out = (await ledger.gates.time_out(gate, "reject", gate.closes_at)).decision
    assert timed_out is not None
    assert (timed_out.decision, timed_out.comment) == ("timed_out", "on_timeout: reject")
    state, counted = await ledger.gates.vote(gate, vote("alice"), first)
    assert (state.decision, counted) == (timed_out, False)
    assert (await ledger.gates.time_out(gate, "approve", gate.closes_at)).decision == timed_out


async def test_agreement_of_several_is_one_decision_with_all_that_they_said(ledger: Ledger) -> None:
    gate = await new_gate(ledger)

    def both(state: GateState) -> Literal["approve"] | None:
        return "approve" if len(state.votes) == 2 else None

    await ledger.gates.vote(gate, replace(vote("alice"), edits={"risk.label": "low"}), both)
    assert await ledger.decision(gate.run_id, gate.gate) is None
    await ledger.gates.vote(gate, replace(vote("bob"), comment="", edits={"terms.days": 3}), both)
    decision = await ledger.decision(gate.run_id, gate.gate)

    assert decision is not None
    assert (decision.decision, decision.decided_by, decision.comment) == ("approve", "alice, bob", "why")
    assert decision.edits == {
        "risk.label": {"now": "low", "by": "alice"},
        "terms.days": {"now": 3, "by": "bob"},
    }


async def test_gates_wait_until_they_are_taken_and_come_with_what_happened_at_them(ledger: Ledger) -> None:
    gates = [await new_gate(ledger) for _ in range(3)]
    await ledger.gates.ask(gates[1], [ask("alice"), ask("bob", "delegated", "alice")])
    await ledger.gates.claim(gates[1], [notice(), notice(occasion="reminder-1")])
    await ledger.gates.add_event(gates[1].run_id, "sign-off", "refused", "", "no code", NOON)
    await ledger.gates.vote(gates[2], vote("alice"), first)
    await ledger.gates.taken(gates[0].run_id, gates[0].gate, NOON)
    waiting = await ledger.gates.waiting()

    assert [state.gate for state in waiting] == gates[1:]
    assert (waiting[0].asked(), len(waiting[0].notices), waiting[0].refusals) == (("alice", "bob"), 2, 1)
    assert (waiting[0].decision, waiting[1].decision is not None) == (None, True)
    assert [state.gate for state in await ledger.gates.of_run(gates[2].run_id)] == [gates[2]]
    assert await ledger.gates.state(gates[2].run_id, "other") is None


async def test_delegations_are_kept_until_they_are_over(ledger: Ledger) -> None:
    day = timedelta(days=1)
    await ledger.gates.delegate("alice", "bob", NOON, NOON + day, set_by="alice", set_at=NOON)
    await ledger.gates.delegate("alice", "carol", NOON + day, NOON + 3 * day, set_by="alice", set_at=NOON)
    await ledger.gates.delegate("dora", "bob", NOON, NOON + day, set_by="root", set_at=NOON)

    assert [each.alternate for each in await ledger.gates.delegations(NOON)] == ["bob", "carol", "bob"]
    assert [each.alternate for each in await ledger.gates.delegations(NOON + 2 * day)] == ["carol"]
    assert await ledger.gates.end_delegations("alice", NOON + HOUR) == 2
    kept = await ledger.gates.delegations(NOON + HOUR)
    assert [(each.person, each.set_by) for each in kept] == [("dora", "root")]
    assert await ledger.gates.end_delegations("alice", NOON + HOUR) == 0
