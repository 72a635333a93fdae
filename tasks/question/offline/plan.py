"""What a question asks for in one schema: each name is one table or column, and each table is joined to one root."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from blocks.schemas.snapshot import Relation
from tasks.question.offline.asked import Compare, Condition, Direction, Kind
from tasks.question.offline.joins import Link
from tasks.question.offline.names import Meant
from tasks.question.offline.refusals import cannot
from tasks.question.offline.words import parts


@dataclass(frozen=True)
class Bucket:
    """A date cut to its month, year or day, as what a question groups by."""

    meant: Meant
    unit: str


@dataclass(frozen=True)
class Figure:
    """A measure of one column, or of the rows where it has none."""

    kind: Kind
    meant: Meant
    distinct: bool = False


Shown = Meant | Bucket
Sorted = tuple[Shown | Figure, Direction]


@dataclass
class Plan:
    """A SELECT before it is written."""

    root: Relation
    links: list[Link] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    """What it groups by, or what it lists."""
    conditions: list[tuple[Condition, Meant]] = field(default_factory=list)
    orders: list[Sorted] = field(default_factory=list)
    limit: int | None = None
    distinct: bool = False


def names_of(relation: Relation) -> list[Meant]:
    """The columns that name a row for people: `name`, `title` or those that end so."""
    text = [each for each in relation.columns if each.family == "text"]
    own = parts(relation.name.name)
    whole = [each for each in text if parts(each.name) in (["name"], [*own, "name"])]
    ending = [each for each in text if parts(each.name)[-1] == "name"]
    titles = [each for each in text if parts(each.name) in (["title"], [*own, "title"])]
    return [Meant(relation, each) for each in whole[:1] or ending or titles[:1]]


def identity(relation: Relation) -> list[Meant]:
    """The columns that tell a row of the relation from the others, with those that name it.

    Raises:
        QuestionRefused: it has no key.
    """
    named = names_of(relation)
    names = [each.column for each in named if each.column]
    if len(names) == 1 and not names[0].nullable and (names[0].name,) in relation.unique:
        return named
    if not relation.primary_key:
        raise cannot(str(relation.name), "it has no key that tells one of its rows from another; name a column of it")
    keys = [Meant(relation, relation.by_name[each]) for each in relation.primary_key]
    return [*keys, *(each for each in named if each not in keys)]


def once(items: Iterable[Shown]) -> list[Shown]:
    """Each item once."""
    return list(dict.fromkeys(items))


def is_named(relation: Relation, compare: Compare) -> Meant:
    """The column that holds the names of the relation's rows.

    Raises:
        QuestionRefused: it has none, or several.
    """
    named = names_of(relation)
    if len(named) != 1 or any(each.kind == "number" for each in compare.values):
        value = compare.values[0].text
        raise cannot(value, f"it is not clear which column of {relation.name} it is a value of")
    return named[0]
