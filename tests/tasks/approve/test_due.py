"""What is due at a gate, by the clock: a pure function, so whole days pass in no time."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from blocks.channels.sending import Channels
from blocks.ledger import GateState
from blocks.people.person import WorkingHours
from blocks.people.roster import Delegation
from tasks.approve.due import Due, again_at, due
from tests.blocks.people.directories import person
from tests.tasks.approve.states import HOUR, NINE, ask, notice, people, state, vote

MINUTE = timedelta(minutes=1)


def asked(wanted: Due) -> list[tuple[str, str, str]]:
    return [(ask.person, ask.how, ask.because_of) for ask in wanted.asks]


def told(wanted: Due) -> list[tuple[str, str]]:
    return [(notice.person, notice.occasion) for notice in wanted.notices]


def after(state: GateState, wanted: Due) -> GateState:
    """The gate once what was due is done, and arrived."""
    arrived = tuple(replace(each, state="sent") for each in wanted.notices)
    return replace(state.with_asks(wanted.asks), notices=(*state.notices, *arrived))


def test_a_gate_that_was_just_opened_asks_its_approvers_on_all_their_channels() -> None:
    opened = state(people=("alice", "bob"))
    wanted = due(opened, people(), NINE)

    assert asked(wanted) == [("alice", "asked", ""), ("bob", "asked", "")]
    assert told(wanted) == [("alice", "asked"), ("bob", "asked")]
    assert not due(after(opened, wanted), people(), NINE)


@pytest.mark.parametrize(
    ("passed", "what"),
    [
        (59 * MINUTE, []),
        (60 * MINUTE, [("alice", "reminder-1")]),
        (119 * MINUTE, [("alice", "reminder-1")]),
        # Also those above are asked: carol is above alice.
        (120 * MINUTE, [("alice", "reminder-2"), ("carol", "asked")]),
    ],
)
def test_reminders_come_every_hour_and_an_escalation_after_two(passed: timedelta, what: list[tuple[str, str]]) -> None:
    assert told(due(state("alice"), people(), NINE + passed)) == what


def test_a_reminder_that_was_sent_is_not_due_again_until_the_next_one() -> None:
    reminded = state("alice")
    reminded = replace(reminded, notices=(*reminded.notices, notice("alice", "reminder-1")))

    assert told(due(reminded, people(), NINE + 90 * MINUTE)) == []
    assert told(due(reminded, people(), NINE + 120 * MINUTE))[0] == ("alice", "reminder-2")


def test_escalation_goes_up_level_by_level_and_ends_at_the_top() -> None:
    waiting = state("alice", remind_every=None, escalate_after=HOUR)

    assert asked(due(waiting, people(), NINE + HOUR)) == [("carol", "escalated", "alice")]
    levels = [("carol", "escalated", "alice"), ("dora", "escalated", "carol")]
    assert asked(due(waiting, people(), NINE + 2 * HOUR)) == levels
    assert asked(due(waiting, people(), NINE + 3 * HOUR)) == levels
    assert not due(replace(waiting, gate=replace(waiting.gate, terms={**waiting.gate.terms, "escalate_after": None})),
                   people(), NINE + 3 * HOUR)  # fmt: skip


def test_who_stands_in_is_asked_in_place_of_who_is_away() -> None:
    away = [Delegation("alice", "bob", NINE - HOUR, NINE + 24 * HOUR), Delegation("carol", "dora", NINE, NINE + HOUR)]
    wanted = due(state(people=("alice",)), people(delegations=away), NINE)

    assert asked(wanted) == [("bob", "delegated", "alice")]
    assert told(wanted) == [("bob", "asked")]


def test_a_delegation_that_begins_while_the_gate_is_open_asks_the_alternate_too() -> None:
    away = [Delegation("alice", "bob", NINE + HOUR, NINE + 24 * HOUR)]
    waiting = state("alice", remind_every=None)

    assert asked(due(waiting, people(delegations=away), NINE + 59 * MINUTE)) == []
    assert asked(due(waiting, people(delegations=away), NINE + 60 * MINUTE)) == [("bob", "delegated", "alice")]


def test_whoever_stands_in_for_a_manager_is_asked_in_an_escalation() -> None:
    away = [Delegation("carol", "bob", NINE, NINE + 24 * HOUR)]
    wanted = due(state("alice", remind_every=None), people(delegations=away), NINE + 2 * HOUR)

    assert asked(wanted) == [("bob", "delegated", "carol")]


def test_somebody_without_a_channel_is_escalated_at_once() -> None:
    alone = people(person("alice", email="", manager="carol"), person("carol"))
    wanted = due(state(people=("alice",)), alone, NINE)

    assert asked(wanted) == [("alice", "asked", ""), ("carol", "escalated", "alice")]
    assert told(wanted) == [("carol", "asked")]


def test_who_stands_in_and_has_no_channel_is_escalated_to_the_manager_of_who_is_away() -> None:
    away = [Delegation("alice", "bob", NINE, NINE + HOUR)]
    persons = [person("alice", manager="carol"), person("bob", email=""), person("carol")]
    wanted = due(state(people=("alice",)), people(*persons, delegations=away), NINE)

    assert asked(wanted) == [("bob", "delegated", "alice"), ("carol", "escalated", "bob")]
    assert told(wanted) == [("carol", "asked")]


def test_everybody_without_a_channel_is_asked_and_nobody_told() -> None:
    wanted = due(state(people=("alice",)), people(channels=Channels()), NINE)

    assert asked(wanted) == [("alice", "asked", ""), ("carol", "escalated", "alice"), ("dora", "escalated", "carol")]
    assert told(wanted) == []


@pytest.mark.parametrize(
    ("failed", "up"),
    [
        ({"again_at": None}, True),
        ({"again_at": NINE + HOUR, "tries": 2}, False),
        ({"again_at": NINE + HOUR, "tries": 3}, True),
    ],
)
def test_a_channel_that_refuses_or_fails_for_long_escalates_at_once(failed: dict[str, Any], up: bool) -> None:
    waiting = replace(state("alice"), notices=(notice("alice", state="failed", **failed),))
    wanted = due(waiting, people(), NINE + MINUTE)

    assert asked(wanted) == ([("carol", "escalated", "alice")] if up else [])


def test_a_message_that_could_not_be_sent_is_sent_again_when_its_time_has_come() -> None:
    failed = notice("alice", state="failed", again_at=NINE + MINUTE, error="down")
    waiting = replace(state("alice"), notices=(failed,))
    wanted = due(waiting, people(), NINE + MINUTE)

    assert not due(waiting, people(), NINE + 59 * timedelta(seconds=1))
    assert [(each.tries, each.state) for each in wanted.notices] == [(2, "sending")]
    assert not due(
        replace(waiting, notices=(replace(failed, again_at=None, state="sending"),)), people(), NINE + MINUTE
    )


def test_tries_are_further_and_further_apart_and_as_the_channel_asks() -> None:
    waits = [again_at(notice("alice", tries=tries), NINE) - NINE for tries in (1, 2, 3, 9)]

    assert waits == [timedelta(seconds=seconds) for seconds in (30, 60, 120, 600)]
    assert again_at(notice("alice", tries=1), NINE, HOUR) == NINE + HOUR


@pytest.mark.parametrize(
    ("now", "what"),
    [
        # Opened at nine, eight in the morning in New York is 13:00 UTC.
        (NINE + 2 * HOUR, []),
        (NINE + 4 * HOUR - MINUTE, []),
        (NINE + 4 * HOUR, [("alice", "reminder-4")]),
    ],
)
def test_working_hours_hold_reminders_back_and_let_one_out_for_all(now: datetime, what: list[tuple[str, str]]) -> None:
    hours = WorkingHours.model_validate({"from": "08:00", "until": "16:00"})
    alice = person("alice", time_zone="America/New_York", working=hours)
    waiting = state("alice", escalate_after=None)
    waiting = replace(waiting, gate=replace(waiting.gate, closes_at=NINE + 40 * HOUR))

    assert told(due(waiting, people(alice), now)) == what


def test_a_day_off_holds_a_reminder_back_and_never_an_escalation_or_a_timeout() -> None:
    off = [person("alice", manager="carol", days_off=(date(2026, 11, 25),)), person("carol")]

    assert told(due(state("alice"), people(*off), NINE + HOUR)) == []
    assert told(due(state("alice"), people(*off), NINE + 2 * HOUR)) == [("carol", "asked")]
    assert due(state("alice"), people(*off), NINE + 4 * HOUR) == Due(time_is_up=True)


def test_whoever_has_answered_is_told_no_more_and_their_place_is_not_escalated() -> None:
    half = replace(state("alice", "bob", required="all"), votes=(vote("alice"),))
    wanted = due(half, people(), NINE + 2 * HOUR)

    assert told(wanted) == [("bob", "reminder-2"), ("carol", "asked")]
    assert [each.slot for each in wanted.asks] == ["bob"]


def test_those_who_were_asked_are_told_of_the_first_answers_that_did_not_count() -> None:
    wanted = due(replace(state("alice"), refusals=5), people(), NINE + MINUTE)

    assert told(wanted) == [("alice", "refused-1"), ("alice", "refused-2"), ("alice", "refused-3")]


def test_nothing_is_due_where_it_is_decided_and_only_the_end_where_the_time_is_up() -> None:
    from blocks.ledger import DecisionRow

    decision = DecisionRow(
        id=1, run_id=state().gate.run_id, node="sign-off", decision="approve", comment="", decided_by="alice",
        via="test", at=NINE, edits={},
    )  # fmt: skip

    assert due(replace(state("alice"), decision=decision), people(), NINE + 9 * HOUR) == Due()
    assert due(state("alice"), people(), NINE + 4 * HOUR) == Due(time_is_up=True)


def test_somebody_who_has_left_is_not_told_and_nobody_breaks() -> None:
    left = people(person("bob"))

    assert not due(replace(state("alice"), asks=(ask("alice"),)), left, NINE + HOUR)


def test_where_one_stands_in_for_two_those_above_are_asked_until_enough_are() -> None:
    away = [Delegation("alice", "bob", NINE, NINE + HOUR)]
    wanted = due(state(people=("alice", "bob"), required=2), people(delegations=away), NINE)

    assert {name for name, _, _ in asked(wanted)} == {"bob", "carol"}


def test_a_delegation_is_not_confirmed_by_who_stands_in_already() -> None:
    away = [Delegation("alice", "bob", NINE, NINE + HOUR)]
    wanted = due(state(people=("alice",), delegable=False), people(delegations=away), NINE)

    assert asked(wanted) == [("alice", "asked", "")]
