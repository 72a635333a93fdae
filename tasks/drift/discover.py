"""Reads a source's schema as it is now, and says what changed since the ledger last saw it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from prefect_sqlalchemy import AsyncSqlAlchemyConnector

from blocks.ledger import KnownAnswerRow, Ledger, SchemaRow
from blocks.opened import Opened
from blocks.schemas.reading import read_schema
from blocks.schemas.snapshot import Snapshot
from blocks.sources import read_source
from tasks.drift.changes import Change


@dataclass(frozen=True)
class Discovery:
    """A source's schema now, beside the one that it was last seen with."""

    source: str
    now: Snapshot
    at: datetime
    """When it was read."""
    since: datetime
    """When it was first seen like this."""
    before: SchemaRow | None
    """None: it was never seen."""
    changes: tuple[Change, ...] = ()
    """Empty also where `other_database`: two databases are not compared."""
    known: Mapping[str, KnownAnswerRow] = field(default_factory=dict)
    """By SQL, how each saved query was last answered from this source."""

    @property
    def other_database(self) -> bool:
        """Whether the source's name means another database now."""
        return self.before is not None and self.before.snapshot.database != self.now.database

    @property
    def not_compared(self) -> str:
        """Why it was not compared with what was seen before, for a person; empty where it was, or never was seen."""
        if self.before is None or not self.other_database:
            return ""
        return f"Not compared: until now this name meant another database, {self.before.snapshot.database}."


async def discover(
    source: str,
    overrides: Mapping[str, str],
    ledger: Ledger,
    at: datetime,
    *,
    timeout_seconds: float,
    run_id: UUID | None = None,
    opened: Opened[AsyncSqlAlchemyConnector] | None = None,
) -> Discovery:
    """The source's schema; one that is new is in the ledger from now on. One statement where nothing has changed.

    `run_id` and `opened` are those of the run that asks, if one does.

    Raises:
        SourceUnknown, SourceUnavailable, CredentialsRefused, QueryRefused: as read_source says.
        OperatorError: the ledger cannot be read or written.
    """
    before, answers = await ledger.schema(source), await ledger.known_answers(source)
    known = before.snapshot if before else None
    now = await read_source(
        source, overrides, timeout_seconds, lambda connection: read_schema(connection, known), opened
    )
    if before is not None and now is known:
        return Discovery(source, now, at, before.at, before, known=answers)
    await ledger.record_schema(source, now, at, run_id)
    found = Discovery(source, now, at, at, before, known=answers)
    if known is None or found.other_database:
        return found
    from tasks.drift.compare import compare  # a schema that has not changed needs none of it

    return replace(found, changes=compare(known, now))
