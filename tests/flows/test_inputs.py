"""The values of a run's inputs: months and dates, wrong types, unknown names; all that is wrong is said at once."""

from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from pydantic import JsonValue, TypeAdapter, ValidationError

from blocks.errors import InputRefused
from flows.inputs import Input, InputType, input_values

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def value(kind: InputType, given: object, now: datetime = NOW) -> JsonValue:
    return input_values({"it": Input(type=kind)}, {"it": given}, now)["it"]


@pytest.mark.parametrize(
    ("now", "this", "last"),
    [
        ("2026-01-01T00:00", "2026-01", "2025-12"),
        ("2026-01-31T23:59", "2026-01", "2025-12"),
        ("2026-03-31T12:00", "2026-03", "2026-02"),
        ("2028-02-29T12:00", "2028-02", "2028-01"),
        ("2026-12-31T23:59", "2026-12", "2026-11"),
    ],
)
def test_a_relative_month_is_the_one_of_the_run_s_own_day(now: str, this: str, last: str) -> None:
    at = datetime.fromisoformat(now)

    assert value("month", "this month", at) == this
    assert value("month", "last month", at) == last


@pytest.mark.parametrize(
    ("kind", "given", "seen"),
    [
        ("month", "2026-02", "2026-02"),
        ("date", "2028-02-29", "2028-02-29"),
        ("date", date(2026, 1, 31), "2026-01-31"),
        ("integer", "12", 12),
        ("number", "2.5", 2.5),
        ("boolean", "yes", True),
        ("boolean", "false", False),
        ("string", "", ""),
        ("string", "12", "12"),
    ],
)
def test_a_value_from_the_command_line_gets_its_type(kind: InputType, given: object, seen: JsonValue) -> None:
    found = value(kind, given)

    assert (type(found), found) == (type(seen), seen)


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("month", "2026-13", "a month (YYYY-MM, 'last month' or 'this month')"),
        ("month", "2026-1", "a month"),
        ("month", "next month", "a month"),
        ("date", "2026-02-29", "a date (YYYY-MM-DD)"),
        ("date", "31.01.2026", "a date"),
        ("date", "20260131", "a date"),
        ("date", 20260131, "a date"),
        ("integer", "many", "a whole number"),
        ("integer", "2.5", "a whole number"),
        ("number", "nan", "a number"),
        ("boolean", "perhaps", "true or false"),
        ("string", 5, "text"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_the_right_one(kind: InputType, given: object, said: str) -> None:
    with pytest.raises(InputRefused) as refused:
        value(kind, given)

    assert str(refused.value).startswith(f"input 'it' must be {said}")
    assert f"not {given!r}" in str(refused.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    inputs = {"month": Input(type="month"), "limit": Input(type="integer", default=5), "who": Input(type="string")}

    with pytest.raises(InputRefused) as refused:
        input_values(inputs, {"limit": "many", "moth": "2026-01", "who": "me"}, NOW)

    assert str(refused.value) == (
        "there is no input 'moth' (there is month, limit, who); input 'month' has no value; "
        "input 'limit' must be a whole number, not 'many'; give inputs as -i name=value"
    )


def test_a_default_stands_in_and_a_value_goes_before_it() -> None:
    inputs = {"month": Input(type="month", default="last month"), "limit": Input(type="integer", default=5)}

    assert input_values(inputs, {"limit": 7}, NOW) == {"month": "2026-10", "limit": 7}


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("integer", "many"),
        ("integer", 2.5),
        ("number", float("inf")),
        ("boolean", "perhaps"),
        ("date", "2026-02-30"),
        ("month", "2026-00"),
        ("string", 5),
        ("string", ["a"]),
    ],
)
def test_a_default_of_the_wrong_type_is_refused_before_any_run(kind: InputType, default: JsonValue) -> None:
    with pytest.raises(ValidationError, match="must be "):
        Input(type=kind, default=default)


@pytest.mark.parametrize("kind", get_args(InputType))
def test_a_form_can_be_drawn_for_an_input_of_every_type(kind: InputType) -> None:
    annotation: Any = Input(type=kind, description="What it is for.").annotation

    schema = TypeAdapter(annotation).json_schema()

    assert schema["description"] == "What it is for."
    assert schema["type"] in ("string", "integer", "number", "boolean")
