"""A saved query, what is remembered of its last good answer, and what is run in its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from blocks.ledger import GoodAnswerRow
from blocks.schemas.snapshot import Snapshot
from tasks.drift.choice import OnDrift


@dataclass(frozen=True)
class Saved:
    """A saved query: its source, its SQL with the values of its parameters, and what drift means for it."""

    source: str
    sql: str
    on_drift: OnDrift = "repair"
    values: Mapping[str, object] = field(default_factory=dict)
    max_rows: int = 50_000
    """Rows beyond this are not read."""
    approvers: tuple[str, ...] = ()
    """Who is asked where `on_drift` is approve."""

    @property
    def asked_with(self) -> str:
        """Digest of the values and of `max_rows`: with others the answer may have another shape."""
        return sha256(repr((sorted(self.values.items()), self.max_rows)).encode()).hexdigest()

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
    doubts: tuple[str, ...] = ()
    """What is there as it was, but with other rows, in words: the answer must show that it is the same."""
