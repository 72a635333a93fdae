"""Finds the columns of a sample again among the rows of another relation, row by row: by values, not by names alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from typing import Any

from blocks.schemas.snapshot import Family, Relation
from tasks.drift.likeness import name_likeness
from tasks.drift.sample import NULL, Sample, hashed_value

FOUND = 0.9
"""At least such a share of the sampled keys must be found: a few rows may have been deleted meanwhile."""
EQUAL = 0.95
"""At least such a share of the found rows must have the old value: a few may have been updated meanwhile."""
TELLING = 3
"""With fewer different values than this, equal values are no evidence, and only the same name counts."""
KNOWN = 0.5
"""At least such a share of the telling columns must be found, or a relation is not known by its values."""
_KEYS_TRIED = 16


@dataclass(frozen=True)
class Alignment:
    """Where the columns of a sample are in another relation, as far as its rows show."""

    relation: Relation
    key: Mapping[str, str]
    """Old key column to new column."""
    columns: Mapping[str, str]
    """Old column to new column, the key's among them; those without a counterpart are left out."""
    unclear: Mapping[str, tuple[str, ...]]
    """Old columns of which several new ones have the same values."""
    telling: frozenset[str]
    """The old columns beside the key that have values different enough to know a relation by."""

    def has(self, columns: Iterable[str]) -> bool:
        """Whether each of these old columns was found."""
        return set(columns) <= self.columns.keys()

    @property
    def known_by_values(self) -> bool:
        """Whether enough was found to say that this is the relation: a key alone, such as 1 to 9, may be anyone's."""
        found = len(self.telling & self.columns.keys())
        return bool(self.telling) and found >= KNOWN * len(self.telling)


class Rows:
    """Rows of a relation, and the hashes of its columns as values of a family.

    `fresh` are the columns that it did not have when the sample was taken; `own`: it has the sampled relation's name.
    """

    def __init__(
        self, relation: Relation, rows: Sequence[Sequence[Any]], fresh: frozenset[str], *, own: bool = False
    ) -> None:
        self.relation, self.rows, self.fresh, self.own = relation, rows, fresh, own
        self._at = {column.name: at for at, column in enumerate(relation.columns)}
        self.hashes = cache(self._hashes)

    def _hashes(self, column: str, family: Family) -> tuple[str, ...]:
        at = self._at[column]
        return tuple(hashed_value(row[at], family) for row in self.rows)

    def where(self, column: str, value: Any) -> "Rows":
        """The rows with that value in that column."""
        at = self._at[column]
        return Rows(self.relation, [row for row in self.rows if row[at] == value], self.fresh, own=self.own)

    def values(self, column: str) -> set[Any]:
        """The different values of a column, without NULL."""
        at = self._at[column]
        return {row[at] for row in self.rows if row[at] is not None}


def align(sample: Sample, rows: Rows) -> Alignment | None:
    """The alignment in which most columns are found; None where the sampled keys are not among the rows."""
    best: Alignment | None = None
    for key in islice(_keys(sample, rows), _KEYS_TRIED):
        found = _aligned_by(sample, rows, key)
        if found is not None and (best is None or len(found.columns) > len(best.columns)):
            best = found
    return best


def _keys(sample: Sample, rows: Rows) -> Iterator[Mapping[str, str]]:
    """The ways in which the key's columns may be found again, the likeliest names first."""
    choices = []
    for old in sample.key:
        family = sample.relation.by_name[old].family
        wanted = set(sample.column(old)) - {NULL}
        columns = [
            column.name
            for column in rows.relation.columns
            if wanted and len(wanted & set(rows.hashes(column.name, family))) >= FOUND * len(wanted)
        ]
        choices.append(sorted(columns, key=lambda each, old=old: -name_likeness(old, each)))  # type: ignore[misc]  # bound
    for chosen in product(*choices):
        if sample.key and len(set(chosen)) == len(chosen):
            yield dict(zip(sample.key, chosen, strict=True))


def _aligned_by(sample: Sample, rows: Rows, key: Mapping[str, str]) -> Alignment | None:
    families = sample.relation.by_name
    new_keys = zip(*(rows.hashes(new, families[old].family) for old, new in key.items()), strict=True)
    place = {each: at for at, each in reversed(list(enumerate(new_keys)))}
    pairs = [(at, place[each]) for at, each in enumerate(sample.keys()) if each in place]
    if len(pairs) < FOUND * len(sample.rows) or not pairs:
        return None
    found = _Columns(sample, rows, key, pairs)
    found.match_by_name()
    found.match_by_values()
    return Alignment(rows.relation, key, found.columns, found.unclear, frozenset(found.telling))


class _Columns:
    """The columns of a sample, while they are matched: first with their namesakes, then the rest with what is left."""

    def __init__(self, sample: Sample, rows: Rows, key: Mapping[str, str], pairs: Sequence[tuple[int, int]]) -> None:
        self._sample, self._rows = sample, rows
        self.columns, self.unclear, self.telling = dict(key), dict[str, tuple[str, ...]](), set[str]()
        self._equal = {
            old: _equal(sample.column(old), sample.relation.by_name[old].family, rows, pairs)
            for old in sample.columns
            if old not in key
        }
        for old in self._equal:
            if len({sample.column(old)[at] for at, _ in pairs} - {NULL}) >= TELLING:
                self.telling.add(old)

    def match_by_name(self) -> None:
        for old, equal in self._equal.items():
            new = next((each for each in equal if name_likeness(old, each) == 1.0), None)
            if new is not None and (self._rows.own or new in self._rows.fresh):
                self.columns[old] = new

    def match_by_values(self) -> None:
        """What was there before under its own name is no other column now, unless that one is no longer there."""
        taken = set(self.columns.values())
        for old, equal in self._equal.items():
            if old in self.columns:
                continue
            free = [each for each in equal if each not in taken and (self._rows.own or each in self._rows.fresh)]
            if old not in self.telling:
                free = [each for each in free if each in self._rows.fresh and self._same_type(old, each)]
            if len(free) == 1:
                self.columns[old] = free[0]
            elif free:
                self.unclear[old] = tuple(free)

    def _same_type(self, old: str, new: str) -> bool:
        before, now = self._sample.relation.by_name[old], self._rows.relation.by_name[new]
        return before.type.lower() == now.type.lower()


def _equal(old: Sequence[str], family: Family, rows: Rows, pairs: Sequence[tuple[int, int]]) -> list[str]:
    """The new columns that have the old column's values in the same rows."""
    found = []
    for column in rows.relation.columns:
        new = rows.hashes(column.name, family)
        if sum(old[at] == new[there] for at, there in pairs) >= EQUAL * len(pairs):
            found.append(column.name)
    return found
