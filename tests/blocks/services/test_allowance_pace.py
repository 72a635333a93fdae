"""Turns one after another: at a quota, at a guess, at a pace that refusals have taught."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.services.allowance import Allowance, Turn, given_back, next_turn, under
from blocks.services.limits import Limit, Quota
from tests.blocks.services.simulation import HAIR_SECONDS, LATEST, NOON, after, seconds_of
from tests.blocks.services.taking import HEARD, REFUSED_FOR_30, hear, learned, take, take_many, with_quota


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
