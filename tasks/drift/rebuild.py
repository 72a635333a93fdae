"""How an old relation's columns are put together again from the schema as it is now, as the SELECT of a CTE."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from blocks.schemas.snapshot import Column, Dialect, Relation
from tasks.sql.quoting import quoted_if_needed

_TEXTS_IN_SQLITE = {"text", "date", "datetime", "time", "uuid", "json"}


@dataclass(frozen=True)
class Part:
    """A relation that has some of the old columns."""

    relation: Relation
    key: Mapping[str, str]
    """Old key column to this relation's; parts are joined by it."""
    columns: Mapping[str, str]
    """Old column to this relation's."""
    repeats: bool = False
    """Whether it has each old row several times, such as a supplier's country in each of his products."""

    def sql(self, dialect: Dialect) -> str:
        """What stands for it in a FROM."""
        place = ".".join(quoted_if_needed(each, dialect) for each in self.relation.name)
        if not self.repeats:
            return place
        once = dict.fromkeys([*self.key.values(), *self.columns.values()])
        there = " AND ".join(f"{quoted_if_needed(each, dialect)} IS NOT NULL" for each in self.key.values())
        columns = ", ".join(quoted_if_needed(each, dialect) for each in once)
        return f"(SELECT DISTINCT {columns} FROM {place} WHERE {there})"  # noqa: S608  # quoted names


@dataclass(frozen=True)
class Only:
    """The rows of the first part that were the old relation's: those with this value, or with any value at all."""

    column: str
    value: Any | None = None

    def sql(self, name: str) -> str:
        """The condition, for the column's name as it is written where it stands."""
        return f"{name} IS NOT NULL" if self.value is None else f"{name} = {_literal(self.value)}"


@dataclass(frozen=True)
class Rebuild:
    """An old relation, rebuilt from one part, or from several that are joined by its key."""

    old: Relation
    columns: tuple[str, ...]
    """The old columns that it gives, in their order."""
    parts: tuple[Part, ...]
    only: Only | None = None

    @property
    def unchanged(self) -> bool:
        """Whether it is the relation as it still is, so that nothing needs a repair."""
        (first, *others) = self.parts
        if others or self.only or first.repeats or first.relation.name != self.old.name:
            return False
        return all(
            first.columns[name] == name and first.relation.by_name[name].family == self.old.by_name[name].family
            for name in self.columns
        )

    def select(self, dialect: Dialect) -> str:
        """The SELECT; every relation in it is named with its schema."""
        columns = ", ".join(self._column(name, dialect) for name in self.columns)
        first, *others = self.parts
        joins = "".join(
            f" LEFT JOIN {part.sql(dialect)} AS p{at} ON "
            + " AND ".join(
                f"{self._value(at, part.key[old], dialect)} = {self._value(0, new, dialect)}"
                for old, new in first.key.items()
            )
            for at, part in enumerate(others, start=1)
        )
        # PostgreSQL wants a name for a sub-query.
        alias = " AS p0" if others or first.repeats else ""
        where = f" WHERE {self.only.sql(self._value(0, self.only.column, dialect))}" if self.only else ""
        return f"SELECT {columns} FROM {first.sql(dialect)}{alias}{joins}{where}"  # noqa: S608  # quoted names

    def __str__(self) -> str:
        said = " and ".join(str(part.relation.name) for part in self.parts)
        renamed = [
            f"{old} is {new}"
            for part in self.parts
            for old, new in part.columns.items()
            if old != new and old in self.columns
        ]
        only = f", only where {self.only.sql(self.only.column)}" if self.only else ""
        changed = f" ({', '.join(dict.fromkeys(renamed))})" if renamed else ""
        return f"{self.old.name} from {said}{changed}{only}"

    def _column(self, name: str, dialect: Dialect) -> str:
        at, part = next((at, part) for at, part in enumerate(self.parts) if name in part.columns)
        new, shown = part.relation.by_name[part.columns[name]], quoted_if_needed(name, dialect)
        value = _cast(self._value(at, new.name, dialect), self.old.by_name[name], new, dialect)
        return value if value == shown else f"{value} AS {shown}"

    def _value(self, part: int, column: str, dialect: Dialect) -> str:
        prefix = f"p{part}." if len(self.parts) > 1 else ""
        return f"{prefix}{quoted_if_needed(column, dialect)}"


def _cast(value: str, old: Column, new: Column, dialect: Dialect) -> str:
    """The value with the type that it had, where it has another kind of type now."""
    if old.family == new.family or not old.type or old.family == "other":
        return value
    if dialect == "sqlite" and {old.family, new.family} <= _TEXTS_IN_SQLITE:
        return value
    return f"CAST({value} AS {old.type})"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float | Decimal):
        return str(value)
    text = str(value).replace("'", "''")
    return f"'{text}'"
