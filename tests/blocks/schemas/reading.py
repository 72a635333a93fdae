"""Reads the schema of a database that a test has made."""

from blocks.schemas.reading import read_schema
from blocks.schemas.snapshot import Snapshot
from blocks.sources import read_source


async def schema_of(url: str) -> Snapshot:
    """The schema that the database has now, read as a run reads it."""
    return await read_source("shop", {"shop": url}, 10, read_schema)
