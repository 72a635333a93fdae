"""When the next request may be sent: what holds for every limit."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.services.allowance import (
    BACKOFF_SECONDS,
    FIRST_ALONE_SECONDS,
    Allowance,
    NotYet,
    Turn,
    answered,
    given_back,
    is_good,
    next_turn,
)
from blocks.services.limits import Limit, Quota
from tests.blocks.services.simulation import LATEST, NOON, after
from tests.blocks.services.taking import (
    HEARD,
    REFUSED_FOR_30,
    hear,
    learned,
    longest,
    take,
    take_many,
    with_quota,
    with_window,
)


def test_the_first_request_goes_at_once_and_the_others_wait_for_its_answer() -> None:
    allowance, first = take(Allowance())

    again, second = next_turn(allowance, NOON, LATEST)

    assert (first.at, first.number) == (NOON, 1)
    assert again == allowance
    assert second == NotYet(after(0.1), limited=False)


def test_a_first_answer_that_does_not_come_is_not_waited_for_longer_than_five_seconds() -> None:
    allowance, _ = take(Allowance())

    assert isinstance(next_turn(allowance, after(FIRST_ALONE_SECONDS - 0.01), LATEST)[1], NotYet)
    assert isinstance(next_turn(allowance, after(FIRST_ALONE_SECONDS), LATEST)[1], Turn)


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        (REFUSED_FOR_30, 30),
        (Limit(remaining=0, resets_in_seconds=20), 20),
        (Limit(wait_seconds=30, remaining=0, resets_in_seconds=20), 30),
        (Limit(remaining=14, resets_in_seconds=20), BACKOFF_SECONDS[0]),
        (Limit(), BACKOFF_SECONDS[0]),
    ],
)
def test_a_refusal_holds_everybody_until_the_time_that_it_names(limit: Limit, seconds: float) -> None:
    allowance, turn = take(HEARD)

    allowance = hear(allowance, turn, limit, refused=True)

    assert allowance.blocked_until == after(seconds)
    assert take(allowance)[1].at >= after(seconds)


def test_refusals_that_name_no_time_are_waited_out_from_nothing_to_one_two_four_and_eight_seconds() -> None:
    allowance, waits, drawn = HEARD, [], []

    def jitter(most: float) -> float:
        drawn.append(most)
        return most / 2

    now = NOON
    for _ in range(6):
        allowance, turn = next_turn(allowance, now, LATEST)
        assert isinstance(turn, Turn)
        allowance = answered(allowance, turn, Limit(), refused=True, now=turn.at, jitter=jitter)
        waits.append((allowance.blocked_until - turn.at).total_seconds())
        now = allowance.blocked_until

    assert drawn == [1, 2, 4, 8, 8, 8]
    assert waits == [most / 2 for most in drawn]


def test_an_answer_that_is_no_refusal_ends_the_row_of_refusals() -> None:
    allowance, turn = take(HEARD)
    allowance, turn = take(hear(allowance, turn, refused=True), 1)
    assert allowance.refusals == 1

    allowance = hear(allowance, turn, seconds=1)

    assert allowance.refusals == 0


def test_an_answer_to_what_was_sent_before_the_refusal_ends_no_row() -> None:
    allowance, [first, second] = take_many(HEARD, 2)

    allowance = hear(hear(allowance, first, REFUSED_FOR_30, refused=True), second)

    assert (allowance.refusals, allowance.blocked_until) == (1, after(30))


def test_turns_that_were_given_out_before_a_refusal_are_no_longer_good() -> None:
    allowance, [first, second] = take_many(HEARD, 2)
    assert is_good(allowance, second, NOON)

    allowance = hear(allowance, first, Limit(wait_seconds=0.0), refused=True)

    assert not is_good(allowance, second, after(60))


def test_a_turn_from_after_a_refusal_is_good_once_its_time_has_come() -> None:
    allowance, turn = take(HEARD)
    allowance, turn = take(hear(allowance, turn, REFUSED_FOR_30, refused=True), 1)

    assert turn.at == after(30)
    assert not is_good(allowance, turn, after(29.9))
    assert is_good(allowance, turn, after(30))


def test_refusals_of_what_was_under_way_count_as_one() -> None:
    allowance, turns = take_many(HEARD, 10)

    for turn in turns:
        allowance = hear(allowance, turn, REFUSED_FOR_30, refused=True)

    assert (allowance.refusals, allowance.round) == (1, 1)


@pytest.mark.parametrize(("second_wait", "until"), [(40.0, 40), (20.0, 30), (None, 30)])
def test_a_refusal_of_what_was_under_way_can_only_make_the_wait_longer(second_wait: float | None, until: float) -> None:
    allowance, [first, second] = take_many(HEARD, 2)
    allowance = hear(allowance, first, REFUSED_FOR_30, refused=True)

    allowance = hear(allowance, second, Limit(wait_seconds=second_wait), refused=True)

    assert allowance.blocked_until == after(until)


def test_a_refusal_of_what_was_under_way_makes_the_wait_longer_also_by_its_reset() -> None:
    allowance, [first, second] = take_many(HEARD, 2)
    allowance = hear(allowance, first, Limit(remaining=0, resets_in_seconds=20), refused=True)

    allowance = hear(allowance, second, Limit(remaining=0, resets_in_seconds=21), refused=True)

    assert allowance.blocked_until == after(21)


def test_who_cannot_wait_so_long_takes_no_turn_and_learns_until_when() -> None:
    allowance, turn = take(HEARD)
    allowance = hear(allowance, turn, REFUSED_FOR_30, refused=True)

    again, not_yet = next_turn(allowance, after(1), after(29))

    assert again == allowance
    assert not_yet == NotYet(after(30), limited=True)


def test_who_can_wait_just_so_long_takes_a_turn() -> None:
    allowance, turn = take(HEARD)

    _, turn = take(hear(allowance, turn, REFUSED_FOR_30, refused=True), 1, latest=after(30))

    assert turn.at == after(30)


@pytest.mark.parametrize(
    ("allowance", "unwatched"),
    [
        (Allowance(), False),
        (HEARD, True),
        (with_quota(HEARD, Quota(100, 10)), True),
        (with_window(50, 100, 60), False),
        (learned(), False),
        (replace(learned(), refusals=0), True),
        (replace(HEARD, refusals=1), False),
    ],
)
def test_an_answer_that_would_change_nothing_need_not_be_told(allowance: Allowance, unwatched: bool) -> None:
    allowance, turn = take(allowance, 60)

    assert turn.unwatched == unwatched
    if unwatched:
        assert hear(allowance, turn, seconds=61) == allowance


class _Steps:
    """An allowance to which things happen in any order."""

    def __init__(self) -> None:
        self.allowance, self.now, self.turns = Allowance(), NOON, list[Turn]()
        self.given_out = 0

    def take(self) -> None:
        before = self.allowance
        self.allowance, turn = next_turn(before, self.now, LATEST)
        if isinstance(turn, Turn):
            assert turn.at >= max(self.now, before.blocked_until)
            assert turn.number > self.given_out
            self.given_out = turn.number
            self.turns.append(turn)
        else:
            assert self.allowance == before
            assert turn.at > self.now

    def hear(self, at: int, limit: Limit, refused: bool) -> None:
        turn = self.turns.pop(at % len(self.turns))
        self.now = max(self.now, turn.at)
        before = self.allowance
        self.allowance = answered(before, turn, limit, refused=refused, now=self.now, jitter=longest)
        assert self.allowance.blocked_until >= before.blocked_until
        assert self.allowance.pace > 0

    def give_back(self, at: int) -> None:
        self.allowance = given_back(self.allowance, self.turns.pop(at % len(self.turns)))
        assert self.allowance.open >= 0


LIMITS = st.builds(
    Limit,
    wait_seconds=st.none() | st.floats(0, 100),
    remaining=st.none() | st.integers(0, 100),
    allowed=st.none() | st.integers(1, 100),
    resets_in_seconds=st.none() | st.floats(0, 100),
    quota=st.none() | st.builds(Quota, st.integers(1, 100), st.floats(0.1, 100)),
)

STEPS = st.lists(st.tuples(st.floats(0, 20), st.integers(0, 5), st.integers(0, 9), LIMITS), max_size=40)


@given(STEPS)
def test_no_turn_is_given_before_the_time_that_was_named_whatever_happens(
    steps: list[tuple[float, int, int, Limit]],
) -> None:
    state = _Steps()
    for seconds, what, which, limit in steps:
        state.now += timedelta(seconds=seconds)
        if what < 3 or not state.turns:
            state.take()
        elif what == 5:
            state.give_back(which)
        else:
            state.hear(which, limit, refused=what == 4)
