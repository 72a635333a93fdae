"""What many who share one limit by one allowance make of it, in a simulation."""

from dataclasses import replace

import pytest

from blocks.services.limits import Quota
from tests.blocks.services.simulation import Simulation
from tests.servers.limits import Dialect, FixedWindow, Limit, TokenBucket

WINDOW = FixedWindow(100, 60)
NARROW_WINDOW = FixedWindow(20, 10)
BUCKET = TokenBucket(20, 2)
SECONDS = 599.0
"""Just short of ten wide windows: a request that came with the next one's beginning would open it."""


@pytest.mark.parametrize(
    ("server", "dialect", "quota"),
    [
        (WINDOW, Dialect.GITHUB, None),
        (WINDOW, Dialect.JIRA, None),
        (WINDOW, Dialect.IETF, None),
        (WINDOW, Dialect.RATELIMIT_OLD, None),
        (BUCKET, Dialect.BARE, Quota(20, 10)),
        (NARROW_WINDOW, Dialect.BARE, Quota(20, 10)),
        (BUCKET, Dialect.HUBSPOT, None),
        (NARROW_WINDOW, Dialect.HUBSPOT, None),
    ],
)
def test_a_limit_that_is_known_is_used_and_refuses_nothing(
    server: Limit, dialect: Dialect, quota: Quota | None
) -> None:
    many = Simulation(replace(server), dialect, quota).run(SECONDS)

    assert many.refused_at == []
    assert many.share(SECONDS) >= 0.9


@pytest.mark.parametrize(
    ("server", "dialect"),
    [
        (BUCKET, Dialect.RETRY_AFTER),
        (BUCKET, Dialect.RETRY_AFTER_DATE),
        (BUCKET, Dialect.SLACK),
        (WINDOW, Dialect.RETRY_AFTER),
        (NARROW_WINDOW, Dialect.RETRY_AFTER),
        (NARROW_WINDOW, Dialect.RETRY_AFTER_DATE),
    ],
)
def test_a_limit_that_only_refusals_tell_of_is_used_and_none_goes_before_the_time_that_was_named(
    server: Limit, dialect: Dialect
) -> None:
    many = Simulation(replace(server), dialect).run(SECONDS)

    assert many.refused_at
    assert many.too_early == []
    assert many.share(SECONDS) >= 0.9


@pytest.mark.parametrize(
    ("server", "dialect", "quota"),
    [
        (WINDOW, Dialect.GITHUB, None),
        (WINDOW, Dialect.JIRA, None),
        (WINDOW, Dialect.IETF, None),
        (BUCKET, Dialect.RETRY_AFTER, Quota(20, 10)),
        (NARROW_WINDOW, Dialect.RETRY_AFTER, Quota(20, 10)),
        (BUCKET, Dialect.RETRY_AFTER, None),
        (WINDOW, Dialect.RETRY_AFTER, None),
    ],
)
def test_where_another_uses_the_same_limit_it_is_used_and_none_goes_before_the_time_that_was_named(
    server: Limit, dialect: Dialect, quota: Quota | None
) -> None:
    many = Simulation(replace(server), dialect, quota, another_every_seconds=2.0).run(SECONDS)

    assert many.refused_at
    assert many.too_early == []
    assert many.share(SECONDS) >= 0.9


@pytest.mark.parametrize("dialect", [Dialect.GITHUB, Dialect.IETF])
def test_a_bucket_whose_answers_speak_of_it_as_a_window_is_used_and_none_goes_before_the_time_that_was_named(
    dialect: Dialect,
) -> None:
    many = Simulation(replace(BUCKET), dialect).run(SECONDS)

    assert many.too_early == []
    assert many.share(SECONDS) >= 0.9
