"""Reads a source's schema as it is now, and says what changed since the ledger last saw it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from blocks.ledger import Ledger, SchemaRow
from blocks.schemas.reading import read_schema
from blocks.schemas.snapshot import Snapshot
from blocks.sources import read_source
from tasks.drift.changes import Change

if TYPE_CHECKING:
    from prefect_sqlalchemy import AsyncSqlAlchemyConnector

    from blocks.opened import Opened


@dataclass(frozen=True)
class Discovery:
    """A source's schema now, beside the one that it was last seen with."""

    source: str
    now: Snapshot
    before: SchemaRow | None
    """None: it was never seen."""
    changes: tuple[Change, ...] = ()
    """Empty also where `other_database`: two databases are not compared."""

    @property
    def other_database(self) -> bool:
        """Whether the source's name means another database now."""
        return self.before is not None and self.before.snapshot.database != self.now.database


async def discover(
    source: str,
    overrides: Mapping[str, str],
    ledger: Ledger,
    at: datetime,
    *,
    timeout_seconds: float,
    run_id: UUID | None = None,
    opened: "Opened[AsyncSqlAlchemyConnector] | None" = None,
) -> Discovery:
    """The source's schema; one that is new is in the ledger from now on. One statement where nothing has changed.

    Raises:
        SourceUnknown, SourceUnavailable, CredentialsRefused, QueryRefused: as read_source says.
        OperatorError: the ledger cannot be read or written.
    """
    before = await ledger.schema(source)
    known = before.snapshot if before else None
    now = await read_source(
        source, overrides, timeout_seconds, lambda connection: read_schema(connection, known), opened
    )
    if now is known:
        return Discovery(source, now, before)
    await ledger.record_schema(source, now, at, run_id)
    found = Discovery(source, now, before)
    if known is None or found.other_database:
        return found
    from tasks.drift.compare import compare  # a schema that has not changed needs none of it

    return Discovery(source, now, before, compare(known, now))
