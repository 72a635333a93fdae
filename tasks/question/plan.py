"""What a question asks for in one schema: each name is one table or column, and each table is joined to one root."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from blocks.errors import QuestionRefused
from blocks.schemas.snapshot import Column, Relation, RelationName, Snapshot
from tasks.question.asked import Asked, Compare, Condition, Direction, During, Kind, Measure
from tasks.question.joins import Link, path
from tasks.question.names import Meant, Said
from tasks.question.refusals import ambiguous, cannot
from tasks.question.words import MEND, key, parts

NUMERIC = ("integer", "number", "decimal")
DATES = ("date", "datetime")


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


class Lookup:
    """The names of one question in one schema."""

    def __init__(self, asked: Asked, schema: Snapshot) -> None:
        self.asked, self.schema = asked, schema
        said = [*asked.listed, *asked.subjects, *asked.groups, *([asked.head] if asked.head else [])]
        said += [each.said for each in asked.measures if each.kind == "count"]
        said += [each.said for each in asked.conditions if each.said]
        said += [each.said.said for each in asked.orders if isinstance(each.said, Measure)]
        self.mentioned: set[RelationName] = {
            each.relations[0].relation.name for each in said if len(each.relations) == 1 == len(each.can_mean)
        }
        self.links: dict[RelationName, tuple[Link, ...]] = {}
        self.root: Relation | None = None

    def settle(self, root: Relation) -> None:
        """From here on everything is joined to the root."""
        self.root = root
        self.mentioned.add(root.name)

    def column(self, said: Said) -> Meant:
        """The only column that is meant.

        Raises:
            QuestionRefused: there are several, or none.
        """
        _refuse_unclear(said)
        if not said.columns:
            raise cannot(said.words, "it is a table, and a column is needed; say which, such as a column 'of' it")
        inside = [each for each in said.columns if each.relation.name in self.mentioned]
        found = inside or said.columns
        if len(found) > 1:
            raise ambiguous(said, found)
        return self.reached(found[0])

    def relation(self, said: Said) -> Meant:
        """The only relation that is meant.

        Raises:
            QuestionRefused: there are several, or none.
        """
        _refuse_unclear(said)
        if len(said.relations) != 1:
            raise ambiguous(said, said.relations) if said.relations else cannot(said.words, "it is no table")
        return self.reached(said.relations[0])

    def either(self, said: Said) -> Meant:
        """The only relation or column that is meant.

        Raises:
            QuestionRefused: there are several.
        """
        _refuse_unclear(said)
        if not said.relations:
            return self.column(said)
        inside = [each for each in said.columns if each.relation.name in self.mentioned]
        root, schema = self.root, self.schema
        near = [each for each in said.relations if root and path(root, each.relation, schema) is not None]
        if inside and not near:
            return self.column(said)
        if inside:
            raise ambiguous(said, [*inside, *near])
        return self.relation(said)

    def reached(self, meant: Meant) -> Meant:
        """The same, and its relation is joined.

        Raises:
            QuestionRefused: there is no way to join it, or two.
        """
        if self.root is not None and meant.relation.name not in self.links:
            found = path(self.root, meant.relation, self.schema)
            if found is None:
                raise apart(self.root, meant.relation, self.schema)
            self.links[meant.relation.name] = found
        return meant

    def period(self, during: During) -> Meant:
        """The column that the period is of: a text column called month, or the root's only date.

        Raises:
            QuestionRefused: there is none, or there are several.
        """
        assert self.root is not None  # noqa: S101 - conditions are looked up once there is a root
        for each in during.after.relations if during.after else ():
            if each.relation.name != self.root.name and _has_dates(each.relation):
                raise cannot(str(during.period.begins), f"it could be of {self.root.name} or {each}; write which date")
        months = [each for each in self.root.columns if is_month(each)]
        if during.period.unit != "day" and len(months) == 1:
            return Meant(self.root, months[0])
        return self.only_date(str(during.period.begins))

    def only_date(self, words: str) -> Meant:
        """The root's only date.

        Raises:
            QuestionRefused: there is none, or there are several.
        """
        assert self.root is not None  # noqa: S101 - as above
        dates = [Meant(self.root, each) for each in self.root.columns if each.family in DATES]
        if not dates:
            raise cannot(words, f"{self.root.name} has no date")
        if len(dates) > 1:
            raise QuestionRefused(
                f"{words!r} could be of {' or '.join(map(str, dates))}",
                means="the offline model never guesses which",
                mend="write which date is meant",
            )
        return dates[0]


def _refuse_unclear(said: Said) -> None:
    if said.unclear:
        raise ambiguous(said, said.can_mean)


def apart(one: Relation, other: Relation, schema: Snapshot) -> QuestionRefused:
    """Two relations cannot be joined without losing or repeating rows."""
    several = path(other, one, schema) is not None
    return QuestionRefused(
        f"{one.name} and {other.name} cannot be joined for this question",
        means=f"one row of {one.name} can have several of {other.name}, so its rows would be repeated"
        if several
        else "no foreign key, and no column with the name of the other's key, leads from the first to the second",
        mend=MEND,
    )


def is_date(meant: Meant) -> bool:
    """Whether it is a column of days, or of months as text."""
    return meant.column is not None and (meant.column.family in DATES or is_month(meant.column))


def _has_dates(relation: Relation) -> bool:
    return any(is_date(Meant(relation, each)) for each in relation.columns)


def is_month(column: Column) -> bool:
    """Whether it is text such as 2026-10, by its name."""
    return column.family == "text" and key([column.name]) == "month"


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
