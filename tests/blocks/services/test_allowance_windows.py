"""Turns of a window, of which answers say how much is left."""

from itertools import pairwise

import pytest

from blocks.services.allowance import Allowance, given_back
from blocks.services.limits import Limit
from tests.blocks.services.simulation import HAIR_SECONDS, NOON, after, seconds_of
from tests.blocks.services.taking import HEARD, REFUSED_FOR_30, hear, take, take_many, with_window


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
