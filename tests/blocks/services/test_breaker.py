"""When a service that fails is left alone, and when it is asked again."""

from datetime import UTC, datetime, timedelta

import pytest

from blocks.services.breaker import Breaker, Pass, Rejected, asked, failed, gave_up, succeeded

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
THRESHOLD = 3
REST = timedelta(seconds=60)
PROBE = timedelta(seconds=30)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def broken(failures: int) -> Breaker:
    """The breaker after so many failures, a second apart, the last one at noon."""
    breaker = Breaker()
    for number in range(failures):
        breaker = failed(breaker, f"failure {number + 1}", THRESHOLD, REST, after(number + 1 - failures))
    return breaker


@pytest.mark.parametrize("failures", range(THRESHOLD))
def test_below_the_threshold_every_request_may_go_and_changes_nothing(failures: int) -> None:
    breaker = broken(failures)

    assert asked(breaker, THRESHOLD, NOON, PROBE) == (breaker, Pass())
    assert not breaker.is_open(THRESHOLD)


def test_at_the_threshold_requests_are_rejected_with_when_and_why() -> None:
    breaker = broken(THRESHOLD)

    assert breaker.is_open(THRESHOLD)
    assert asked(breaker, THRESHOLD, NOON, PROBE) == (breaker, Rejected(after(-2), after(60), 3, "failure 3"))
    assert isinstance(asked(breaker, THRESHOLD, after(59.999), PROBE)[1], Rejected)


def test_failures_that_are_not_in_a_row_do_not_add_up() -> None:
    breaker = succeeded(broken(THRESHOLD - 1))

    breaker = failed(breaker, "again", THRESHOLD, REST, NOON)

    assert (breaker.failures, breaker.since) == (1, NOON)
    assert asked(breaker, THRESHOLD, NOON, PROBE)[1] == Pass()


def test_after_its_rest_one_request_at_a_time_tests_the_service() -> None:
    breaker, entry = asked(broken(THRESHOLD), THRESHOLD, after(60), PROBE)

    assert entry == Pass(is_probe=True)
    assert asked(breaker, THRESHOLD, after(61), PROBE)[1] == Rejected(
        after(-2), after(90), 3, "failure 3", is_tested=True
    )


def test_a_probe_that_never_comes_back_makes_room_for_another() -> None:
    breaker, _ = asked(broken(THRESHOLD), THRESHOLD, after(60), PROBE)

    breaker, entry = asked(breaker, THRESHOLD, after(90), PROBE)

    assert entry == Pass(is_probe=True)
    assert isinstance(asked(breaker, THRESHOLD, after(119), PROBE)[1], Rejected)


def test_a_probe_that_gave_up_lets_another_one_go_at_once() -> None:
    breaker, _ = asked(broken(THRESHOLD), THRESHOLD, after(60), PROBE)

    breaker = gave_up(breaker)

    assert breaker.failures == THRESHOLD
    assert asked(breaker, THRESHOLD, after(60.1), PROBE)[1] == Pass(is_probe=True)


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker, _ = asked(broken(THRESHOLD), THRESHOLD, after(60), PROBE)

    breaker = succeeded(breaker)

    assert breaker == Breaker()
    assert asked(breaker, THRESHOLD, after(60), PROBE) == (breaker, Pass())


def test_each_probe_that_fails_doubles_the_rest_up_to_eight_times() -> None:
    breaker, now, rests = broken(THRESHOLD), NOON, []
    for number in range(6):
        rests.append((breaker.opens_until - now) / REST)
        now = breaker.opens_until
        breaker, entry = asked(breaker, THRESHOLD, now, PROBE)
        assert entry == Pass(is_probe=True)
        now += timedelta(seconds=1)
        breaker = failed(breaker, f"probe {number}", THRESHOLD, REST, now)

    assert rests == [1, 2, 4, 8, 8, 8]


def test_a_probe_that_fails_leaves_since_when_it_is_down_and_says_the_newest_reason() -> None:
    breaker, _ = asked(broken(THRESHOLD), THRESHOLD, after(60), PROBE)

    breaker = failed(breaker, "still down", THRESHOLD, REST, after(61))

    assert asked(breaker, THRESHOLD, after(62), PROBE)[1] == Rejected(after(-2), after(181), 4, "still down")


def test_a_service_that_has_been_down_for_years_is_still_asked_now_and_then() -> None:
    breaker = Breaker(failures=100_000, since=after(-1e8))

    breaker = failed(breaker, "down", THRESHOLD, REST, NOON)

    assert breaker.opens_until == NOON + 8 * REST
