"""When the next request may be sent: each decision."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

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
    under,
)
from blocks.services.limits import Limit, Quota
from tests.blocks.services.simulation import HAIR_SECONDS, LATEST, NOON, after, seconds_of

T = TypeVar("T")

HEARD = Allowance(heard=True)
UNSAID = Limit()
REFUSED_FOR_30 = Limit(wait_seconds=30.0)


def longest(most: float) -> float:
    """A jitter that always draws the longest wait."""
    return most


def take(allowance: Allowance, seconds: float = 0.0, latest: datetime = LATEST) -> tuple[Allowance, Turn]:
    allowance, turn = next_turn(allowance, after(seconds), latest)
    assert isinstance(turn, Turn)
    return allowance, turn


def take_many(allowance: Allowance, number: int, seconds: float = 0.0) -> tuple[Allowance, list[Turn]]:
    turns = []
    for _ in range(number):
        allowance, turn = take(allowance, seconds)
        turns.append(turn)
    return allowance, turns


def hear(
    allowance: Allowance,
    turn: Turn,
    limit: Limit = UNSAID,
    seconds: float = 0.0,
    *,
    refused: bool = False,
    jitter: Callable[[float], float] = longest,
) -> Allowance:
    return answered(allowance, turn, limit, refused=refused, now=after(seconds), jitter=jitter)


def with_quota(allowance: Allowance, quota: Quota) -> Allowance:
    return under(allowance, quota, None)


def with_window(remaining: int, allowed: int, resets_in_seconds: float) -> Allowance:
    """What is known once the first answer, at noon, has said so."""
    allowance, turn = take(Allowance())
    limit = Limit(remaining=remaining, allowed=allowed, resets_in_seconds=resets_in_seconds)
    return hear(allowance, turn, limit)


def test_the_first_request_goes_at_once_and_the_others_wait_for_its_answer() -> None:
    allowance, first = take(Allowance())

    again, second = next_turn(allowance, NOON, LATEST)

    assert (first.at, first.number) == (NOON, 1)
    assert again == allowance
    assert second == NotYet(after(0.1), limited=False)


def test_where_nothing_is_known_of_a_limit_there_are_twice_as_many_requests_each_second() -> None:
    allowance, first = take(Allowance())

    _, turns = take_many(hear(allowance, first, seconds=0.2), 200, 0.2)

    assert [seconds_of(turn.at) for turn in turns[:2]] == pytest.approx([0.2, 0.3], abs=HAIR_SECONDS)
    in_seconds = [sum(second <= seconds_of(turn.at) < second + 1 for turn in turns) for second in range(4)]
    assert in_seconds == [10, 23, 46, 93]


def test_a_pace_that_is_a_guess_begins_anew_after_ten_seconds() -> None:
    allowance, turns = take_many(HEARD, 200)
    last = seconds_of(turns[-1].at)

    assert take(allowance, last + 9.9)[0].pace > 100
    assert take(allowance, last + 10.1)[0].pace == 10


def test_a_pace_that_holds_nothing_back_does_not_grow() -> None:
    allowance = HEARD
    for second in range(0, 3600, 5):
        allowance, _ = take(allowance, second)

    assert allowance.pace == 10


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


def test_requests_go_at_once_until_a_tenth_of_the_window_is_left() -> None:
    allowance, turns = take_many(with_window(100, 100, 60), 100)

    assert {turn.at for turn in turns[:90]} == {NOON}
    assert all(earlier.at < later.at for earlier, later in pairwise(turns[89:]))
    assert all(turn.at < after(60) for turn in turns)
    assert allowance.left == 0


def test_the_last_tenth_is_spread_evenly_over_the_time_to_the_reset() -> None:
    _, turns = take_many(with_window(4, 100, 10), 4)

    assert [seconds_of(turn.at) for turn in turns] == pytest.approx([2, 4, 6, 8], abs=HAIR_SECONDS)


def test_where_nothing_is_left_the_next_one_goes_at_the_reset() -> None:
    allowance, [turn] = take_many(with_window(0, 100, 60), 1)

    assert turn.at == after(60)
    assert allowance.window_from == 1


def test_the_next_window_is_as_large_and_is_given_out_at_its_beginning() -> None:
    _, turns = take_many(with_window(0, 100, 60), 100)

    assert {turn.at for turn in turns} == {after(60)}


def test_a_window_whose_end_is_not_known_is_not_given_out_twice() -> None:
    allowance, _ = take_many(with_window(0, 100, 60), 100)

    assert take(allowance)[1].at > after(60)


def test_a_window_that_has_ended_is_whole_again() -> None:
    _, turns = take_many(with_window(0, 100, 60), 90, 70)

    assert {turn.at for turn in turns} == {after(70)}


def test_an_answer_while_others_are_under_way_only_lowers_what_is_left() -> None:
    allowance, turns = take_many(with_window(50, 100, 60), 3)
    assert allowance.left == 47

    higher = hear(allowance, turns[0], Limit(remaining=49, allowed=100, resets_in_seconds=60))
    lower = hear(allowance, turns[0], Limit(remaining=20, allowed=100, resets_in_seconds=60))

    assert (higher.left, lower.left) == (47, 20)


def test_an_answer_while_nothing_is_under_way_says_exactly_what_is_left() -> None:
    allowance, turn = take(with_window(20, 100, 60))

    allowance = hear(allowance, turn, Limit(remaining=60, allowed=100, resets_in_seconds=60))

    assert (allowance.left, allowance.open) == (60, 0)


def test_of_resets_that_are_rounded_the_earliest_is_kept() -> None:
    allowance, turn = take(with_window(50, 100, 30))

    later = hear(allowance, turn, Limit(remaining=49, allowed=100, resets_in_seconds=31), 0.05)
    earlier = hear(allowance, turn, Limit(remaining=49, allowed=100, resets_in_seconds=29), 0.05)

    assert (later.ends_at, earlier.ends_at) == (after(30), after(29.05))


def test_a_window_that_is_another_ends_when_it_says() -> None:
    allowance, turn = take(with_window(50, 100, 30), 29)

    allowance = hear(allowance, turn, Limit(remaining=99, allowed=100, resets_in_seconds=60), 31)

    assert (allowance.left, allowance.ends_at) == (99, after(91))


def test_an_answer_of_an_earlier_window_says_nothing_of_this_one() -> None:
    allowance, [old] = take_many(with_window(50, 100, 10), 1)
    allowance, _ = take(allowance, 11)
    left, ends_at = allowance.left, allowance.ends_at

    allowance = hear(allowance, old, Limit(remaining=3, allowed=100, resets_in_seconds=1), 11.1)

    assert (allowance.left, allowance.ends_at) == (left, ends_at)


def test_how_large_a_window_is_may_not_be_said() -> None:
    allowance, turn = take(Allowance())

    allowance = hear(allowance, turn, Limit(remaining=59, resets_in_seconds=60))

    assert allowance.window == 60


@pytest.mark.parametrize("limit", [Limit(remaining=5), Limit(remaining=5, resets_in_seconds=0), Limit(allowed=5)])
def test_without_an_end_there_is_no_window(limit: Limit) -> None:
    allowance, turn = take(Allowance())

    assert hear(allowance, turn, limit).left is None


def test_a_window_of_which_answers_say_nothing_more_holds_nobody_back() -> None:
    allowance, turn = take(HEARD)
    allowance = hear(allowance, turn, Limit(remaining=2, allowed=3, resets_in_seconds=10), refused=True)
    allowance, turn = take(allowance, 11)

    allowance = hear(allowance, turn, seconds=11.1)
    _, turns = take_many(allowance, 20, 11.1)

    assert allowance.left is None
    assert seconds_of(turns[-1].at) < 13


def test_a_refusal_in_a_window_leaves_nothing_of_it_until_the_time_named() -> None:
    allowance, turn = take(with_window(50, 100, 60))

    allowance = hear(allowance, turn, Limit(wait_seconds=20), refused=True)

    assert (allowance.left, allowance.ends_at) == (0, after(20))
    assert take(allowance)[1].at == after(20)


def test_a_turn_that_is_not_used_can_be_had_by_another() -> None:
    allowance, turn = take(with_window(50, 100, 60))

    returned = given_back(allowance, turn)

    assert (returned.left, returned.open) == (50, 0)


def test_a_turn_that_a_refusal_has_ended_gives_nothing_back() -> None:
    allowance, [first, second] = take_many(with_window(50, 100, 60), 2)
    allowance = hear(allowance, first, REFUSED_FOR_30, refused=True)

    returned = given_back(allowance, second)

    assert (returned.left, returned.open) == (0, 0)


def test_a_turn_of_an_earlier_window_gives_nothing_back() -> None:
    allowance, old = take(with_window(50, 100, 10))
    allowance, _ = take(allowance, 11)

    returned = given_back(allowance, old)

    assert (returned.left, returned.open) == (allowance.left, allowance.open)


def test_a_turn_without_a_window_gives_no_window_back() -> None:
    allowance, turn = take(HEARD)

    assert given_back(allowance, turn).left is None


def test_a_quota_lets_a_twentieth_go_at_once_and_the_others_one_by_one() -> None:
    _, turns = take_many(with_quota(HEARD, Quota(100, 10)), 8)

    assert [seconds_of(turn.at) for turn in turns[:5]] == [0] * 5
    gaps = [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(turns[4:])]
    assert gaps == pytest.approx([10 / 95] * 3, abs=HAIR_SECONDS)


@given(
    st.builds(Quota, st.integers(1, 50), st.sampled_from([0.5, 1.0, 10.0, 60.0])),
    st.lists(st.floats(0, 20), max_size=80),
)
def test_no_span_has_more_of_a_quota_than_it_allows(quota: Quota, pauses: list[float]) -> None:
    allowance, now, sent = with_quota(HEARD, quota), NOON, []
    for pause in pauses:
        now += timedelta(seconds=pause * quota.per_seconds / quota.requests)
        allowance, turn = next_turn(allowance, now, LATEST)
        assert isinstance(turn, Turn)
        now = max(now, turn.at)
        sent.append(turn.at)

    # A hair less than the span: datetimes are rounded to microseconds.
    span = timedelta(seconds=quota.per_seconds) * 0.999
    assert all(later - earlier >= span for earlier, later in zip(sent, sent[quota.requests :], strict=False))


def test_the_same_quota_again_changes_nothing_and_another_one_counts_from_now_on() -> None:
    allowance, _ = take_many(with_quota(HEARD, Quota(100, 10)), 20)

    assert with_quota(allowance, Quota(100, 10)) is allowance
    assert with_quota(allowance, Quota(200, 10)) == replace(allowance, pace=19.0, at_once=10)


def test_an_answer_that_names_a_quota_is_kept_to() -> None:
    allowance, turn = take(Allowance())

    allowance = hear(allowance, turn, Limit(quota=Quota(190, 10)))

    assert (allowance.pace, allowance.paced) == (18.1, "told")


def test_a_quota_is_not_unlearned_by_refusals() -> None:
    allowance, turns = take_many(with_quota(HEARD, Quota(100, 10)), 20)

    allowance = hear(allowance, turns[-1], REFUSED_FOR_30, 5, refused=True)

    assert (allowance.pace, allowance.paced) == (9.5, "set")
    assert take(allowance, 5)[1].at >= after(35)


def learned(requests: int = 101, wait: float = 3.0) -> Allowance:
    """After so many requests from noon on, the last of which was refused at its time, and told to wait."""
    allowance, turns = take_many(HEARD, requests)
    return hear(allowance, turns[-1], Limit(wait_seconds=wait), seconds_of(turns[-1].at), refused=True)


def test_a_refusal_teaches_the_pace_at_which_requests_were_taken() -> None:
    allowance = learned(requests=101, wait=3)
    until = seconds_of(allowance.blocked_until)

    _, turns = take_many(allowance, 3, until)

    assert allowance.paced == "learned"
    assert allowance.pace == pytest.approx(100 / until)
    assert [seconds_of(turn.at) for turn in turns[:2]] == pytest.approx(
        [until, until + 1 / allowance.pace], abs=HAIR_SECONDS
    )


def test_turns_that_were_given_out_and_not_sent_count_for_no_pace() -> None:
    allowance, turns = take_many(HEARD, 200)
    refused = turns[100]

    allowance = hear(allowance, refused, Limit(wait_seconds=3.0), seconds_of(refused.at), refused=True)

    assert allowance.pace == pytest.approx(100 / seconds_of(allowance.blocked_until))


@pytest.mark.parametrize("pause", [5, 3000])
def test_time_in_which_nothing_was_to_be_sent_counts_for_no_pace(pause: float) -> None:
    """Of the pause, only what is within ten seconds counts, and of that only the time until the next one was due."""
    allowance, before = take_many(HEARD, 20)
    allowance, turns = take_many(allowance, 101, seconds_of(before[-1].at) + pause)
    in_use = seconds_of(turns[-1].at) - seconds_of(turns[0].at)
    if pause < 10:
        in_use += seconds_of(before[-1].at)

    allowance = hear(allowance, turns[-1], Limit(wait_seconds=3.0), seconds_of(turns[-1].at), refused=True)

    assert allowance.pace == pytest.approx((120 if pause < 10 else 100) / (in_use + 3), rel=0.02)


def test_after_slow_use_a_burst_that_is_refused_teaches_its_own_pace() -> None:
    allowance = HEARD
    for second in range(0, 3600, 5):
        allowance, _ = take(allowance, second)
    allowance, turns = take_many(allowance, 60, 3600)

    allowance = hear(allowance, turns[-1], Limit(wait_seconds=1.0), seconds_of(turns[-1].at), refused=True)

    assert allowance.pace > 8


def test_that_a_day_s_quota_is_used_up_teaches_no_pace() -> None:
    allowance = learned(requests=3, wait=43_200.0)

    _, turns = take_many(allowance, 3, 43_300)

    assert [seconds_of(turn.at) for turn in turns] == pytest.approx([43_300, 43_300.1, 43_300.2], abs=0.01)


def test_a_refusal_of_the_very_first_request_teaches_no_pace() -> None:
    allowance = learned(requests=1)

    assert (allowance.paced, allowance.pace) == ("guessed", 10)


def test_a_pace_that_was_learned_grows_by_two_in_a_hundred_each_second_in_which_it_is_used() -> None:
    allowance = learned()
    until = seconds_of(allowance.blocked_until)

    again, turns = take_many(allowance, 50, until)

    seconds = seconds_of(turns[-1].at) - until
    assert allowance.paced == again.paced == "learned"
    assert again.pace == pytest.approx(allowance.pace * 1.02**seconds, rel=0.02)


def told() -> Allowance:
    allowance, turn = take(Allowance())
    return hear(allowance, turn, Limit(quota=Quota(100, 10)))


@pytest.mark.parametrize("known", [learned(), told()], ids=["learned", "told"])
def test_a_pace_that_was_learned_or_told_is_kept_for_an_hour(known: Allowance) -> None:
    last = seconds_of(max(known.blocked_until, known.sent_at))

    assert take(known, last + 3599)[0].pace == known.pace
    assert take(known, last + 3601)[0].pace == 10


def test_a_slow_pace_that_is_forgotten_holds_nobody_back() -> None:
    slow = replace(learned(), pace=1 / 7200)
    slow, _ = take(slow, 100)

    assert take(slow, 100 + 3700)[1].at == after(100 + 3700)


def test_a_pace_that_was_learned_is_slowed_by_a_third_at_most() -> None:
    allowance, turns = take_many(learned(), 2, 20)

    slower = hear(allowance, turns[-1], Limit(wait_seconds=4.0), 20.5, refused=True)

    assert slower.pace == pytest.approx(allowance.pace / 1.5)


def test_turns_that_are_given_back_hold_nobody_up() -> None:
    allowance, turns = take_many(learned(), 200, 20)
    for turn in turns[1:]:
        allowance = given_back(allowance, turn)

    assert seconds_of(take(allowance, 20)[1].at) == pytest.approx(20, abs=2)


def test_answers_that_need_not_be_told_take_nothing_from_a_window_that_is_known_later() -> None:
    allowance, turns = take_many(HEARD, 50)
    assert {turn.unwatched for turn in turns} == {True}

    allowance = hear(allowance, turns[-1], Limit(remaining=40, allowed=100, resets_in_seconds=60), 50)

    assert allowance.left == 40


def test_a_quota_of_the_block_that_is_taken_away_holds_no_longer() -> None:
    allowance, _ = take_many(under(HEARD, Quota(5, 60), None), 5)

    assert under(allowance, None, None).pace == 10
    assert under(allowance, None, Quota(100, 10)).pace == 9.5


def test_what_an_answer_tells_goes_before_the_preset_and_the_block_before_both() -> None:
    known = told()

    assert under(known, None, Quota(50, 10)) == known
    assert under(known, Quota(50, 10), None).pace == 4.8


def test_a_quota_that_is_told_later_replaces_what_was_learned() -> None:
    allowance, turn = take(learned(), 20)

    allowance = hear(allowance, turn, Limit(quota=Quota(100, 10)), 20)

    assert (allowance.pace, allowance.paced) == (9.5, "told")


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
