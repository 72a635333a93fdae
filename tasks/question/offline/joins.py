"""How one relation is joined to another so that none of its rows is lost or repeated: along keys, at most two steps."""

from collections.abc import Iterator
from typing import NamedTuple

from blocks.errors import QuestionRefused
from blocks.schemas.snapshot import Relation, Snapshot
from tasks.question.offline.words import parts


class Link(NamedTuple):
    """A relation's columns that hold the key of another, which is declared or told by the key's name."""

    of: Relation
    columns: tuple[str, ...]
    to: Relation
    key: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.of.name}.{', '.join(self.columns)}"


def links(relation: Relation, schema: Snapshot) -> Iterator[Link]:
    """The other relations of which each row has at most one."""
    declared: set[str] = set()
    for each in relation.foreign_keys:
        declared.update(each.columns)
        referred = schema.by_name.get(each.refers_to)
        if referred is not None and referred.name != relation.name:
            key = each.referred or referred.primary_key
            # SQLite lets a foreign key refer to what is no key, and then several rows may fit.
            if len(key) == len(each.columns) and set(key) in map(set, (referred.primary_key, *referred.unique)):
                yield Link(relation, each.columns, referred, key)
    for column in relation.columns:
        # Its own key is not another's, and `id` names no relation.
        if column.name in declared or (column.name,) == relation.primary_key or len(parts(column.name)) == 1:
            continue
        for other in schema.relations:
            if other.name != relation.name and _same(other.primary_key, column.name, schema):
                yield Link(relation, (column.name,), other, other.primary_key)


def path(root: Relation, target: Relation, schema: Snapshot) -> tuple[Link, ...] | None:
    """The shortest way from a row of the root to its one row of the target; none where there is no such way.

    Raises:
        QuestionRefused: there are two.
    """
    if root.name == target.name:
        return ()
    first = tuple(links(root, schema))
    ways: list[tuple[Link, ...]] = [(link,) for link in first if link.to.name == target.name]
    if not ways:
        ways = [(one, two) for one in first for two in links(one.to, schema) if two.to.name == target.name]
    if len(ways) > 1:
        both = " and ".join(str(way[0] if way[0] != ways[0][0] or not n else way[-1]) for n, way in enumerate(ways[:2]))
        raise QuestionRefused(
            f"{root.name} and {target.name} can be joined in two ways",
            means=f"by {both}",
            mend="write sql instead, with the join that is meant",
        )
    return ways[0] if ways else None


def connecting(one: Relation, other: Relation, schema: Snapshot) -> list[Relation]:
    """The relations that say which rows of the two belong together, each pair of them once."""
    return [each for each in schema.relations if each.name not in (one.name, other.name) and _pairs(each, one, other)]


def _pairs(relation: Relation, one: Relation, other: Relation) -> bool:
    keys = [key for key in relation.foreign_keys if key.refers_to in (one.name, other.name)]
    columns = [name for key in keys for name in key.columns]
    both = {key.refers_to for key in keys} == {one.name, other.name}
    return both and len(keys) == 2 and sorted(columns) == sorted(relation.primary_key)


def _same(key: tuple[str, ...], column: str, schema: Snapshot) -> bool:
    if len(key) != 1:
        return False
    return key[0].lower() == column.lower() if schema.dialect == "sqlite" else key[0] == column
