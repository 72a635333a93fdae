"""Tables to pandas frames and back. Import it late: pandas takes over a second."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import pandas_dtype

from tasks.outcome import Cell, Column, ColumnType, Table

_DTYPES: dict[ColumnType, str] = {
    "string": "str",
    "integer": "Int64",
    "number": "float64",
    "decimal": "float64",
    "boolean": "boolean",
    "datetime": "datetime64[us]",
}


def frame_of(table: Table) -> pd.DataFrame:
    """The table as a frame, one dtype per column type; a `date` becomes a column of datetime.date objects."""
    return pd.DataFrame(
        {column.name: _series([row[at] for row in table.rows], column.type) for at, column in enumerate(table.columns)}
    )


def _series(cells: list[Cell], kind: ColumnType) -> "pd.Series[Any]":
    if kind == "date":
        return pd.Series([date.fromisoformat(cell) if isinstance(cell, str) else None for cell in cells], dtype=object)
    if kind == "datetime":
        return _moments(pd.Series(cells, dtype=object))
    return pd.Series(cells, dtype=pandas_dtype(_DTYPES[kind]))


def _moments(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    try:
        return pd.to_datetime(cells, format="ISO8601")
    except ValueError:  # the offsets differ, as on both sides of a change to summer time
        return pd.to_datetime(cells, format="ISO8601", utc=True)


def table_of(frame: pd.DataFrame) -> Table:
    """The frame as a table; an index with a name, as groupby makes it, is a column, and any other is dropped.

    Raises:
        TypeError: two columns have one name, or a cell has no plain form, such as a list or infinity; names the column.
    """
    frame = _with_named_index(frame)
    rows = frame.astype(object).itertuples(index=False, name=None)
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TypeError(f"it has two columns called {', '.join(twice)}")
    return table_of_rows(names, list(rows))


def _with_named_index(frame: pd.DataFrame) -> pd.DataFrame:
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(level=named) if named else frame


def table_of_rows(names: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Rows of Python values, as a database driver gives them, as a table.

    Raises:
        TypeError: a cell holds something that has no plain form, such as a list or infinity; names the column.
    """
    columns = tuple(Column(name=name, type=column_type([row[at] for row in rows])) for at, name in enumerate(names))
    return Table(columns=columns, rows=tuple(tuple(map(_cell, row, columns)) for row in rows))


def column_type(values: list[object]) -> ColumnType:
    """The narrowest type that holds every value; mixed or no values make a string column."""
    kinds = {_kind(value) for value in values if not _missing(value)}
    if kinds == {"integer", "number"}:
        return "number"
    if kinds and kinds <= {"integer", "decimal"}:
        return "decimal" if "decimal" in kinds else "integer"
    return kinds.pop() if len(kinds) == 1 else "string"


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float | Decimal) and value != value)


def _kind(value: object) -> ColumnType:
    if isinstance(value, np.generic):
        value = value.item()
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case Decimal():
            return "decimal"
        case datetime():
            return "datetime"
        case date():
            return "date"
        case _:
            return "string"


def _cell(value: object, column: Column) -> Cell:
    if _missing(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    match value:
        case float() | Decimal() if not isfinite(value):
            # JSON has no infinity: a persisted result would come back with nothing in its place.
            raise TypeError(f"column {column.name!r} holds infinity; a table's cells are plain values")
        case int() if column.type == "decimal":
            return str(value)
        case str() | bool() | int() | float():
            return value
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case list() | dict() | set() | tuple() | np.ndarray():
            raise TypeError(f"column {column.name!r} holds a {type(value).__name__}; a table's cells are plain values")
        case _:
            return str(value)
