"""The shape of an answer: its columns, how many rows it has, its share of NULLs, and where its numbers lie."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from pydantic import BaseModel, ConfigDict

from tasks.outcome import Cell, Column, Table

_NUMBERS = ("integer", "number", "decimal")


class ColumnShape(BaseModel):
    """One column of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    null_share: float
    """From 0 to 1."""
    number_share: float | None
    """Of what is not NULL, from 0 to 1: SQLite gives 1 and 'n/a' by turns. None where there is nothing but NULL."""
    least: float | None = None
    most: float | None = None
    """None where it holds no numbers. Dates have no band: each run's are later than the last one's."""

    @property
    def holds(self) -> str:
        """Numbers, no numbers, or nothing but NULL."""
        if self.number_share is None:
            return "nothing"
        return "numbers" if self.number_share > 0.5 else "no numbers"


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
    numbers = [float(cell) for cell in there] if column.type in _NUMBERS else []
    # A column of numbers and texts is one of texts, with the numbers among them.
    share = 1.0 if numbers else sum(map(_is_number, there)) / len(there) if there else None
    return ColumnShape(
        name=column.name,
        null_share=(len(cells) - len(there)) / len(cells) if cells else 0.0,
        number_share=share,
        least=min(numbers, default=None),
        most=max(numbers, default=None),
    )


def _is_number(cell: Cell) -> bool:
    try:
        return not isinstance(cell, bool) and Decimal(str(cell)).is_finite()
    except InvalidOperation:
        return False
