"""Looks for an old relation in the schema as it is now; whatever looks right is checked against the sample by SQL."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy.exc import DBAPIError

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Relation, Snapshot
from tasks.drift.align import Alignment, Rows, align
from tasks.drift.asking import Asking, raise_if_lost, required
from tasks.drift.likeness import mapping, name_likeness
from tasks.drift.rebuild import Only, Part, Rebuild
from tasks.drift.sample import Sample, key_of
from tasks.sql.quoting import names, place

_PASSES = ((12, 2_000), (4, 50_000))
"""Of how many relations, the likeliest first, how many rows are read in which an old one may be: few of many, and then
many of few, where the old rows stand behind another table's."""
_MOST_KINDS = 20
"""A column with more different values than this is not tried as what tells apart two tables' rows."""


@dataclass(frozen=True)
class Search:
    """What was found: none, the one, or several that are all as good; and why the others are not."""

    found: tuple[Rebuild, ...]
    reasons: tuple[str, ...] = ()
    doubt: bool = False
    """Whether it is there as it was, but its rows do not show that it is the same."""


async def search(sample: Sample, now: Snapshot, before: Snapshot, asking: Asking) -> Search:
    """Where the sampled relation is now; `before` is the schema that it was sampled in.

    It is looked for elsewhere only where it is not what it was, and only among what was not there before: a column
    that was always there is another one, however equal its values are.
    """
    still = _itself(sample, now)
    if still is None:
        return await _anywhere(sample, now, before, asking)
    if await asking.holds(still, sample):
        return Search((still,))
    kept = await _is_kept(sample.relation, now, before, asking)
    match await asking.left(still, sample) if kept else "other":
        case "same":
            return Search((still,))
        case "moved":
            # Elsewhere would be but a copy of its rows; a new column of its own may have the values that it had.
            own = await _anywhere(sample, now.having([still.parts[0].relation]), before, asking)
            return Search((still, *own.found), own.reasons, doubt=True)
        case "none":
            found = await _anywhere(sample, now, before, asking)
            others = [each async for each in _new_of_its_names(sample, now, before, asking)]
            return Search((still, *(found.found or others)), found.reasons, doubt=True)
        case "other":
            return await _anywhere(sample, now, before, asking)


def _itself(sample: Sample, now: Snapshot) -> Rebuild | None:
    """The relation of the old name as it is now, if it has the used columns."""
    same = now.by_name.get(sample.relation.name)
    if same is None or not set(sample.used) <= same.by_name.keys():
        return None
    return _by_same_names(sample, same)


def _by_same_names(sample: Sample, relation: Relation) -> Rebuild:
    key, used = ({name: name for name in each} for each in (sample.key, sample.used))
    return _rebuild(sample, [Part(relation, key, used)])


async def _new_of_its_names(sample: Sample, now: Snapshot, before: Snapshot, asking: Asking) -> AsyncIterator[Rebuild]:
    """New relations that have what is left of the sampled rows, under the same names, however many others they have."""
    for relation in now.relations:
        if relation.name not in before.by_name and set(sample.used) <= relation.by_name.keys():
            rebuild = _by_same_names(sample, relation)
            if await asking.left(rebuild, sample) in ("same", "moved"):
                yield rebuild


async def _is_kept(old: Relation, now: Snapshot, before: Snapshot, asking: Asking) -> bool:
    """Whether nothing was done to the relation but to add columns, so that its rows came and went as data do.

    A view's rows are those of other relations, so nothing may have been done to any.
    """
    if not all(_has_the_columns(now, each) for each in (before.relations if old.kind == "view" else (old,))):
        return False
    if old.kind == "view":
        return not any(_fresh(now.by_name[each.name], before) for each in before.relations)
    # A column that could tell apart two tables' rows came with the other's.
    return not await asking.tells_apart(now.by_name[old.name], sorted(_fresh(now.by_name[old.name], before)))


def _has_the_columns(now: Snapshot, old: Relation) -> bool:
    """Whether the relation still begins with the columns that it had: both databases add one at the end."""
    same = now.by_name.get(old.name)
    if same is None or (same.kind, key_of(same)) != (old.kind, key_of(old)):
        return False
    had, has = ([(each.name, each.family) for each in relation.columns] for relation in (old, same))
    return had == has[: len(had)]


async def _anywhere(sample: Sample, now: Snapshot, before: Snapshot, asking: Asking) -> Search:
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
        except (DBAPIError, QueryRefused) as error:  # a view that its database cannot read, a value that Python cannot
            raise_if_lost(error)
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
            for value in sorted(values, key=str) if 2 <= len(values) <= _MOST_KINDS else ():
                part = align(sample, rows.where(column, value)) if sample.key else found
                if part is None or column in part.columns.values():
                    continue
                if part.has(sample.used) and _is_known(sample, part):
                    yield _rebuild(sample, [_part(part)], Only(column, value))
        if found.has(sample.used) and _is_known(sample, found):
            always = [name for name in required(sample) if name not in found.key]
            for name in always[:1]:
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


def _reasons(aligned: Sequence[tuple[Alignment, Rows]]) -> Iterator[str]:
    for found, _ in aligned:
        for old, new in found.unclear.items():
            yield f"{old} may be {' or '.join(new)} of {found.relation.name}"
