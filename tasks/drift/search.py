"""Looks for an old relation in the schema as it is now; whatever looks right is checked against the sample by SQL."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.schemas.snapshot import Dialect, Relation, Snapshot
from tasks.drift.align import EQUAL, FOUND, Alignment, Rows, align
from tasks.drift.likeness import mapping, name_likeness
from tasks.drift.quoting import names, place, quoted
from tasks.drift.rebuild import Only, Part, Rebuild
from tasks.drift.sample import (
    SAMPLE_ROWS,
    Sample,
    hashed_value,
    key_of,
    needed_columns,
    sample_of,
    sampled_columns,
    sampling_sql,
)

_PASSES = ((12, 2_000), (4, 50_000))
"""Of how many relations, the likeliest first, how many rows are read in which an old one may be: few of many, and then
many of few, where the old rows stand behind another table's."""
MOST_KINDS = 20
"""A column with more different values than this does not tell apart what two tables were stacked from."""
GROWN = 0.1
"""At most such a share of rows may have come or gone since the sample, or it is not the same relation."""
CHOSEN = 0.01
"""The same where only some rows were chosen: a wrong choice could leave out those that speak against it."""


@dataclass(frozen=True)
class Search:
    """What was found: none, the one, or several that are all as good; and why the others are not."""

    found: tuple[Rebuild, ...]
    reasons: tuple[str, ...] = ()


class Asking:
    """Asks a connection, so that a statement that fails leaves its transaction usable."""

    def __init__(self, connection: AsyncConnection, dialect: Dialect) -> None:
        self._connection, self.dialect = connection, dialect

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        async with self._connection.begin_nested():
            return [tuple(row) for row in (await self._connection.exec_driver_sql(sql)).all()]

    async def sample(self, relation: Relation, used: Sequence[str]) -> Sample:
        """What is remembered of the relation's values."""
        needed = needed_columns(relation, used)
        (count,) = await self._counts(place(relation.name))
        rows = await self.rows(sampling_sql(relation, sampled_columns(relation, needed)))
        return sample_of(relation, needed, count, rows)

    async def holds(self, rebuild: Rebuild, sample: Sample) -> bool:
        """Whether the rebuilt relation has the rows that the sample is of; a SELECT that fails does not."""
        select = rebuild.select(self.dialect)
        try:
            count, *there = await self._counts(f"({select}) AS r", _required(sample))
            # Rows without what each of them had were another table's; the databases differ in where they sort them.
            if not rebuild.unchanged and any(each < count for each in there):
                return False
            if abs(count - sample.count) > max(2, (CHOSEN if rebuild.only else GROWN) * sample.count):
                return False
            if not sample.used:
                return True
            order = names(sample.key or sample.used)
            first = f"SELECT {names(sample.used)} FROM ({select}) AS r ORDER BY {order} LIMIT {2 * SAMPLE_ROWS}"  # noqa: S608  # quoted names
            return agrees(sample, await self.rows(first))
        except DBAPIError as error:
            _raise_if_lost(error)
            return False

    async def refusal(self, explaining: TextClause) -> str:
        """Why the database will not run the statement, in its words; empty where it will."""
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(explaining)
        except DBAPIError as error:
            _raise_if_lost(error)
            return str(error.orig).splitlines()[0].rpartition(">: ")[2]
        return ""

    async def _counts(self, place_or_query: str, columns: Sequence[str] = ()) -> list[int]:
        """How many rows there are, and in how many of them each of the columns has a value."""
        counts = ", ".join(["COUNT(*)", *(f"COUNT({quoted(column)})" for column in columns)])
        (row,) = await self.rows(f"SELECT {counts} FROM {place_or_query}")  # noqa: S608  # quoted names
        return list(map(int, row))


def _required(sample: Sample) -> list[str]:
    """The used columns that were never NULL."""
    return [name for name in sample.used if name in sample.key or not sample.relation.by_name[name].nullable]


def _raise_if_lost(error: DBAPIError) -> None:
    """A lost connection is no refusal of the statement."""
    if error.connection_invalidated:
        raise error


def agrees(sample: Sample, rows: Sequence[Sequence[Any]]) -> bool:
    """Whether these used columns are, but for a few changes, those of the sample; in its key's order, and some more."""
    families = [sample.relation.by_name[name].family for name in sample.used]
    before = [row[: len(sample.used)] for row in sample.rows]
    now = [tuple(hashed_value(value, families[at]) for at, value in enumerate(row)) for row in rows]
    if not sample.key:
        same = sum((Counter(before) & Counter(now)).values())
        return same >= EQUAL * len(before) and (bool(before) or not now)
    at = [sample.used.index(name) for name in sample.key]
    keys = [tuple(row[each] for each in at) for row in now]
    by_key = dict(zip(keys, now, strict=True))
    pairs = [(old, by_key[key]) for key, old in zip(sample.keys(), before, strict=True) if key in by_key]
    if len(by_key) < len(keys) or len(pairs) < FOUND * len(sample.rows):
        return False
    if _strangers(sample, keys) > GROWN * len(sample.rows):
        return False
    return all(sum(old[each] == new[each] for old, new in pairs) >= EQUAL * len(pairs) for each in range(len(families)))


def _strangers(sample: Sample, keys: Sequence[tuple[str, ...]]) -> int:
    """How many rows lie between the sampled ones and were not among them."""
    known = set(sample.keys())
    last = max((at for at, key in enumerate(keys) if key in known), default=-1)
    return sum(key not in known for key in keys[: last + 1])


async def search(sample: Sample, now: Snapshot, before: Snapshot, asking: Asking) -> Search:
    """Where the sampled relation is now; `before` is the schema that it was sampled in.

    It is looked for elsewhere only where it is not what it was, and only among what was not there before: a column
    that was always there is another one, however equal its values are.
    """
    same = now.by_name.get(sample.relation.name)
    if same is not None and set(sample.used) <= same.by_name.keys():
        still = _rebuild(sample, [Part(same, *_itself(sample))])
        if await asking.holds(still, sample):
            return Search((still,))
    if not sample.rows:
        return Search((), (f"{sample.relation.name} had no rows by which it could be known again",))
    result, likeliest = Search(()), _likeliest(sample, now, before)
    for relations, rows in _PASSES:
        result = await _search_elsewhere(sample, likeliest[:relations], rows, asking)
        if result.found:
            break
    return result


async def _search_elsewhere(
    sample: Sample, relations: Sequence[tuple[Relation, frozenset[str]]], rows_read: int, asking: Asking
) -> Search:
    aligned = [each async for each in _alignments(sample, relations, rows_read, asking)]
    for candidates in (
        _whole(sample, aligned),
        _filtered(sample, aligned),
        _joined(sample, aligned),
        _whole(sample, aligned, repeats=True),
        _joined(sample, aligned, repeats=True),
    ):
        if found := _of_its_kind(sample, [each async for each in _verified(sample, candidates, asking)]):
            return Search(tuple(found))
    return Search((), tuple(_reasons(aligned)))


def _of_its_kind(sample: Sample, found: list[Rebuild]) -> list[Rebuild]:
    """Without the views on a table that was found itself."""
    alike = [each for each in found if all(part.relation.kind == sample.relation.kind for part in each.parts)]
    return alike or found


async def _verified(sample: Sample, candidates: Iterator[Rebuild], asking: Asking) -> AsyncIterator[Rebuild]:
    for candidate in candidates:
        if await asking.holds(candidate, sample):
            yield candidate


async def _alignments(
    sample: Sample, relations: Sequence[tuple[Relation, frozenset[str]]], rows_read: int, asking: Asking
) -> AsyncIterator[tuple[Alignment, Rows]]:
    for relation, fresh in relations:
        order = f" ORDER BY {names(key)}" if (key := key_of(relation)) else ""
        columns = names(column.name for column in relation.columns)
        try:
            read = await asking.rows(f"SELECT {columns} FROM {place(relation.name)}{order} LIMIT {rows_read}")  # noqa: S608  # quoted names
        except DBAPIError as error:  # a view that its database cannot read
            _raise_if_lost(error)
            continue
        rows = Rows(relation, read, fresh, own=relation.name == sample.relation.name)
        found = align(sample, rows) if sample.key else _by_names(sample, rows)
        if found is not None:
            yield found, rows


def _likeliest(sample: Sample, now: Snapshot, before: Snapshot) -> list[tuple[Relation, frozenset[str]]]:
    """The relation of the old name and those that have columns which were not there before, with these columns."""
    old = [sample.relation.by_name[name] for name in sample.columns]

    def likeness(relation: Relation) -> float:
        matches = sum(match.score for match in mapping(old, relation.columns).values())
        return matches / max(min(len(old), len(relation.columns)), 1) + name_likeness(
            sample.relation.name.name, relation.name.name
        )

    fresh = {relation.name: _fresh(relation, before) for relation in now.relations}
    eligible = [each for each in now.relations if fresh[each.name] or each.name == sample.relation.name]
    ranked = sorted((each for each in eligible if each.columns), key=likeness, reverse=True)
    return [(relation, fresh[relation.name]) for relation in ranked]


def _fresh(relation: Relation, before: Snapshot) -> frozenset[str]:
    was = before.by_name.get(relation.name)
    return frozenset(column.name for column in relation.columns if was is None or column.name not in was.by_name)


def _by_names(sample: Sample, rows: Rows) -> Alignment:
    """Of rows that no key tells apart: the columns of the same names."""
    there = rows.relation.by_name if rows.own else rows.fresh
    return Alignment(rows.relation, {}, {name: name for name in sample.columns if name in there}, {}, frozenset())


def _whole(sample: Sample, aligned: Sequence[tuple[Alignment, Rows]], *, repeats: bool = False) -> Iterator[Rebuild]:
    """From one relation that has every column, and perhaps every row several times."""
    for found, _ in aligned:
        if found.has(sample.used) and _is_known(sample, found) and (found.key or not repeats):
            used = {name: found.columns[name] for name in sample.used}
            yield _rebuild(sample, [Part(found.relation, found.key, used, repeats)])


def _filtered(sample: Sample, aligned: Sequence[tuple[Alignment, Rows]]) -> Iterator[Rebuild]:
    """From a part of the rows of one relation: those of one kind, or those that have what was never NULL."""
    for found, rows in aligned:
        # What tells apart came with the rows of the other kind, and is no column of the sample: rows that are chosen
        # by a value that was looked for always have it.
        for column in sorted(rows.fresh - set(found.columns.values())):
            values = rows.values(column)
            for value in sorted(values, key=str) if 2 <= len(values) <= MOST_KINDS else ():
                part = align(sample, rows.where(column, value)) if sample.key else found
                if part is None or column in part.columns.values():
                    continue
                if part.has(sample.used) and _is_known(sample, part):
                    yield _rebuild(sample, [_part(part)], Only(column, value))
        if found.has(sample.used) and _is_known(sample, found):
            required = [name for name in _required(sample) if name not in found.key]
            for name in required[:1]:
                yield _rebuild(sample, [_part(found)], Only(found.columns[name]))


def _joined(sample: Sample, aligned: Sequence[tuple[Alignment, Rows]], *, repeats: bool = False) -> Iterator[Rebuild]:
    """From two relations that have every column between them, the one of the old name or with more columns first."""
    parts = [_part(found) for found, _ in aligned if found.key and found.telling]
    parts.sort(key=lambda part: (part.relation.name != sample.relation.name, -len(part.columns)))
    for first, second in combinations(parts, 2):
        new = {old: each for old, each in second.columns.items() if old not in first.columns and old in sample.used}
        if new and set(sample.used) <= {*first.columns, *new}:
            yield _rebuild(sample, [first, Part(second.relation, second.key, new, repeats)])


def _is_known(sample: Sample, found: Alignment) -> bool:
    """Whether the relation is known by its values, or, where it has none that tell, by all of its columns' names."""
    same = all(old == new for old, new in found.columns.items()) and found.has(sample.columns)
    return found.known_by_values or (same and not found.telling)


def _part(found: Alignment) -> Part:
    return Part(found.relation, found.key, found.columns)


def _rebuild(sample: Sample, parts: Sequence[Part], only: Only | None = None) -> Rebuild:
    return Rebuild(sample.relation, sample.used, tuple(parts), only)


def _itself(sample: Sample) -> tuple[dict[str, str], dict[str, str]]:
    return {name: name for name in sample.key}, {name: name for name in sample.used}


def _reasons(aligned: Sequence[tuple[Alignment, Rows]]) -> Iterator[str]:
    for found, _ in aligned:
        for old, new in found.unclear.items():
            yield f"{old} may be {' or '.join(new)} of {found.relation.name}"
