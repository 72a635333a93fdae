"""Reads the schema that a connection's database has now."""

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import SourceUnknown
from blocks.schemas import postgresql, sqlite
from blocks.schemas.snapshot import Snapshot

_READERS = {"sqlite": sqlite, "postgresql": postgresql}


async def read_schema(connection: AsyncConnection, known: Snapshot | None = None) -> Snapshot:
    """The schema as it is now; `known` itself, after one statement, where nothing has changed since.

    Raises:
        SourceUnknown: the database is neither SQLite nor PostgreSQL.
    """
    reader = _READERS.get(connection.dialect.name)
    if reader is None:
        raise SourceUnknown(
            f"the schema of {connection.dialect.name} cannot be read", mend="use SQLite or PostgreSQL for this source"
        )
    database, fingerprint, search_path = await reader.fingerprint(connection)
    if known is not None and (known.database, known.fingerprint, known.search_path) == (
        database,
        fingerprint,
        search_path,
    ):
        return known
    return Snapshot(
        dialect="sqlite" if connection.dialect.name == "sqlite" else "postgresql",
        database=database,
        search_path=search_path,
        fingerprint=fingerprint,
        relations=await reader.relations(connection),
    )
