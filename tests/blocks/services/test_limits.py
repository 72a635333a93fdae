"""What answers say of their limits, in each of the ways in which APIs say it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.services.limits import Limit, Quota, limit_of

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EPOCH = int(NOON.timestamp())
DAY = 86_400.0

NAMES = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        "ratelimit",
        "ratelimit-policy",
        "x-ratelimit-remaining",
        "x-ratelimit-limit",
        "x-ratelimit-reset",
        "ratelimit-remaining",
        "ratelimit-reset",
        "x-rate-limit-remaining",
        "x-rate-limit-reset",
        "x-hubspot-ratelimit-max",
        "x-hubspot-ratelimit-interval-milliseconds",
    ]
)
ONCE_READABLE = st.sampled_from(
    [
        "60",
        "0",
        "-1",
        "1e9",
        "nan",
        "inf",
        '"a";r=1;t=2',
        '"a";r=',
        "2026-11-24T12:00Z",
        "Tue, 24 Nov 2026 12:00:30 GMT",
    ]
)


def test_an_answer_that_says_nothing_says_nothing() -> None:
    assert limit_of({"content-type": "application/json"}, NOON) == Limit()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("0", 0.0),
        ("86400", DAY),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
    ],
)
def test_a_wait_is_read_in_seconds_or_as_a_date(written: str, seconds: float) -> None:
    assert limit_of({"Retry-After": written}, NOON) == Limit(wait_seconds=seconds)


@pytest.mark.parametrize("written", ["-5", "soon", "2 minutes", "Smarch 13th", "nan"])
def test_a_wait_that_cannot_be_meant_is_as_none_and_is_said(written: str) -> None:
    assert limit_of({"Retry-After": written}, NOON) == Limit(lie=f"Retry-After: {written}")


@pytest.mark.parametrize("written", ["31536000", "86401", "9" * 30, "Wed, 24 Nov 2027 12:00:00 GMT"])
def test_a_wait_beyond_a_day_is_cut_to_a_day_and_is_said(written: str) -> None:
    assert limit_of({"Retry-After": written}, NOON) == Limit(wait_seconds=DAY, lie=f"Retry-After: {written}")


def test_what_is_said_of_a_wait_quotes_its_beginning_alone() -> None:
    assert limit_of({"Retry-After": "x" * 1000}, NOON).lie == "Retry-After: " + "x" * 40


def test_a_wait_in_milliseconds_that_is_beyond_a_day_is_said_with_its_value() -> None:
    limit = limit_of({"retry-after-ms": "99999999999"}, NOON)

    assert limit.wait_seconds == DAY
    assert "99999999999" in limit.lie


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        (str(EPOCH + 90), 90.0),
        (f"{EPOCH + 90}.5", 90.5),
        (str(EPOCH - 90), 0.0),
        ("2026-11-24T12:01:30Z", 90.0),
        ("2026-11-24T12:01:30.5Z", 90.5),
        ("2026-11-24T12:01Z", 60.0),
        ("2026-11-24T13:01+01:00", 60.0),
        ("2026-11-24T12:01", 60.0),
        ("2026-11-24T11:59:00Z", 0.0),
        ("90", 90.0),
        (" 1.5 ", 1.5),
    ],
)
def test_a_reset_is_read_as_an_epoch_as_a_date_and_as_seconds_left(reset: str, seconds: float) -> None:
    headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": reset}

    assert limit_of(headers, NOON) == Limit(remaining=7, allowed=100, resets_in_seconds=seconds)


@pytest.mark.parametrize("reset", ["", "tomorrow", "-3", "nan", "inf", "1764000000000"])
def test_a_reset_that_cannot_be_read_leaves_what_can_be(reset: str) -> None:
    headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": reset}

    assert limit_of(headers, NOON) == Limit(remaining=7, allowed=100)


@pytest.mark.parametrize("reset", ["86401", str(EPOCH + 31_536_000), "2027-11-24T12:00:00Z"])
def test_a_reset_beyond_a_day_is_not_believed_and_is_said(reset: str) -> None:
    limit = limit_of({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, NOON)

    assert (limit.remaining, limit.resets_in_seconds) == (0, None)
    assert limit.lie.startswith("a reset in ")


def test_a_reset_in_a_day_is_believed() -> None:
    limit = limit_of({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "86400"}, NOON)

    assert (limit.resets_in_seconds, limit.lie) == (DAY, "")


@pytest.mark.parametrize("remaining", ["", "-1", "many", "1.5", "٣"])
def test_a_count_that_is_none_is_as_if_nothing_was_said(remaining: str) -> None:
    assert limit_of({"X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": "60"}, NOON) == Limit()


@pytest.mark.parametrize("prefix", ["X-RateLimit-", "RateLimit-", "X-Rate-Limit-"])
def test_each_spelling_of_the_three_headers_is_read(prefix: str) -> None:
    headers = {f"{prefix}Limit": "100", f"{prefix}Remaining": "7", f"{prefix}Reset": "30"}

    assert limit_of(headers, NOON) == Limit(remaining=7, allowed=100, resets_in_seconds=30.0)


def test_a_policy_behind_the_old_limit_is_left_out() -> None:
    headers = {"RateLimit-Limit": "100, 100;w=60", "RateLimit-Remaining": "7", "RateLimit-Reset": "30"}

    assert limit_of(headers, NOON).allowed == 100


def test_the_draft_says_what_is_left_until_when_and_by_which_policy() -> None:
    headers = {"RateLimit-Policy": '"default";q=100;w=60', "RateLimit": '"default";r=50;t=30'}

    assert limit_of(headers, NOON) == Limit(remaining=50, allowed=100, resets_in_seconds=30)


def test_the_draft_need_not_say_until_when() -> None:
    assert limit_of({"RateLimit": '"default";r=999;pk=:dHJpYWwxMjEzMjM=:'}, NOON) == Limit(remaining=999)


def test_of_several_policies_the_one_with_the_least_left_counts() -> None:
    headers = {
        "RateLimit-Policy": '"burst";q=100;w=60, "daily";q=1000;w=86400',
        "RateLimit": '"daily";r=20;t=7200, "burst";r=30;t=9',
    }

    assert limit_of(headers, NOON) == Limit(remaining=20, allowed=1000, resets_in_seconds=7200)


def test_a_policy_that_does_not_count_requests_does_not_stand_in_for_the_one_that_does() -> None:
    headers = {
        "RateLimit-Policy": '"default";q=100;w=60, "parallel";q=10;qu="concurrent-requests"',
        "RateLimit": '"default";r=50;t=30, "parallel";r=9',
    }

    assert limit_of(headers, NOON) == Limit(remaining=50, allowed=100, resets_in_seconds=30)


def test_a_policy_without_what_is_left_makes_room_for_the_other_headers() -> None:
    headers = {
        "RateLimit-Policy": '"global-app-quota";q=65000;w=3600',
        "RateLimit": '"global-app-quota";t=3200',
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "7",
        "X-RateLimit-Reset": "2026-11-24T12:00:30Z",
    }

    assert limit_of(headers, NOON) == Limit(remaining=7, allowed=100, resets_in_seconds=30.0)


@pytest.mark.parametrize(
    "written",
    [
        '"default";r=50;t=',
        '"default";r=-1;t=30',
        '"default";r=1.5;t=30',
        '"default";r="many"',
        '"default";r=?1',
        '("burst" "daily");r=5;t=3',
        "limit=100, remaining=50, reset=5",
        '"default" r=50',
        "default;r=50;;",
        "ü",
        "@99999999999999;r=1",
    ],
)
def test_a_field_of_the_draft_that_is_malformed_is_as_none(written: str) -> None:
    assert limit_of({"RateLimit": written}, NOON) == Limit()


def test_a_reset_of_the_draft_that_is_malformed_is_as_none() -> None:
    assert limit_of({"RateLimit": '"default";r=50;t=-30', "RateLimit-Policy": "?"}, NOON) == Limit(remaining=50)


def test_a_reset_of_the_draft_beyond_a_day_is_not_believed() -> None:
    limit = limit_of({"RateLimit": '"yearly";r=0;t=31536000'}, NOON)

    assert limit == Limit(remaining=0, lie="a reset in 365 days, 0:00:00")


def test_hubspots_interval_is_a_quota_that_rolls() -> None:
    headers = {
        "X-HubSpot-RateLimit-Daily": "250000",
        "X-HubSpot-RateLimit-Daily-Remaining": "249000",
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        "X-HubSpot-RateLimit-Max": "190",
        "X-HubSpot-RateLimit-Remaining": "180",
    }

    assert limit_of(headers, NOON) == Limit(quota=Quota(190, 10.0))


@pytest.mark.parametrize(("most", "milliseconds"), [("0", "10000"), ("190", "0"), ("190", ""), ("many", "10000")])
def test_a_quota_of_nothing_is_none(most: str, milliseconds: str) -> None:
    headers = {"X-HubSpot-RateLimit-Max": most, "X-HubSpot-RateLimit-Interval-Milliseconds": milliseconds}

    assert limit_of(headers, NOON) == Limit()


def test_a_wait_stands_beside_what_is_left() -> None:
    headers = {"Retry-After": "3", "RateLimit": '"default";r=0;t=30'}

    assert limit_of(headers, NOON) == Limit(wait_seconds=3.0, remaining=0, resets_in_seconds=30)


def test_of_two_lies_the_one_about_the_wait_is_said() -> None:
    headers = {"Retry-After": "-5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999"}

    assert limit_of(headers, NOON) == Limit(remaining=0, lie="Retry-After: -5")


@given(st.lists(st.booleans(), min_size=70, max_size=70))
def test_the_case_of_a_headers_name_does_not_matter(upper: list[bool]) -> None:
    headers = {"retry-after": "3", "x-ratelimit-limit": "9", "x-ratelimit-remaining": "1", "x-ratelimit-reset": "30"}
    capitals = iter(upper)
    mixed = {"".join(c.upper() if next(capitals) else c for c in name): value for name, value in headers.items()}

    assert limit_of(mixed, NOON) == Limit(3.0, 1, 9, 30.0)


@given(st.dictionaries(NAMES, ONCE_READABLE | st.text(st.characters(codec="latin-1"), max_size=40)))
def test_whatever_headers_say_is_bounded_or_left_out(headers: dict[str, str]) -> None:
    limit = limit_of(headers, NOON)

    assert 0 <= (limit.wait_seconds or 0) <= DAY
    assert 0 <= (limit.resets_in_seconds or 0) <= DAY
    assert (limit.remaining or 0) >= 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "Tue, 24 Nov 99999999999 12:00:30 GMT"},
        {"Retry-After": "Tue, 24 Nov 2026 12:00:30 +9999999999999999999"},
        {"X-RateLimit-Remaining": "1" * 5000},
    ],
)
def test_a_number_that_python_does_not_read_is_as_none(headers: dict[str, str]) -> None:
    limit = limit_of(headers, NOON)

    assert (limit.wait_seconds, limit.remaining) == (None, None)
