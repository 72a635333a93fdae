"""Makes rows of what an API says: which part of a page is the list, and one column per name that any row has."""

import json
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from blocks.services.presets import Api
from blocks.services.reading import compiled, found
from tasks.outcome import Cell, Column, ColumnType, Table

_ENDS_IN_ROWS = ("projection", "filter_projection", "subexpression", "pipe")
_LARGEST = 2**53
"""Up to here each whole number is a float of its own."""
_TYPES: Mapping[type, ColumnType] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def rows_of(body: JsonValue, api: Api, pick: str | None) -> list[JsonValue]:
    """The rows of one page."""
    if pick is not None:
        return _as_list(found(pick, body))
    if isinstance(body, dict):
        listed = found(api.items, body)
        if isinstance(listed, list):
            return listed
        lists = [value for value in body.values() if isinstance(value, list)]
        # What has an id is a thing with a list, such as a repository with its topics, and no page of things.
        return list(lists[0]) if len(lists) == 1 and "id" not in body else [body]
    return _as_list(body)


def table_of_json(rows: Sequence[JsonValue], pick: str | None = None) -> Table:
    """The rows as a table: a row that is no object is in a column `value`, what is nested is JSON in a cell.

    The columns that `pick` names are there also where no row is.
    """
    records = [row if isinstance(row, dict) else {"value": row} for row in rows]
    names = list(dict.fromkeys([*_picked(pick), *(name for record in records for name in record)]))
    columns = [_column(name, [record.get(name) for record in records]) for name in names]
    cells = [[_cell(record.get(column.name), column.type) for column in columns] for record in records]
    return Table(columns=tuple(columns), rows=tuple(map(tuple, cells)))


def _picked(pick: str | None) -> list[str]:
    """The names that the expression gives to the columns of each row, where it ends in `{name: ...}`."""
    part = compiled(pick).parsed if pick else None
    while part is not None and part["type"] != "multi_select_dict":
        # Left, right and, of a filter, its condition.
        part = part["children"][1] if part["type"] in _ENDS_IN_ROWS else None
    return [pair["value"] for pair in part["children"]] if part is not None else []


def _as_list(value: JsonValue) -> list[JsonValue]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _column(name: str, values: Sequence[JsonValue]) -> Column:
    """The narrowest type that holds every value; mixed or none make a text."""
    kinds = {_TYPES.get(type(value), "string") for value in values if value is not None}
    if kinds == {"integer", "number"} and all(_fits(value) for value in values):
        return Column(name=name, type="number")
    return Column(name=name, type=kinds.pop() if len(kinds) == 1 else "string")


def _fits(value: JsonValue) -> bool:
    """Whether nothing is lost where it stands beside fractions."""
    return not isinstance(value, int) or abs(value) <= _LARGEST


def _cell(value: JsonValue, kind: ColumnType) -> Cell:
    if value is None:
        return None
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if kind == "string" and not isinstance(value, str):
        return json.dumps(value)
    return float(value) if kind == "number" and isinstance(value, int) else value
