"""Durations as definitions write them, and what every kind of node shares."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.node import format_duration, parse_duration
from tasks.search.node import SearchNode


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("2h", 7200), ("1h30m", 5400), ("500ms", 0.5), ("1.5s", 1.5), ("2d", 172800)]
)
def test_a_duration_is_read_with_its_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", [30, 2.5, True, "30", "fast", "", "-5s", "2 hours", "1e5s", "५s", None])
def test_a_duration_without_a_unit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(value)


@given(st.integers(min_value=1, max_value=10**9))
def test_a_duration_survives_being_written_and_read(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)

    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("text", ["1.0004s", "0.6ms", "1.5ms", "0.1d"])
def test_a_duration_finer_than_a_millisecond_is_the_one_that_would_be_written(text: str) -> None:
    duration = parse_duration(text)

    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("text", ["99999999999d", "9" * 400 + "s"])
def test_a_duration_too_long_to_be_counted_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a duration is at most 3650d"):
        parse_duration(text)


@pytest.mark.parametrize("timeout", ["0s", "0.1ms", timedelta(seconds=-1)])
def test_a_timeout_that_is_over_at_once_is_refused(timeout: object) -> None:
    with pytest.raises(ValidationError, match="a duration is at least 1ms"):
        SearchNode.model_validate({"id": "a", "source": "docs", "query": "x", "timeout": timeout})


def test_a_node_has_its_kind_s_defaults_until_it_says_otherwise() -> None:
    plain = SearchNode(id="a", source="docs", query="x")
    strict = SearchNode(id="a", source="docs", query="x", retry=0, timeout=timedelta(minutes=1), on_failure="fail")

    assert (plain.retries, plain.timeout_seconds, plain.degrades) == (3, 15, True)
    assert (strict.retries, strict.timeout_seconds, strict.degrades) == (0, 60, False)
