"""What changed between two snapshots of a schema: a pure function of the two, without a look at any value."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from blocks.schemas.snapshot import Column, Relation, RelationName, Snapshot
from tasks.drift.changes import (
    Change,
    ColumnAdded,
    ColumnMoved,
    ColumnName,
    ColumnRemoved,
    ColumnRenamed,
    ColumnRetyped,
    NullabilityChanged,
    TableAdded,
    TableRemoved,
    TableRenamed,
    TablesMerged,
    TableSplit,
)
from tasks.drift.likeness import Match, coverage, mapping, name_likeness, nearest_relations, relation_likeness

RENAMED_TABLE = 0.7
"""At least so alike are two tables of which one may be the other under a new name."""
COVERED = 0.85
"""At least such a share of a table's columns must be in the tables that it was split into or merged with."""
NEAR_NAME = 0.75
"""At least so alike is the name of a column that is named as nearest to one that was removed."""


def compare(before: Snapshot, now: Snapshot) -> tuple[Change, ...]:
    """The changes, tables first, in the order of the old schema; empty where nothing but the order differs."""
    return tuple(_Comparison(before, now).changes())


class _Comparison:
    """The two schemas, and what of each is not yet accounted for."""

    def __init__(self, before: Snapshot, now: Snapshot) -> None:
        kept = before.by_name.keys() & now.by_name.keys()
        self._now = now
        self._kept = [(relation, now.by_name[relation.name]) for relation in before.relations if relation.name in kept]
        self._gone = {relation.name: relation for relation in before.relations if relation.name not in kept}
        self._new = {relation.name: relation for relation in now.relations if relation.name not in kept}
        self._columns: list[Change] = []

    def changes(self) -> Iterator[Change]:
        yield from self._split_tables()
        yield from self._renamed_tables()
        yield from self._merged_tables()
        for old, new in self._kept:
            self._compare_columns(old, new)
        yield from self._moved_into_new_tables()
        for name, relation in self._gone.items():
            yield TableRemoved(table=name, nearest=nearest_relations(relation, self._new.values()))
        for name in self._new:
            yield TableAdded(table=name)
        yield from _with_moves(self._columns, self._now)

    def _renamed_tables(self) -> Iterator[Change]:
        pairs = [(relation_likeness(old, new), old, new) for old in self._gone.values() for new in self._new.values()]
        for score, old, new in sorted(pairs, key=lambda pair: -pair[0]):
            if score >= RENAMED_TABLE and old.name in self._gone and new.name in self._new:
                if self._is_merge_target(old, new):
                    continue
                del self._gone[old.name], self._new[new.name]
                same = sum(match.score == 1.0 for match in mapping(old.columns, new.columns).values())
                evidence = (f"{same} of {len(old.columns)} columns have the same names",)
                yield TableRenamed(before=old.name, after=new.name, score=min(score, 1.0), evidence=evidence)
                self._compare_columns(old, new)

    def _is_merge_target(self, old: Relation, new: Relation) -> bool:
        """Whether another table that is gone is as wholly in the new one, which is larger than either."""
        others = (other for other in self._gone.values() if other.name != old.name)
        return len(new.columns) > len(old.columns) and any(coverage(other, new) >= COVERED for other in others)

    def _merged_tables(self) -> Iterator[Change]:
        for new in list(self._new.values()):
            parts = [old for old in self._gone.values() if coverage(old, new) >= COVERED]
            if len(parts) < 2:
                continue
            for part in parts:
                del self._gone[part.name]
            del self._new[new.name]
            yield _merge(parts, new)

    def _split_tables(self) -> Iterator[Change]:
        for old in list(self._gone.values()):
            parts = _parts(old, list(self._new.values()))
            if parts:
                del self._gone[old.name]
                for part in parts:
                    del self._new[part.name]
                yield _split(old, parts)

    def _moved_into_new_tables(self) -> Iterator[Change]:
        """Tables that are still there, and of which several columns are now in a new table with the same key."""
        for old, new in self._kept:
            removed = [change for change in self._columns if _is_removed_from(change, old.name)]
            for part in list(self._new.values()):
                lost = [old.by_name[change.column.column] for change in removed if isinstance(change, ColumnRemoved)]
                found = mapping(lost, part.columns)
                if len(found) >= 2 and len(found) == len(lost) and _has_key(part, old.primary_key):
                    del self._new[part.name]
                    self._columns = [change for change in self._columns if change not in removed]
                    yield _split(old, (new, part))

    def _compare_columns(self, old: Relation, new: Relation) -> None:
        found = mapping(old.columns, new.columns)
        for column in old.columns:
            match = found.get(column.name)
            if match is None:
                self._columns.append(
                    ColumnRemoved(column=ColumnName(new.name, column.name), nearest=_near(column, new))
                )
            else:
                self._columns.extend(_changes_of(column, new, match))
        taken = {match.new for match in found.values()}
        added = (column.name for column in new.columns if column.name not in taken)
        self._columns.extend(ColumnAdded(column=ColumnName(new.name, name)) for name in added)


def _changes_of(old: Column, new: Relation, match: Match) -> Iterator[Change]:
    column, name = new.by_name[match.new], ColumnName(new.name, match.new)
    if match.new != old.name:
        before = ColumnName(new.name, old.name)
        yield ColumnRenamed(before=before, after=name, score=match.score, evidence=(match.evidence,))
    if column.type.lower() != old.type.lower():
        yield ColumnRetyped(column=name, before=old.type, after=column.type)
    if column.nullable != old.nullable:
        yield NullabilityChanged(column=name, nullable=column.nullable)


def _near(column: Column, relation: Relation) -> tuple[str, ...]:
    ranked = sorted(relation.columns, key=lambda each: -name_likeness(column.name, each.name))
    return tuple(each.name for each in ranked if name_likeness(column.name, each.name) >= NEAR_NAME)[:3]


def _is_removed_from(change: Change, relation: RelationName) -> bool:
    return isinstance(change, ColumnRemoved) and change.column.relation == relation


def _has_key(relation: Relation, key: Sequence[str]) -> bool:
    lowered = {column.name.lower() for column in relation.columns}
    return bool(key) and all(name.lower() in lowered for name in key)


def _merge(parts: Sequence[Relation], new: Relation) -> TablesMerged:
    found = [{match.new for match in mapping(part.columns, new.columns).values()} for part in parts]
    shared = set.intersection(*found)
    stacked = all(len(shared) > len(each) / 2 for each in found)
    extra = [column for column in new.columns if column.name not in set.union(*found)]
    told = [column.name for column in extra if column.family in ("text", "integer", "boolean")]
    return TablesMerged(
        before=tuple(part.name for part in parts),
        after=new.name,
        how="stacked" if stacked else "widened",
        discriminator=told[0] if stacked and len(told) == 1 else None,
        score=min(coverage(part, new) for part in parts),
        evidence=tuple(f"{coverage(part, new):.0%} of {part.name}'s columns are in {new.name}" for part in parts),
    )


def _parts(old: Relation, new: Sequence[Relation]) -> tuple[Relation, ...]:
    """The two new tables that have the old one's key each, and its other columns, by their names, between them."""
    names = {column.name.lower() for column in old.columns}
    keyed = [relation for relation in new if _has_key(relation, old.primary_key)]
    for pair in combinations(keyed, 2):
        one, other = ({column.name.lower() for column in part.columns} & names for part in pair)
        if len(one | other) >= COVERED * len(names) and one - other and other - one:
            return pair
    return ()


def _split(old: Relation, parts: Sequence[Relation]) -> TableSplit:
    evidence = tuple(f"{len(mapping(old.columns, part.columns))} of its columns are in {part.name}" for part in parts)
    covered = {name for part in parts for name in mapping(old.columns, part.columns)}
    return TableSplit(
        before=old.name,
        after=tuple(part.name for part in parts),
        key=old.primary_key,
        score=len(covered) / len(old.columns),
        evidence=evidence,
    )


def _with_moves(changes: Sequence[Change], now: Snapshot) -> Iterator[Change]:
    """The changes of columns, where a column that was removed in one table and added in another has moved."""
    added = {change.column: change for change in changes if isinstance(change, ColumnAdded)}
    moves = dict(_moves((change for change in changes if isinstance(change, ColumnRemoved)), added.keys(), now))
    arrived = {move.after for move in moves.values()}
    for change in changes:
        if isinstance(change, ColumnRemoved) and change.column in moves:
            yield moves[change.column]
        elif not (isinstance(change, ColumnAdded) and change.column in arrived):
            yield change


def _moves(
    removed: Iterable[ColumnRemoved], added: Iterable[ColumnName], now: Snapshot
) -> Iterator[tuple[ColumnName, ColumnMoved]]:
    for change in removed:
        name = change.column
        targets = [
            each
            for each in added
            if each.relation != name.relation
            and name_likeness(each.column, name.column) >= COVERED
            and _linked(now.by_name[name.relation], now.by_name[each.relation])
        ]
        if len(targets) == 1:
            evidence = (f"{targets[0].relation} has a column of that name now, and the two tables share a key",)
            yield name, ColumnMoved(before=name, after=targets[0], score=0.9, evidence=evidence)


def _linked(one: Relation, other: Relation) -> bool:
    """Whether the two can be joined by a key: one refers to the other, or they have the same."""
    refers = any(key.refers_to == b.name for a, b in ((one, other), (other, one)) for key in a.foreign_keys)
    return refers or _has_key(other, one.primary_key) or _has_key(one, other.primary_key)
