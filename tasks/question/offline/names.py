"""Which tables and columns the words of a question can mean."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from blocks.schemas.snapshot import Column, Relation, Snapshot
from tasks.drift.likeness import name_likeness
from tasks.question.offline.words import Token, key, parts, singular

NUMERIC = ("integer", "number", "decimal")
DATES = ("date", "datetime")
_LONGEST = 6
"""So many words of a question are tried as one name."""
_JOINING = {
    "by",
    "per",
    "of",
    "in",
    "for",
    "and",
    "with",
    "to",
    "from",
    "on",
    "each",
    "above",
    "below",
    "over",
    "under",
}
_DAYS = {"date", "on", "at", "day", "time", "datetime"}


class Meant(NamedTuple):
    """A relation, or a column of it, that a name can mean."""

    relation: Relation
    column: Column | None = None
    whole: bool = True
    """Whether the column's whole name was said, rather than `date` for the invoice_date of invoices."""

    @property
    def one_column(self) -> Column:
        """The column, of what is known to be one.

        Raises:
            LookupError: it is a relation.
        """
        if self.column is None:
            raise LookupError(f"{self} is no column")
        return self.column

    def __str__(self) -> str:
        return f"{self.relation.name}.{self.column.name}" if self.column else str(self.relation.name)


def is_date(meant: Meant) -> bool:
    """Whether it is a column of days, or of months as text."""
    return meant.column is not None and (meant.column.family in DATES or is_month(meant.column))


def is_month(column: Column) -> bool:
    """Whether it is text such as 2026-10, by its name."""
    return column.family == "text" and key([column.name]) == "month"


@dataclass(frozen=True)
class Said:
    """Words of a question and all that they can mean."""

    words: str
    can_mean: tuple[Meant, ...]
    unclear: bool = False
    """Whether the words could be a shorter name with grammar after it, such as `products by category`."""

    def within(self, table: "Said") -> "Said":
        """The same of this table, if that has such a column."""
        tables = [each.relation.name for each in table.relations]
        held = tuple(each for each in self.columns if each.relation.name in tables)
        return Said(self.words, held, self.unclear) if held else self

    @property
    def relations(self) -> list[Meant]:
        return [each for each in self.can_mean if each.column is None]

    @property
    def columns(self) -> list[Meant]:
        return [each for each in self.can_mean if each.column is not None]


class Names:
    """The names of a schema, found by the words of a question."""

    def __init__(self, schema: Snapshot) -> None:
        self.schema = schema

    @cached_property
    def _index(self) -> dict[str, list[Meant]]:
        index: dict[str, list[Meant]] = defaultdict(list)
        for relation in self.schema.relations:
            own = parts(relation.name.name)
            places = (own, parts(relation.name.schema) + own)
            for place in places:
                index["".join(place)].append(Meant(relation))
            for column in relation.columns:
                named = parts(column.name)
                short = named[len(own) :] if named[: len(own)] == own else []
                for prefix in ([], *places):
                    index["".join(prefix + named)].append(Meant(relation, column))
                    if short:
                        index["".join(prefix + short)].append(Meant(relation, column, whole=False))
        return index

    def at(self, tokens: Sequence[Token], place: int) -> tuple[int, Said] | None:
        """The longest name that begins there, with the number of its words."""
        words: list[str] = []
        for token in tokens[place : place + _LONGEST]:
            # A quoted value is never a name, and a number never begins one.
            if token.kind != "word" and not (words and token.kind == "number"):
                break
            words.append(token.text)
        found = [count for count in range(len(words), 0, -1) if key(words[:count]) in self._index]
        if not found:
            return None
        count = found[0]
        can_mean = self._index[key(words[:count])]
        # The view `Products by Category` is also what one says for products, grouped.
        unclear = len(found) > 1 and bool(_JOINING.intersection(word.casefold() for word in words[:count]))
        if unclear:
            can_mean = [*can_mean, *(each for less in found[1:] for each in self._index[key(words[:less])])]
        return count, Said(" ".join(words[:count]), _whole_first(can_mean), unclear)

    def dates(self, participle: str) -> tuple[Meant, ...]:
        """The dates that a participle can mean, such as the ShippedDate or paid_on for `shipped` or `paid`."""
        return tuple(
            Meant(relation, column)
            for relation in self.schema.relations
            for column in relation.columns
            if column.family in DATES and _is_day_of(column.name, participle)
        )

    def near(self, word: str) -> list[str]:
        """At most three names that resemble the word."""
        every = {str(each.name): each.name.name for each in self.schema.relations}
        every |= {column.name: column.name for each in self.schema.relations for column in each.columns}
        word = singular(word.casefold())
        alike = {shown: name_likeness(word, " ".join(parts(name))) for shown, name in every.items()}
        return sorted((each for each in alike if alike[each] >= _NEAR), key=lambda each: (-alike[each], each))[:3]


_NEAR = 0.8
"""At least so alike is a name that is offered for a word that is not known."""


def _whole_first(found: Sequence[Meant]) -> tuple[Meant, ...]:
    """Each once; of one relation's columns the one whose whole name was said."""
    whole = {each.relation.name for each in found if each.column and each.whole}
    kept = [each for each in found if each.whole or each.relation.name not in whole]
    return tuple(dict.fromkeys(kept))


def _is_day_of(name: str, participle: str) -> bool:
    *stem, last = parts(name)
    verb, said = "".join(stem), participle.casefold()
    return last in _DAYS and bool(verb) and said in (verb, f"{verb}d", f"{verb}ed", f"{verb}{verb[-1:]}ed")
