"""What an API says, as rows and as a table."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from blocks.services.presets import APIS, Preset
from tasks.outcome import Column, ColumnType, Outcome, Table
from tasks.request.shape import rows_of, table_of_json

REST = APIS["rest"]
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text()
NESTED = st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)
ROWS = st.lists(SCALARS | st.dictionaries(st.sampled_from("abc"), SCALARS | NESTED), max_size=6)


@pytest.mark.parametrize(
    ("pick", "rows"),
    [
        ("data.items", [{"id": 1}, {"id": 2}]),
        ("data.items[?id > `1`]", [{"id": 2}]),
        ("data.items[].id", [1, 2]),
        ("data", [{"items": [{"id": 1}, {"id": 2}], "other": []}]),
        ("data.items[0].id", [1]),
        ("data.other", []),
        ("nothing.here", []),
        ("sum(data)", []),
    ],
)
def test_what_is_picked_are_the_rows(pick: str, rows: JsonValue) -> None:
    body: JsonValue = {"data": {"items": [{"id": 1}, {"id": 2}], "other": []}, "values": [9]}

    assert rows_of(body, REST, pick) == rows


def test_what_is_picked_stands_before_the_list_of_the_api() -> None:
    assert rows_of({"issues": [1], "names": [2]}, APIS["jira"], "names") == [2]


def test_the_list_of_the_api_stands_before_others() -> None:
    assert rows_of({"errors": [], "results": [{"id": 1}]}, APIS["hubspot"], None) == [{"id": 1}]


@pytest.mark.parametrize("preset", ["rest", "hubspot"])
def test_the_only_list_is_taken_where_the_api_has_none_of_its_own(preset: Preset) -> None:
    body: JsonValue = {"total": 2, "entries": [{"id": 1}, {"id": 2}], "next": None}

    assert rows_of(body, APIS[preset], None) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("body", [{"id": 1, "name": "x"}, {"id": 1, "tags": [], "owners": []}, {}])
def test_an_object_without_a_list_or_with_several_is_one_row(body: JsonValue) -> None:
    assert rows_of(body, REST, None) == [body]


@pytest.mark.parametrize(
    ("body", "rows"), [([1, 2], [1, 2]), ([], []), (None, []), ("words", ["words"]), (5, [5]), (False, [False])]
)
def test_a_body_that_is_no_object_is_its_rows(body: JsonValue, rows: JsonValue) -> None:
    assert rows_of(body, REST, None) == rows


@pytest.mark.parametrize(
    ("values", "kind", "cells"),
    [
        ([1, 2], "integer", [1, 2]),
        ([1, None], "integer", [1, None]),
        ([1, 2.5], "number", [1.0, 2.5]),
        ([True, False], "boolean", [True, False]),
        (["a", None], "string", ["a", None]),
        ([None, None], "string", [None, None]),
        ([1, "a"], "string", ["1", "a"]),
        ([True, 1], "string", ["true", "1"]),
        ([1.5, "a", None], "string", ["1.5", "a", None]),
        ([{"x": [1, "ü"]}, None], "string", ['{"x": [1, "ü"]}', None]),
        ([[], 1], "string", ["[]", "1"]),
        (["a", {"x": 1}], "string", ["a", '{"x": 1}']),
    ],
)
def test_a_column_has_the_narrowest_type_that_holds_its_values(
    values: list[JsonValue], kind: ColumnType, cells: list[JsonValue]
) -> None:
    table = table_of_json([{"of": value} for value in values])

    assert table.columns == (Column(name="of", type=kind),)
    assert repr([row[0] for row in table.rows]) == repr(cells)


def test_there_is_a_column_for_every_name_in_the_order_in_which_they_come() -> None:
    table = table_of_json([{"b": 1}, {"a": "x", "b": 2}, {}])

    assert table.names == ("b", "a")
    assert table.rows == ((1, None), (2, "x"), (None, None))


def test_rows_that_are_no_objects_are_in_a_column_of_their_own() -> None:
    table = table_of_json(["x", {"id": 1}, None])

    assert table.names == ("value", "id")
    assert table.rows == (("x", None), (None, 1), (None, None))


def test_no_rows_make_an_empty_table() -> None:
    assert table_of_json([]) == Table(columns=())


def test_a_whole_number_beyond_any_float_beside_a_fraction_is_kept() -> None:
    table = table_of_json([{"a": 10**400}, {"a": 1.5}])

    assert len(table.rows) == 2


def test_a_whole_number_beside_a_fraction_is_not_rounded() -> None:
    table = table_of_json([{"id": 9_007_199_254_740_993}, {"id": 1.5}])

    assert "9007199254740993" in str(table.rows[0][0])


@given(ROWS)
def test_every_answer_makes_a_table_with_all_of_its_values(rows: list[JsonValue]) -> None:
    table = table_of_json(rows)

    assert len(table.rows) == len(rows)
    for record, row in zip(table.records(), rows, strict=True):
        given_row = row if isinstance(row, dict) else {"value": row}
        assert {name for name, cell in record.items() if cell is not None} == {
            name for name, value in given_row.items() if value is not None
        }
        for name, value in given_row.items():
            if isinstance(value, list | dict):
                assert json.loads(str(record[name])) == value


@given(ROWS)
def test_every_table_can_be_kept_and_read_again(rows: list[JsonValue]) -> None:
    outcome = Outcome(table=table_of_json(rows))

    assert Outcome.model_validate_json(outcome.model_dump_json()) == outcome


@pytest.mark.parametrize(
    "pick",
    [
        "issues[].{key: key, days: fields.days}",
        "issues[?open].{key: key, days: fields.days}",
        "issues | [?open].{key: key, days: d}",
        "issues[].fields[].{key: key, days: d}",
    ],
)
def test_a_list_without_rows_has_the_columns_that_are_picked(pick: str) -> None:
    assert table_of_json([], pick).names == ("key", "days")


def test_an_expression_that_names_no_columns_gives_none_to_an_empty_list() -> None:
    assert table_of_json([], "issues[].key").names == ()
