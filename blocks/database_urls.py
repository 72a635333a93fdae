"""URLs of databases, for the ledger and for sources: the async drivers that read them, and how they are shown."""

import re

ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
"""The driver of each kind of database, by the name that its URL begins with."""

_USER_AND_PASSWORD = re.compile(r"(://[^:/@?\s]*):[^?\s]*@")
_SECRET_IN_QUERY = re.compile(r"([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&\s]*", re.IGNORECASE)


def without_password(url: str) -> str:
    """The URL with `***` for every password in it; a path stays as it is."""
    return _SECRET_IN_QUERY.sub(r"\1***", _USER_AND_PASSWORD.sub(r"\1:***@", url))
