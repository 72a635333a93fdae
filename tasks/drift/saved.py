"""A saved query, what is remembered of its last good answer, and what is run in its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from blocks.ledger import GoodAnswerRow
from blocks.schemas.snapshot import Snapshot
from tasks.query.node import OnDrift


@dataclass(frozen=True)
class Saved:
    """A saved query: its source, its SQL with the values of its parameters, and what drift means for it."""

    source: str
    sql: str
    on_drift: OnDrift = "repair"
    values: Mapping[str, object] = field(default_factory=dict)
    max_rows: int = 50_000
    """Rows beyond this are not read."""

    def __str__(self) -> str:
        line = " ".join(self.sql.split())
        return f"{line[:60]!r}..." if len(line) > 60 else repr(line)


@dataclass(frozen=True)
class LastGood:
    """A saved query's last good answer, and the schema in which its samples were taken."""

    answer: GoodAnswerRow
    sampled_in: Snapshot


@dataclass(frozen=True)
class Prepared:
    """The SQL to run: the saved one, or its repair."""

    sql: str
    repairs: tuple[str, ...] = ()
    """What was rebuilt, in words; empty where the SQL runs as it stands."""
