"""Names in SQL: in quotes always, where only a database reads them, or where they need it, for people to read."""

import re
from collections.abc import Iterable

from sqlalchemy.dialects.postgresql.base import PGIdentifierPreparer
from sqlalchemy.dialects.sqlite.base import SQLiteIdentifierPreparer

from blocks.schemas.snapshot import Dialect, RelationName

_RESERVED = {
    "sqlite": SQLiteIdentifierPreparer.reserved_words,
    "postgresql": PGIdentifierPreparer.reserved_words,
}


def quoted(name: str) -> str:
    """The name as both dialects read it, whatever is in it."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def quoted_if_needed(name: str, dialect: Dialect, plain: str = "") -> str:
    """The name, or `plain`, in quotes if it needs them; SQLite's capitals need none."""
    compared = name.lower() if dialect == "sqlite" else name
    if re.fullmatch(r"[a-z_][a-z0-9_$]*", compared) and compared not in _RESERVED[dialect]:
        return plain or name
    return quoted(name)


def names(columns: Iterable[str]) -> str:
    """The names, quoted, with commas between."""
    return ", ".join(map(quoted, columns))


def place(relation: RelationName) -> str:
    """The relation with its schema, so that a CTE of the same name is not meant."""
    return f"{quoted(relation.schema)}.{quoted(relation.name)}"
