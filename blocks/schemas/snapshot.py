"""A database's schema at one moment, in words that SQLite and PostgreSQL share."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

Dialect = Literal["sqlite", "postgresql"]
Family = Literal[
    "integer", "number", "decimal", "boolean", "text", "date", "datetime", "time", "binary", "json", "uuid", "other"
]
"""What kind of values a type holds, whatever the database calls it."""

_FAMILIES: tuple[tuple[str, Family], ...] = (
    # In this order: `timestamp` before `time`, `interval` before `int`, `point` is no integer.
    (r"interval|point|polygon|\[\]|range", "other"),
    (r"bool", "boolean"),
    (r"datetime|timestamp", "datetime"),
    (r"date", "date"),
    (r"^time", "time"),
    (r"int|serial", "integer"),
    (r"numeric|decimal|money", "decimal"),
    (r"real|floa|doub|number", "number"),
    (r"uuid", "uuid"),
    (r"json", "json"),
    (r"blob|bytea|binary|image", "binary"),
    (r"char|clob|text|name|string|enum", "text"),
)


def family_of(type_name: str) -> Family:
    """The family of a type as either database writes it, such as `NVARCHAR(40)` or `timestamp with time zone`."""
    lowered = type_name.lower()
    return next((family for pattern, family in _FAMILIES if re.search(pattern, lowered)), "other")


class RelationName(NamedTuple):
    """A table or view in its schema; SQLite's is `main`."""

    schema: str
    name: str

    def __str__(self) -> str:
        return self.name if self.schema in ("main", "public") else f"{self.schema}.{self.name}"


class _Noun(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# A large database has tens of thousands of these two, and a plain dataclass is made five times as fast as a model.
@dataclass(frozen=True, slots=True)
class Column:
    """A column; `type` as the database writes it, empty where SQLite has none."""

    name: str
    type: str
    nullable: bool

    @property
    def family(self) -> Family:
        """What kind of values it holds."""
        return family_of(self.type)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns whose values are keys of another table."""

    columns: tuple[str, ...]
    refers_to: RelationName
    referred: tuple[str, ...]


class Relation(_Noun):
    """A table or view with its columns in order; a view that its database cannot read has no columns."""

    name: RelationName
    kind: Literal["table", "view"]
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    """Further columns, or sets of them, whose values never repeat."""
    foreign_keys: tuple[ForeignKey, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}


class Snapshot(_Noun):
    """A schema as it was read; two with the same fingerprint are equal."""

    dialect: Dialect
    database: str
    """Which database it is: the file's path, or host, port, name and number; no user, no password."""
    search_path: tuple[str, ...]
    """The schemas in which a name without one is looked up, in order."""
    fingerprint: str
    relations: tuple[Relation, ...]

    @cached_property
    def by_name(self) -> Mapping[RelationName, Relation]:
        """The relations by their names."""
        return {relation.name: relation for relation in self.relations}

    def having(self, relations: Iterable[Relation]) -> "Snapshot":
        """The same database with other relations. Not model_copy, which would keep `by_name` as it was."""
        return Snapshot(
            dialect=self.dialect,
            database=self.database,
            search_path=self.search_path,
            fingerprint=self.fingerprint,
            relations=tuple(relations),
        )

    def find(self, name: str, schema: str | None = None) -> Relation | None:
        """The relation that SQL means by this name.

        SQLite compares names without case; PostgreSQL as they are, once unquoted ones are lower case.
        """
        for each in (schema,) if schema else self.search_path:
            if (found := self.by_name.get(RelationName(each, name))) is not None:
                return found
        if self.dialect == "sqlite":
            lowered = name.lower()
            return next((each for each in self.relations if each.name.name.lower() == lowered), None)
        return None
