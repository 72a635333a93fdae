"""What a question asks for, once each of its words is accounted for, and before its names are looked up."""

from dataclasses import dataclass, field
from typing import Literal

from tasks.question.offline.names import Said
from tasks.question.offline.periods import Period

Kind = Literal["count", "sum", "avg", "min", "max", "first", "last"]
"""What is done with a measure's column; `first` and `last` are the least and the greatest of a date."""
Compared = Literal["=", "<>", "<", "<=", ">", ">="]
When = Literal["in", "since", "after", "before", "until"]
Direction = Literal["up", "down"]


@dataclass(frozen=True)
class Value:
    """A value that a column is compared with."""

    text: str
    kind: Literal["quoted", "word", "number"]


@dataclass(frozen=True)
class Measure:
    """A number of each group, or of all."""

    kind: Kind
    said: Said
    distinct: bool = False


@dataclass(frozen=True)
class Compare:
    """A column, or the name of what a relation holds, compared with values of which one must fit."""

    said: Said
    compared: Compared
    values: tuple[Value, ...]


@dataclass(frozen=True)
class During:
    """A day or month within a period; the relation's only one if none is said."""

    said: Said | None
    when: When
    period: Period
    after: Said | None = None
    """The name before it, which it could be of as well."""


@dataclass(frozen=True)
class Missing:
    """A column without, or with, a value."""

    said: Said
    negated: bool = False


@dataclass(frozen=True)
class Flag:
    """A yes or no column that must be yes, or no."""

    said: Said
    expected: bool = True


Condition = Compare | During | Missing | Flag


@dataclass(frozen=True)
class Order:
    """What the rows are ordered by; `said` is none for the measure, or the only column that is shown."""

    said: Said | Measure | None
    direction: Direction
    of_dates: bool = False
    """Whether it is `latest first`, which only a date can be."""


@dataclass
class Asked:
    """The question while it is read."""

    measures: list[Measure] = field(default_factory=list)
    groups: list[Said] = field(default_factory=list)
    shown: list[Said] = field(default_factory=list)
    listed: list[Said] = field(default_factory=list)
    """Tables whose rows are asked for."""
    subjects: list[Said] = field(default_factory=list)
    """Tables after `of` or `in`, which only say where something is."""
    conditions: list[Condition] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    distinct: bool = False
    limit: int | None = None
    ranked: Direction | None = None
    """Which end of an order the limit keeps; none for `first 10`."""
    of_dates: bool = False
    """Whether it is the latest or earliest that the limit keeps."""
    head: Said | None = None
    """What a limit counts: the vendors of `top 5 vendors`."""
