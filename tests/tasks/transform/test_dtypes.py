"""Frames as pandas makes them, as tables and back."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.frames import frame_of, table_of, table_of_rows
from tasks.outcome import Cell, ColumnType


@pytest.mark.parametrize(
    ("values", "kind", "cells"),
    [
        (pd.array([1, None], dtype="Int64"), "integer", (1, None)),
        (np.array([1, 2], dtype="int32"), "integer", (1, 2)),
        ([1.5, float("nan")], "number", (1.5, None)),
        (np.array([0.5, 2], dtype="float32"), "number", (0.5, 2.0)),
        (pd.array([True, None], dtype="boolean"), "boolean", (True, None)),
        (pd.array(["a", None], dtype="str"), "string", ("a", None)),
        (pd.Categorical(["a", None]), "string", ("a", None)),
        (pd.DatetimeIndex(["2026-10-01 08:00", pd.NaT]), "datetime", ("2026-10-01T08:00:00", None)),
        (pd.DatetimeIndex(["2026-10-01", pd.NaT], tz="UTC"), "datetime", ("2026-10-01T00:00:00+00:00", None)),
        ([date(2026, 10, 1), None], "date", ("2026-10-01", None)),
        ([Decimal("1.50"), 2], "decimal", ("1.50", "2")),
        ([Decimal("NaN"), Decimal(1)], "decimal", (None, "1")),
        (pd.period_range("2026-09", periods=2, freq="M"), "string", ("2026-09", "2026-10")),
        ([None, float("nan")], "string", (None, None)),
    ],
)
def test_each_dtype_has_its_column_type_and_its_missing_values(
    values: Any, kind: ColumnType, cells: tuple[Cell, ...]
) -> None:
    table = table_of(pd.DataFrame({"a": values}))

    assert (table.columns[0].type, tuple(row[0] for row in table.rows)) == (kind, cells)


def test_moments_on_both_sides_of_a_change_to_summer_time_come_back_as_the_same_moments() -> None:
    berlin = pd.to_datetime(["2026-03-28 12:00", "2026-03-30 12:00"]).tz_localize("Europe/Berlin")

    again = frame_of(table_of(pd.DataFrame({"at": berlin})))

    assert list(again["at"]) == list(berlin)


def test_the_keys_of_a_grouping_are_columns() -> None:
    spend = pd.DataFrame({"vendor": ["Bo", "Able", "Bo"], "month": [9, 9, 9], "amount": [1, 2, 3]})

    by_vendor = table_of(spend.groupby("vendor").sum())
    by_both = table_of(spend.groupby(["vendor", "month"]).sum())

    assert (by_vendor.names, by_vendor.rows) == (("vendor", "month", "amount"), (("Able", 9, 2), ("Bo", 18, 4)))
    assert (by_both.names, by_both.rows) == (("vendor", "month", "amount"), (("Able", 9, 2), ("Bo", 9, 4)))


def test_an_index_without_a_name_is_dropped() -> None:
    table = table_of(pd.DataFrame({"a": [3, 1, 2]}).sort_values("a").query("a > 1"))

    assert (table.names, table.rows) == (("a",), ((2,), (3,)))


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "it has two columns called a"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "it has two columns called 1"),
        (pd.DataFrame({"a": [1.0, float("inf")]}), "column 'a' holds infinity"),
        (pd.DataFrame({"a": [Decimal("-Infinity")]}), "column 'a' holds infinity"),
        (pd.DataFrame({"a": [np.array([1, 2])]}), "column 'a' holds a ndarray"),
    ],
)
def test_a_frame_that_would_lose_something_as_a_table_is_refused(frame: pd.DataFrame, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        table_of(frame)


def test_exact_sums_can_be_computed_with_and_an_integer_stays_one() -> None:
    frame = frame_of(table_of_rows(["money", "pieces"], [(Decimal("0.10"), 9007199254740993), (Decimal("0.20"), None)]))

    assert frame["money"].sum() == pytest.approx(0.3)
    assert frame["pieces"].sum() == 9007199254740993
