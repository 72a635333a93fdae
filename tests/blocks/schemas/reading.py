"""Reads the schema of a database that a test has made."""

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.schemas.reading import read_schema
from blocks.schemas.snapshot import Snapshot
from blocks.sources import read_source


async def schema_of(url: str, known: Snapshot | None = None) -> Snapshot:
    """The schema that the database has now, read as a run reads it."""

    async def work(connection: AsyncConnection) -> Snapshot:
        return await read_schema(connection, known)

    return await read_source("shop", {"shop": url}, 10, work)
