"""Asks a database whether a relation, as it is or rebuilt, has the rows that a sample is of."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import TextClause
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Dialect, Relation
from tasks.drift.align import EQUAL, FOUND, KNOWN
from tasks.drift.rebuild import Rebuild
from tasks.drift.sample import (
    MOVING,
    SAMPLE_ROWS,
    Row,
    Sample,
    hashed_value,
    needed_columns,
    sample_of,
    sampled_columns,
    sampling_sql,
)
from tasks.sql.quoting import names, place, quoted

GROWN = 0.1
"""At most such a share of rows may have come or gone since the sample, or it is not the same relation."""
CHOSEN = 0.01
"""The same where only some rows were chosen: a wrong choice could leave out those that speak against it."""

Left = Literal["same", "moved", "none", "other"]
"""Whether the sampled rows that are left have their values, or moved ones, or none is left that could show it, or they
have values that are not theirs."""


class Asking:
    """Asks a connection, so that a statement that fails leaves its transaction usable."""

    def __init__(self, connection: AsyncConnection, dialect: Dialect) -> None:
        self._connection, self.dialect = connection, dialect

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The statement's rows.

        Raises:
            DBAPIError: the database refuses it.
            QueryRefused: it gives a value that Python has none for, such as a date before our era.
        """
        async with self._connection.begin_nested():
            try:
                return [tuple(row) for row in (await self._connection.exec_driver_sql(sql)).all()]
            except (ValueError, OverflowError) as error:
                raise QueryRefused(f"a value cannot be read: {error}", mend="leave it out of the SQL") from error

    async def sample(self, relation: Relation, used: Sequence[str]) -> Sample:
        """What is remembered of the relation's values."""
        needed = needed_columns(relation, used)
        (count,) = await self._counts(place(relation.name))
        columns = sampled_columns(relation, needed)
        try:
            rows = await self.rows(sampling_sql(relation, columns))
        except (DBAPIError, QueryRefused) as error:  # some column that is not needed may not be read, or cannot
            raise_if_lost(error)
            columns = needed
            rows = await self.rows(sampling_sql(relation, columns)) if columns else []
        return sample_of(relation, needed, columns, count, rows)

    async def holds(self, rebuild: Rebuild, sample: Sample) -> bool:
        """Whether the rebuilt relation has the rows that the sample is of; a SELECT that fails does not."""
        select = rebuild.select(self.dialect)
        try:
            count, *there = await self._counts(f"({select}) AS r", required(sample))
            # Rows without what each of them had were another table's; the databases differ in where they sort them.
            if not rebuild.unchanged and any(each < count for each in there):
                return False
            if abs(count - sample.count) > max(2, (CHOSEN if rebuild.only else GROWN) * sample.count):
                return False
            return not sample.used or agrees(sample, await self._first(select, sample))
        except (DBAPIError, QueryRefused) as error:
            raise_if_lost(error)
            return False

    async def left(self, rebuild: Rebuild, sample: Sample) -> Left:
        """What became of the sampled rows."""
        if not sample.used:  # they are but counted
            return "none"
        try:
            return left_of(sample, await self._first(rebuild.select(self.dialect), sample))
        except (DBAPIError, QueryRefused) as error:
            raise_if_lost(error)
            return "other"

    async def tells_apart(self, relation: Relation, columns: Sequence[str]) -> bool:
        """Whether one of the columns could tell apart the rows of tables that were stacked in the relation."""
        if not columns:
            return False
        counts = ", ".join(f"COUNT({quoted(each)}), COUNT(DISTINCT {quoted(each)})" for each in columns)
        try:
            (row,) = await self.rows(f"SELECT COUNT(*), {counts} FROM {place(relation.name)}")  # noqa: S608  # quoted names
        except (DBAPIError, QueryRefused) as error:  # PostgreSQL's json has no DISTINCT
            raise_if_lost(error)
            return True
        count, there, different = row[0], row[1::2], row[2::2]
        return any(each + (some < count) > 1 for some, each in zip(there, different, strict=True))

    async def refusal(self, explaining: TextClause) -> str:
        """Why the database will not run the statement, in its words; empty where it will."""
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(explaining)
        except DBAPIError as error:
            raise_if_lost(error)
            return str(error.orig).splitlines()[0].rpartition(">: ")[2]
        return ""

    async def _first(self, select: str, sample: Sample) -> list[tuple[Any, ...]]:
        """The used columns of twice as many rows as a sample has, in its order."""
        order = names(sample.key or sample.used)
        return await self.rows(
            f"SELECT {names(sample.used)} FROM ({select}) AS r ORDER BY {order} LIMIT {2 * SAMPLE_ROWS}"  # noqa: S608  # quoted names
        )

    async def _counts(self, place_or_query: str, columns: Sequence[str] = ()) -> list[int]:
        """How many rows there are, and in how many of them each of the columns has a value."""
        counts = ", ".join(["COUNT(*)", *(f"COUNT({quoted(column)})" for column in columns)])
        (row,) = await self.rows(f"SELECT {counts} FROM {place_or_query}")  # noqa: S608  # quoted names
        return list(map(int, row))


def required(sample: Sample) -> list[str]:
    """The used columns that were never NULL."""
    return [name for name in sample.used if name in sample.key or not sample.relation.by_name[name].nullable]


def agrees(sample: Sample, rows: Sequence[Sequence[Any]]) -> bool:
    """Whether these used columns are, but for a few changes, those of the sample; in its key's order, and some more."""
    now = _hashed(sample, rows)
    if not sample.key:
        before = sample.used_rows()
        same = sum((Counter(before) & Counter(now)).values())
        return same >= EQUAL * len(before) and (bool(before) or not now)
    pairs = sample.pairs(now)
    if pairs is None or len(pairs) < FOUND * len(sample.rows):
        return False
    if _strangers(sample, now) > GROWN * len(sample.rows):
        return False
    return not _changed(sample, pairs)


def left_of(sample: Sample, rows: Sequence[Sequence[Any]]) -> Left:
    """What became of the sampled rows among these.

    Numbers and moments move, as a stock's quantity does; texts move among those that there were, as a state does.
    """
    pairs = sample.pairs(_hashed(sample, rows))
    if pairs is None:
        return "other"
    changed = _changed(sample, pairs)
    if not all(_may_move(sample, name, pairs) for name in changed):
        return "other"
    if not pairs:
        return "none"
    by_key_alone = set(sample.used) <= set(sample.key) and len(pairs) < FOUND * len(sample.rows)
    return "moved" if changed or by_key_alone else "same"


def raise_if_lost(error: Exception) -> None:
    """A lost connection is no refusal of the statement."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        raise error


def _hashed(sample: Sample, rows: Sequence[Sequence[Any]]) -> list[Row]:
    families = [sample.relation.by_name[name].family for name in sample.used]
    return [tuple(hashed_value(value, families[at]) for at, value in enumerate(row)) for row in rows]


def _changed(sample: Sample, pairs: Sequence[tuple[Row, Row]]) -> list[str]:
    """The used columns in which too many of the rows have another value than they had."""
    equal = {name: sum(old[at] == new[at] for old, new in pairs) for at, name in enumerate(sample.used)}
    return [name for name, same in equal.items() if same < EQUAL * len(pairs)]


def _may_move(sample: Sample, name: str, pairs: Sequence[tuple[Row, Row]]) -> bool:
    if sample.relation.by_name[name].family in MOVING:
        return True
    at, known = sample.used.index(name), set(sample.column(name))
    return sum(new[at] in known for _, new in pairs) >= KNOWN * len(pairs)


def _strangers(sample: Sample, rows: Sequence[Row]) -> int:
    """How many rows lie between the sampled ones and were not among them."""
    known, keys = set(sample.keys()), [sample.key_in(row) for row in rows]
    last = max((at for at, key in enumerate(keys) if key in known), default=-1)
    return sum(key not in known for key in keys[: last + 1])
