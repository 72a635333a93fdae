"""The ledger's tables about gates: what is open, who was asked and told, what they answered, and who stands in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from blocks.ledger.tables import Base, Key


class Gate(Base):
    """A wait for a decision, from the moment that people are asked until the run has taken what was decided."""

    __tablename__ = "gates"
    __table_args__ = (UniqueConstraint("run_id", "gate"), Index(None, "taken_at"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.run_id"))
    gate: Mapped[str]
    """The decision's name in the run: the node's id, and more where the node may ask about another thing."""
    node: Mapped[str]
    workflow: Mapped[str]
    title: Mapped[str]
    summary: Mapped[str]
    """Markdown: what is to be approved."""
    content: Mapped[str]
    """The digest of all that is to be approved."""
    degraded: Mapped[dict[str, Any]]
    """The nodes that had left a gap by then, each with its reason and outcome."""
    terms: Mapped[dict[str, Any]]
    """Who is asked, how many must agree, when what is due."""
    key_fingerprint: Mapped[str]
    """Of the key that the codes are made with; empty where no proof can be asked for."""
    opened_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    """When the run went on, or it was seen that it never will."""


class Ask(Base):
    """Somebody who may decide: an approver, who stands in for one, or who is above one."""

    __tablename__ = "asks"
    __table_args__ = (UniqueConstraint("run_id", "gate", "slot", "person"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.run_id"))
    gate: Mapped[str]
    slot: Mapped[str]
    """The approver in whose place this person is asked."""
    person: Mapped[str]
    how: Mapped[str]
    because_of: Mapped[str]
    at: Mapped[datetime]


class Notice(Base):
    """One thing to be told to one person on one channel: its intent, its tries, and whether it arrived."""

    __tablename__ = "notices"
    __table_args__ = (UniqueConstraint("run_id", "gate", "person", "channel", "occasion"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.run_id"))
    gate: Mapped[str]
    person: Mapped[str]
    channel: Mapped[str]
    occasion: Mapped[str]
    state: Mapped[str]
    tries: Mapped[int]
    tried_at: Mapped[datetime]
    again_at: Mapped[datetime | None]
    error: Mapped[str]


class Vote(Base):
    """One person's answer, which counted."""

    __tablename__ = "votes"
    __table_args__ = (UniqueConstraint("run_id", "gate", "person"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.run_id"))
    gate: Mapped[str]
    person: Mapped[str]
    decision: Mapped[str]
    comment: Mapped[str]
    edits: Mapped[dict[str, Any]]
    via: Mapped[str]
    answer: Mapped[str]
    """Which answer it was, so that one that is read twice counts once."""
    at: Mapped[datetime]


class GateEvent(Base):
    """What happened at a gate, in order: asked, reminded, escalated, delegated, refused, decided, timed out."""

    __tablename__ = "gate_events"
    __table_args__ = (Index("ix_gate_events_run_id_gate", "run_id", "gate"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.run_id"))
    gate: Mapped[str]
    what: Mapped[str]
    person: Mapped[str]
    detail: Mapped[str]
    at: Mapped[datetime]


class Delegation(Base):
    """Somebody stands in for somebody else for a time; never changed but for an earlier end."""

    __tablename__ = "delegations"
    __table_args__ = (Index(None, "ends_at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person: Mapped[str]
    alternate: Mapped[str]
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    set_by: Mapped[str]
    set_at: Mapped[datetime]
