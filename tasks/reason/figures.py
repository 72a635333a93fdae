"""What a table's columns are, judged by their names and values, and how their figures are written for people.

Pure and exact: decimals stay decimals, and nothing is computed that the rows do not say.
"""

from collections.abc import Collection, Sequence
from decimal import Decimal

from tasks.outcome import Cell, Column, Table

_NUMERIC = ("integer", "number", "decimal")
_NOT_ADDITIVE = frozenset(
    (
        *("age", "average", "avg", "day", "days", "gap", "index", "level", "max", "mean", "median", "min", "overdue"),
        *("pct", "percent", "price", "rank", "rate", "ratio", "score", "share", "target"),
    )
)
_NOT_MEASURED = frozenset(("day", "id", "month", "quarter", "week", "year"))
"""Words in the names of columns that say which row it is, not how it is."""


def is_numeric(column: Column) -> bool:
    """Whether its cells are numbers."""
    return column.type in _NUMERIC


def numbers(table: Table, name: str) -> dict[int, Decimal]:
    """The column's finite numbers by row, without the empty cells; true is 1."""
    at = table.names.index(name)
    cells = ((row, cells[at]) for row, cells in enumerate(table.rows) if cells[at] is not None)
    values = ((row, Decimal(str(int(cell) if isinstance(cell, bool) else cell))) for row, cell in cells)
    return {row: value for row, value in values if value.is_finite()}


def shortfalls(table: Table) -> tuple[str, ...]:
    """The columns that state how far a row is short of a target: `below_...`, `..._gap`, `..._overdue`.

    Above 0, or true, is short; anything else is not.
    """
    return tuple(
        column.name
        for column in table.columns
        if (is_numeric(column) or column.type == "boolean")
        and (column.name.startswith("below_") or column.name.endswith(("_gap", "_overdue")))
    )


def measures(table: Table) -> tuple[str, ...]:
    """The numeric columns that measure something, which ids and calendar columns do not."""
    return tuple(
        column.name
        for column in table.columns
        if is_numeric(column) and not _words(column.name) & _NOT_MEASURED and not column.name.endswith("_number")
    )


def additive(table: Table) -> tuple[str, ...]:
    """The numeric columns whose total means something: no shares, rates, ids, averages, targets."""
    return tuple(
        name
        for name in measures(table)
        if not _words(name) & _NOT_ADDITIVE and not name.startswith("below_") and name != "severity"
        if (values := numbers(table, name)) and not are_fractions(values.values())
    )


def _words(name: str) -> set[str]:
    return set(name.lower().split("_"))


def are_fractions(values: Collection[Decimal]) -> bool:
    """Whether all are from -1 to 1 and some are not whole."""
    return all(abs(value) <= 1 for value in values) and any(value != int(value) for value in values)


def shares(table: Table) -> frozenset[str]:
    """The columns that are written as percent: `x_share`, and `x_target`, `x_gap` and `below_target` beside it."""
    names = set(table.names)
    named = {name for name in names if name.endswith("_share")}
    beside = {
        name for name in names if f"{name.rpartition('_')[0]}_share" in named and name.endswith(("_target", "_gap"))
    }
    below = {
        name
        for name in names
        if name.startswith("below_") and any(other.endswith(name.removeprefix("below")) for other in named | beside)
    }
    numeric = {column.name for column in table.columns if is_numeric(column)}
    return frozenset(
        name
        for name in (named | beside | below) & numeric
        if all(abs(value) <= 1 for value in numbers(table, name).values())
    )


def row_name(table: Table, row: int) -> str:
    """What to call a row: its first text, else its number from 1."""
    for column, cell in zip(table.columns, table.rows[row], strict=True):
        if column.type == "string" and cell:
            return str(cell)
    return f"row {row + 1}"


def written(value: Cell | Decimal, column: Column, *, percent: bool) -> str:
    """A cell as people read it: thousands separators, at most two decimals from 1 on, percent for a share."""
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not is_numeric(column):
        return str(value)
    number = Decimal(str(value))
    if not number.is_finite():
        return str(value)
    if percent:
        return f"{number:.1%}"
    if number == number.to_integral_value() and column.type != "decimal":
        return f"{number:,.0f}"
    if abs(number) >= 1 or number == 0 or column.type == "decimal":
        return f"{number:,.2f}"
    return f"{number:.3g}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part) if parts else ""
