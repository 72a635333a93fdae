"""The shape of an answer: its columns, how many rows it has, its share of NULLs, and where its numbers lie."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from tasks.outcome import Cell, Column, Table

_NUMBERS = ("integer", "number", "decimal")


class ColumnShape(BaseModel):
    """One column of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    holds: str
    """`numbers`, `other` values, or `nothing` but NULL: SQLite gives 1 and 1.0, or a date and its text, by turns."""
    null_share: float
    """From 0 to 1."""
    least: float | None = None
    most: float | None = None
    """None where it holds no numbers. Dates have no band: each run's are later than the last one's."""


class Shape(BaseModel):
    """The shape of an answer; it has none of the answer's texts in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    columns: tuple[ColumnShape, ...]


def shape_of(table: Table) -> Shape:
    """The table's shape."""
    columns = (_column(column, [row[at] for row in table.rows]) for at, column in enumerate(table.columns))
    return Shape(rows=len(table.rows), columns=tuple(columns))


def _column(column: Column, cells: Sequence[Cell]) -> ColumnShape:
    there = [cell for cell in cells if cell is not None]
    holds = "nothing" if not there else "numbers" if column.type in _NUMBERS else "other"
    numbers = [float(cell) for cell in there] if holds == "numbers" else []
    return ColumnShape(
        name=column.name,
        holds=holds,
        null_share=(len(cells) - len(there)) / len(cells) if cells else 0.0,
        least=min(numbers, default=None),
        most=max(numbers, default=None),
    )
