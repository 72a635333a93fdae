"""How an old relation's columns are put together again from the schema as it is now, as the SELECT of a CTE."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from blocks.schemas.snapshot import Column, Dialect, Relation
from tasks.drift.sample import names, place, quoted

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

    def sql(self) -> str:
        """What stands for it in a FROM."""
        if not self.repeats:
            return place(self.relation.name)
        once = names(dict.fromkeys([*self.key.values(), *self.columns.values()]))
        there = " AND ".join(f"{quoted(each)} IS NOT NULL" for each in self.key.values())
        return f"(SELECT DISTINCT {once} FROM {place(self.relation.name)} WHERE {there})"  # noqa: S608  # quoted names


@dataclass(frozen=True)
class Only:
    """The rows of the first part that were the old relation's: those with this value, or with any value at all."""

    column: str
    value: Any | None = None

    def sql(self, alias: str) -> str:
        """The condition."""
        name = f"{alias}.{quoted(self.column)}"
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
            f" LEFT JOIN {part.sql()} AS p{at} ON "
            + " AND ".join(f"p{at}.{quoted(part.key[old])} = p0.{quoted(new)}" for old, new in first.key.items())
            for at, part in enumerate(others, start=1)
        )
        where = f" WHERE {self.only.sql('p0')}" if self.only else ""
        return f"SELECT {columns} FROM {first.sql()} AS p0{joins}{where}"  # noqa: S608  # quoted names

    def __str__(self) -> str:
        said = " and ".join(str(part.relation.name) for part in self.parts)
        renamed = [
            f"{old} is {new}"
            for part in self.parts
            for old, new in part.columns.items()
            if old != new and old in self.columns
        ]
        only = f", only where {self.only.sql('p0').removeprefix('p0.')}" if self.only else ""
        changed = f" ({', '.join(dict.fromkeys(renamed))})" if renamed else ""
        return f"{self.old.name} from {said}{changed}{only}"

    def _column(self, name: str, dialect: Dialect) -> str:
        at, part = next((at, part) for at, part in enumerate(self.parts) if name in part.columns)
        new = part.relation.by_name[part.columns[name]]
        value = _cast(f"p{at}.{quoted(new.name)}", self.old.by_name[name], new, dialect)
        return f"{value} AS {quoted(name)}"


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
