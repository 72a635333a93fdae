"""What is remembered of a relation's values, so that a column under a new name can be told from one that resembles it.

A sample has no value in it, only short hashes of them: it shows that two values are equal, and nothing else.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation, localcontext
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel, ConfigDict

from blocks.schemas.snapshot import Family, Relation
from tasks.sql.quoting import names, place

SAMPLE_ROWS = 200
SAMPLE_COLUMNS = 24
NULL = ""
"""Stands for NULL in a sample."""
Row = tuple[str, ...]
"""The hashes of one row."""

_NUMBERS: frozenset[Family] = frozenset({"integer", "number", "decimal", "boolean"})
_MOMENTS: frozenset[Family] = frozenset({"date", "datetime"})
MOVING = _NUMBERS | _MOMENTS
"""What is expected to change from day to day."""
_TRUTHS = {"true": "1", "t": "1", "false": "0", "f": "0"}
_DIGITS = 12


class Sample(BaseModel):
    """The first rows of a relation in the order of its key, as hashes, and how many rows it had."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    relation: Relation
    """As it was."""
    used: tuple[str, ...]
    """The columns that must be found again: those that are used, and the key's."""
    columns: tuple[str, ...]
    """The columns that were looked at: these, and some more by which the relation is known."""
    key: tuple[str, ...]
    """Empty where no set of columns is known to tell the rows apart."""
    count: int
    rows: tuple[Row, ...]

    def column(self, name: str) -> tuple[str, ...]:
        """That column's hashes, in the order of the rows."""
        at = self.columns.index(name)
        return tuple(row[at] for row in self.rows)

    def keys(self) -> tuple[Row, ...]:
        """The hashes of each row's key, in order."""
        return tuple(map(self.key_in, self.rows))

    def key_in(self, row: Row) -> Row:
        """The key of a row that begins with the used columns."""
        return tuple(row[self.used.index(name)] for name in self.key)

    def used_rows(self) -> list[Row]:
        """The rows' used columns."""
        return [row[: len(self.used)] for row in self.rows]

    def pairs(self, now: Sequence[Row]) -> list[tuple[Row, Row]] | None:
        """The used columns of each sampled row that is still there, then and now; None where its key is no key now."""
        if not self.key:
            return []
        by_key = {self.key_in(row): row for row in now}
        if len(by_key) < len(now):
            return None
        return [(old, by_key[key]) for old in self.used_rows() if (key := self.key_in(old)) in by_key]


def key_of(relation: Relation) -> tuple[str, ...]:
    """The columns that tell its rows apart: the primary key, else a unique set of columns that are never NULL."""
    required = {column.name for column in relation.columns if not column.nullable}
    return relation.primary_key or next((each for each in relation.unique if set(each) <= required), ())


def needed_columns(relation: Relation, used: Iterable[str]) -> tuple[str, ...]:
    """The used columns and the key's, in the relation's order."""
    wanted = {*used, *key_of(relation)}
    return tuple(column.name for column in relation.columns if column.name in wanted)


def sampled_columns(relation: Relation, needed: Sequence[str]) -> tuple[str, ...]:
    """The needed columns and some more."""
    others = [column.name for column in relation.columns if column.name not in needed and column.family != "binary"]
    return (*needed, *others[: max(SAMPLE_COLUMNS - len(needed), 0)])


def sampling_sql(relation: Relation, columns: Sequence[str]) -> str:
    """The SELECT whose rows `sample_of` takes."""
    order = key_of(relation) or tuple(
        name for name in columns if relation.by_name[name].family not in ("json", "other")
    )
    ordered = f" ORDER BY {names(order)}" if order else ""
    return f"SELECT {names(columns)} FROM {place(relation.name)}{ordered} LIMIT {SAMPLE_ROWS}"  # noqa: S608  # quoted


def sample_of(
    relation: Relation, used: Sequence[str], columns: Sequence[str], count: int, rows: Iterable[Sequence[Any]]
) -> Sample:
    """The sample of those rows, which have these columns, the used ones first."""
    families = [relation.by_name[name].family for name in columns]
    return Sample(
        relation=relation,
        used=tuple(used),
        columns=tuple(columns),
        key=key_of(relation),
        count=count,
        rows=tuple(tuple(hashed_value(value, families[at]) for at, value in enumerate(row)) for row in rows),
    )


def hashed_value(value: Any, family: Family) -> str:
    """The hash of a value as one of that family: 5, 5.0 and '5' are the same number, and not the same text."""
    if value is None:
        return NULL
    return blake2b(_canonical(value, family).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _canonical(value: Any, family: Family) -> str:
    if family in _NUMBERS:
        return _number(value)
    if family in _MOMENTS:
        return _moment(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value)


def _number(value: Any) -> str:
    text = str(int(value)) if isinstance(value, bool) else _TRUTHS.get(str(value).strip().lower(), str(value).strip())
    try:
        with localcontext(prec=_DIGITS):
            number = +Decimal(text)
            return f"{number.normalize():f}" if number.is_finite() and number else str(number or Decimal(0))
    except InvalidOperation:
        return str(value)


def _moment(value: Any) -> str:
    if isinstance(value, str):
        try:
            return _moment(datetime.fromisoformat(value))
        except ValueError:
            return value
    if not isinstance(value, datetime):
        return value.isoformat() if isinstance(value, date) else str(value)
    try:
        in_utc = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except OverflowError:  # in the first year or the last, where UTC has no such moment
        return value.isoformat()
    midnight = in_utc.time() == datetime.min.time()
    return in_utc.date().isoformat() if midnight else in_utc.isoformat()
