"""How alike names, columns and tables are, from 0 to 1, by what the catalog says of them; never by their values.

No list of suffixes or synonyms: a name that shares nothing with the old one can still be found by type, place and key.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import JaroWinkler
from rapidfuzz.fuzz import ratio, token_set_ratio

from blocks.schemas.snapshot import Column, Family, Relation, RelationName

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_KIN: tuple[frozenset[Family], ...] = (
    frozenset({"integer", "number", "decimal", "boolean"}),
    frozenset({"date", "datetime", "text"}),
    frozenset({"uuid", "text"}),
    frozenset({"json", "text"}),
)


@dataclass(frozen=True)
class Match:
    """An old column and a new one that may be the same."""

    old: str
    new: str
    score: float
    evidence: str


def name_likeness(one: str, other: str) -> float:
    """1 for names that differ only in case, separators or order of words."""
    first, second = name_words(one), name_words(other)
    if "".join(first) == "".join(second):
        return 1.0
    one, other = "".join(first), "".join(second)
    # Jaro-Winkler likes a common beginning, but finds two letters of `id` in `paid_on`; the plain ratio does not.
    together = (JaroWinkler.similarity(one, other) + ratio(one, other) / 100) / 2
    words = token_set_ratio(" ".join(first), " ".join(second)) / 100
    # One shared word makes token_set_ratio 1, so it alone does not make two names the same.
    return max(together, 0.9 * words)


def name_words(name: str) -> list[str]:
    """The words of a name in snake_case or camelCase, in lower case."""
    return [word.lower() for word in _WORD.findall(name)] or [name.lower()]


def kin(one: Column, other: Column) -> bool:
    """Whether the values of one could be those of the other; a SQLite column without a type could hold any."""
    families = {one.family, other.family}
    return len(families) == 1 or "" in (one.type, other.type) or any(families <= each for each in _KIN)


def column_match(old: Column, new: Column, *, same_place: bool) -> Match | None:
    """How likely the new column is the old one under another name; None where their types speak against it."""
    if not kin(old, new):
        return None
    names = name_likeness(old.name, new.name)
    same_type = old.type.lower() == new.type.lower()
    score = 0.5 * names + (0.25 if same_type else 0.1) + (0.25 if same_place else 0.0)
    evidence = [f"names {names:.0%} alike", f"type {new.type or 'none'}" if same_type else f"{old.type} and {new.type}"]
    if same_place:
        evidence.append("same place")
    return Match(old.name, new.name, min(score, 1.0), ", ".join(evidence))


def mapping(old: Sequence[Column], new: Sequence[Column]) -> Mapping[str, Match]:
    """The old columns' likeliest counterparts: by name first, the rest by name, type and place; each new one once."""
    by_name = {_plain(column.name): column for column in new}
    same = {
        column.name: Match(column.name, found.name, 1.0 if kin(column, found) else OTHER_TYPE, "same name")
        for column in old
        if (found := by_name.get(_plain(column.name))) is not None
    }
    taken = {match.new for match in same.values()}
    rest_old = [column for column in old if column.name not in same]
    rest_new = [column for column in new if column.name not in taken]
    return {**same, **_renamed(rest_old, rest_new, _places(old, new, same))}


def coverage(old: Relation, new: Relation) -> float:
    """Which share of the old relation's columns the new one has, each weighed by how sure that is."""
    if not old.columns:
        return 0.0
    return sum(match.score for match in mapping(old.columns, new.columns).values()) / len(old.columns)


def relation_likeness(old: Relation, new: Relation) -> float:
    """How likely the new relation is the old one: mostly its columns, both ways, then key and name."""
    if old.kind != new.kind or not new.columns:
        return 0.0
    found = mapping(old.columns, new.columns)
    columns = 2 * sum(match.score for match in found.values()) / (len(old.columns) + len(new.columns))
    key = tuple(found[name].new for name in old.primary_key if name in found)
    same_key = 1.0 if key == new.primary_key else 0.0
    return 0.7 * columns + 0.1 * same_key + 0.2 * name_likeness(old.name.name, new.name.name)


def nearest_relations(old: Relation, others: Iterable[Relation]) -> tuple[RelationName, ...]:
    """At most three that resemble the relation, the likest first."""
    likeness = {other.name: relation_likeness(old, other) for other in others}
    return tuple(
        sorted((name for name in likeness if likeness[name] >= RESEMBLES), key=lambda each: -likeness[each])[:3]
    )


def _renamed(old: Sequence[Column], new: Sequence[Column], places: Mapping[str, str]) -> Mapping[str, Match]:
    pairs = [
        match
        for one in old
        for other in new
        if (match := column_match(one, other, same_place=places.get(one.name) == other.name)) is not None
    ]
    found: dict[str, Match] = {}
    for match in sorted(pairs, key=lambda each: -each.score):
        if match.old not in found and match.new not in {each.new for each in found.values()}:
            found[match.old] = match
    return {name: match for name, match in found.items() if match.score >= RENAMED}


RESEMBLES = 0.4
"""At least so alike is a relation that is named as nearest to one that is gone."""
OTHER_TYPE = 0.6
"""How alike a column of the same name is whose values must be others."""
RENAMED = 0.5
"""At least so alike are two columns of which one may be the other renamed: the same type at the same place will do."""


def _places(old: Sequence[Column], new: Sequence[Column], same: Mapping[str, Match]) -> Mapping[str, str]:
    """For old columns without a namesake, the new one at the same place between those with one."""
    order = [column.name for column in new]
    places: dict[str, str] = {}
    at = 0
    for column in old:
        if column.name in same:
            at = order.index(same[column.name].new) + 1
        elif at < len(order):
            places[column.name] = order[at]
            at += 1
    return places


def _plain(name: str) -> str:
    return "".join(name_words(name))
