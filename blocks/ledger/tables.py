"""The ledger's tables. A change here needs a new revision in migrations/versions; a test compares the two."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, MetaData, Table, UniqueConstraint, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from blocks.ledger.columns import ExactDecimal, PlainText, UtcDateTime

# SQLite numbers rows by itself only where the key is exactly INTEGER.
Key = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """What the tables share: one type per Python type, and names for constraints, which migrations need."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: PlainText(),
        UUID: Uuid(),
        datetime: UtcDateTime(),
        Decimal: ExactDecimal(),
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: JSON(none_as_null=True),
    }

    @classmethod
    def table(cls) -> Table:
        """The table, for statements that make no objects."""
        return cast("Table", cls.__table__)


class Run(Base):
    """One run of a workflow, from its first start to its end."""

    __tablename__ = "runs"

    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    workflow: Mapped[str]
    version: Mapped[int | None]
    team: Mapped[str]
    definition: Mapped[str]
    """The YAML that the run is pinned to."""
    inputs: Mapped[dict[str, Any]]
    sources: Mapped[dict[str, Any]]
    """Source name to URL, without passwords."""
    state: Mapped[str]
    message: Mapped[str]
    gaps: Mapped[list[str]]
    started_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]
    starts: Mapped[int]
    """How many times it was started."""


class NodeAttempt(Base):
    """One try of one node in one start of a run; attempt 0 stands for a node that had no try."""

    __tablename__ = "node_attempts"
    __table_args__ = (UniqueConstraint("run_id", "node", "start", "attempt"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.run_id"))
    node: Mapped[str]
    kind: Mapped[str]
    start: Mapped[int]
    attempt: Mapped[int]
    state: Mapped[str]
    error: Mapped[str | None]
    started_at: Mapped[datetime]
    seconds: Mapped[float | None]


class ModelCall(Base):
    """One call of a model and what it cost; no price is not a price of zero."""

    __tablename__ = "model_calls"
    __table_args__ = (
        Index(None, "run_id"),
        Index(None, "at"),
        Index("ix_model_calls_workflow_node_id", "workflow", "node", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.run_id"))
    node: Mapped[str]
    attempt: Mapped[int]
    team: Mapped[str]
    purpose: Mapped[str]
    tier: Mapped[str]
    provider: Mapped[str]
    model: Mapped[str]
    prompt_version: Mapped[str]
    tokens_in: Mapped[int]
    tokens_cached: Mapped[int]
    tokens_out: Mapped[int]
    cost_usd: Mapped[Decimal | None]
    latency_seconds: Mapped[float]
    outcome: Mapped[str]
    at: Mapped[datetime]
    workflow: Mapped[str] = mapped_column(server_default="")
    key_fingerprint: Mapped[str] = mapped_column(server_default="")
    """Of the key that paid."""
    frontier_cost_usd: Mapped[Decimal | None]
    """What as many tokens cost on the frontier model of the same provider."""
    first_token_seconds: Mapped[float | None]


class Account(Base):
    """What a run, a workflow in a month, or a team in a month has spent, and what calls under way hold."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("scope", "name", "month"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    scope: Mapped[str]
    name: Mapped[str]
    month: Mapped[str]
    spent_usd: Mapped[Decimal]
    held_usd: Mapped[Decimal]


class Exchange(Base):
    """What a model was asked and what it answered, of the newest calls of each node, to ask another model the same."""

    __tablename__ = "exchanges"
    __table_args__ = (Index("ix_exchanges_workflow_node_id", "workflow", "node", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    call_id: Mapped[int] = mapped_column(Key, ForeignKey("model_calls.id"))
    workflow: Mapped[str]
    node: Mapped[str]
    request: Mapped[dict[str, Any]]
    answer: Mapped[str]


class Delivery(Base):
    """One thing to be done outside: its intent, and its receipt once it was done."""

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("run_id", "node", "target"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.run_id"))
    node: Mapped[str]
    target: Mapped[str]
    intent_at: Mapped[datetime]
    receipt_at: Mapped[datetime | None]
    receipt: Mapped[dict[str, Any] | None]
    sha256: Mapped[str]
    outcome: Mapped[str]
    error: Mapped[str | None]


class Decision(Base):
    """What was decided at a gate; the first decision is the only one."""

    __tablename__ = "decisions"
    __table_args__ = (UniqueConstraint("run_id", "node"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.run_id"))
    node: Mapped[str]
    decision: Mapped[str]
    comment: Mapped[str]
    decided_by: Mapped[str]
    via: Mapped[str]
    at: Mapped[datetime]
    edits: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """What was corrected before it went on: node.field to its value `now`, and `by` whom."""


class Schema(Base):
    """A source's schema from the moment that it was first seen like this."""

    __tablename__ = "schemas"
    __table_args__ = (Index("ix_schemas_source_id", "source", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    source: Mapped[str]
    database: Mapped[str]
    fingerprint: Mapped[str]
    snapshot: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("runs.run_id"))
    """The run that saw it; none where a person asked."""


class GoodAnswer(Base):
    """What is remembered of a saved query's last good answer, so that drift can be told and repaired."""

    __tablename__ = "good_answers"
    __table_args__ = (UniqueConstraint("source", "sql_sha256"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    source: Mapped[str]
    sql_sha256: Mapped[str]
    sql: Mapped[str]
    database: Mapped[str]
    fingerprint: Mapped[str]
    """Of the schema with which the answer was good."""
    samples: Mapped[dict[str, Any]]
    """What was seen of each relation that the query uses, before any drift."""
    repaired_sql: Mapped[str | None]
    """What was run in its place, where the schema had drifted by then."""
    repairs: Mapped[list[str]]
    """The same in words."""
    approved_by: Mapped[list[str]]
    """Who was asked for the repair, where it was approved."""
    shape: Mapped[dict[str, Any] | None]
    """The answer's; none where an older Holdfast remembered it."""
    asked_with: Mapped[str]
    """Digest of the parameters' values and of the most rows: answers to others may have another shape."""
    not_sampled: Mapped[str]
    """Why there are no samples; empty where there are."""
    sampled_fingerprint: Mapped[str]
    """Of the schema in which the samples were taken."""
    sampled_at: Mapped[datetime]
    at: Mapped[datetime]


class Expectation(Base):
    """One thing that a saved query expected of its drifted schema or of its answer, and whether it was so."""

    __tablename__ = "expectations"
    __table_args__ = (Index(None, "run_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("runs.run_id"))
    """None where a person asked."""
    node: Mapped[str]
    """Empty where a person asked."""
    source: Mapped[str]
    sql: Mapped[str]
    about: Mapped[str]
    expectation: Mapped[str]
    met: Mapped[bool]
    observed: Mapped[str]
    at: Mapped[datetime]
