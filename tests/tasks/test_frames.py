"""Tables and pandas frames."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pytest

from tasks.frames import frame_of, table_of, table_of_rows
from tasks.outcome import Table

NAMES = ["text", "whole", "share", "money", "day", "moment", "flag"]
ROWS = [
    ("a", 1, 0.5, Decimal("10.20"), date(2026, 10, 1), datetime(2026, 10, 1, 8, tzinfo=UTC), True),
    (None, None, None, None, None, None, None),
]


def test_each_column_has_the_type_of_its_values_and_keeps_them_exactly() -> None:
    table = table_of_rows(NAMES, ROWS)

    assert [column.type for column in table.columns] == [
        "string", "integer", "number", "decimal", "date", "datetime", "boolean",
    ]  # fmt: skip
    assert table.rows[0] == ("a", 1, 0.5, "10.20", "2026-10-01", "2026-10-01T08:00:00+00:00", True)
    assert table.rows[1] == (None,) * 7


def test_a_table_survives_json_and_a_frame() -> None:
    table = table_of_rows(NAMES, ROWS)

    again = Table.model_validate_json(table.model_dump_json())

    assert again == table
    assert table_of(frame_of(again)).names == table.names


def test_a_table_without_rows_is_a_frame_with_its_columns() -> None:
    empty = Table(columns=table_of_rows(NAMES, ROWS).columns)

    frame = frame_of(empty)

    assert list(frame.columns) == NAMES
    assert frame["money"].sum() == 0
    assert table_of(frame).names == tuple(NAMES)


def test_a_cell_that_is_no_plain_value_is_refused_with_its_column() -> None:
    with pytest.raises(TypeError, match="column 'labels' holds a list"):
        table_of(pd.DataFrame({"labels": [["a", "b"]]}))
