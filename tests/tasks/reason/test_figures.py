"""What columns are and how figures are written: exactly, and never a total that means nothing."""

from decimal import Decimal

import pytest

from tasks.outcome import Cell, Column, ColumnType
from tasks.reason import figures
from tests.tasks.reason.asking import table


def test_numbers_are_exact_and_leave_out_what_is_none() -> None:
    cells = table({"spend": "decimal"}, ("0.10",), (None,), ("0.20",), ("NaN",), ("Infinity",))

    assert figures.numbers(cells, "spend") == {0: Decimal("0.10"), 2: Decimal("0.20")}
    assert sum(figures.numbers(cells, "spend").values()) == Decimal("0.30")


def test_true_counts_as_one() -> None:
    assert figures.numbers(table({"late": "boolean"}, (True,), (False,), (None,)), "late") == {0: 1, 1: 0}


@pytest.mark.parametrize(
    ("name", "kind", "states"),
    [
        ("below_target", "number", True),
        ("stock_gap", "integer", True),
        ("days_overdue", "decimal", True),
        ("is_overdue", "boolean", True),
        ("below_target", "string", False),
        ("gap_stock", "number", False),
        ("target", "number", False),
    ],
)
def test_a_shortfall_is_known_by_its_name_and_its_type(name: str, kind: ColumnType, states: bool) -> None:
    assert figures.shortfalls(table({"vendor": "string", name: kind})) == ((name,) if states else ())


@pytest.mark.parametrize(
    ("name", "cells", "adds_up"),
    [
        ("spend", (10, 20), True),
        ("orders", (0, 1), True),
        ("on_time_share", (0.5, 0.7), False),
        ("late", (0.5, 0.7), False),
        ("unit_price", (10, 20), False),
        ("avg_days", (10, 20), False),
        ("vendor_id", (1, 2), False),
        ("order_number", (100, 101), False),
        ("month", (1, 2), False),
        ("below_target", (10, 20), False),
        ("severity", (1, 2), False),
        ("spend", (None, None), False),
    ],
)
def test_only_a_column_whose_total_means_something_is_added_up(
    name: str, cells: tuple[Cell, ...], adds_up: bool
) -> None:
    rows = table({name: "number"}, *((cell,) for cell in cells))

    assert figures.additive(rows) == ((name,) if adds_up else ())


def test_a_share_and_what_stands_beside_it_are_percent() -> None:
    kinds: dict[str, ColumnType] = dict.fromkeys(
        ("on_time_share", "on_time_target", "on_time_gap", "below_target", "spend", "spend_target"), "number"
    )

    assert figures.shares(table(kinds, (0.8, 0.9, 0.1, 0.1, 0.5, 0.6))) == {
        "on_time_share",
        "on_time_target",
        "on_time_gap",
        "below_target",
    }


def test_a_share_that_is_already_in_percent_is_not_made_percent_again() -> None:
    assert figures.shares(table({"on_time_share": "number"}, (80,), (0.9,))) == frozenset()


@pytest.mark.parametrize(
    ("value", "kind", "percent", "text"),
    [
        (None, "number", False, "n/a"),
        (True, "boolean", False, "yes"),
        (False, "boolean", False, "no"),
        ("plain", "string", False, "plain"),
        ("1234.5", "string", False, "1234.5"),
        ("1234567.5", "decimal", False, "1,234,567.50"),
        ("100", "decimal", False, "100.00"),
        (1234567, "integer", False, "1,234,567"),
        (1e6, "number", False, "1,000,000"),
        (-1234.567, "number", False, "-1,234.57"),
        (0, "number", False, "0"),
        (0.00012345, "number", False, "0.000123"),
        (0.125, "number", True, "12.5%"),
        (float("inf"), "number", False, "inf"),
    ],
)
def test_a_figure_is_written_as_people_read_it(value: Cell, kind: ColumnType, percent: bool, text: str) -> None:
    assert figures.written(value, Column(name="any", type=kind), percent=percent) == text


@pytest.mark.parametrize(
    ("row", "name"), [(("Able", "north", 1.0), "Able"), ((None, "north", 1.0), "north"), ((None, "", 1.0), "row 1")]
)
def test_a_row_is_called_by_its_first_text_else_by_its_number(row: tuple[Cell, ...], name: str) -> None:
    assert figures.row_name(table({"vendor": "string", "region": "string", "spend": "number"}, row), 0) == name


@pytest.mark.parametrize(
    ("parts", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_a_list_is_written_as_in_a_sentence(parts: list[str], text: str) -> None:
    assert figures.listed(parts) == text
