"""The ledger's tables about services: what all runs know of their limits and health, and each call of a tool."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from blocks.ledger.tables import Base, Key


class ServiceState(Base):
    """What is known of one part of a service, such as one of its limits; shared by everybody with the credential."""

    __tablename__ = "service_states"
    __table_args__ = (UniqueConstraint("credential", "part"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    credential: Mapped[str]
    """The host, and a digest of who we are there."""
    part: Mapped[str]
    state: Mapped[dict[str, Any]]


class ToolCall(Base):
    """One call of a service by a node: as many requests as it took."""

    __tablename__ = "tool_calls"
    __table_args__ = (Index(None, "run_id"), Index(None, "at"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.run_id"))
    node: Mapped[str]
    service: Mapped[str]
    method: Mapped[str]
    endpoint: Mapped[str]
    """The path as the definition writes it, so that calls of one endpoint count together."""
    status: Mapped[int | None]
    """The last answer's; None: there was none."""
    attempts: Mapped[int]
    waited_seconds: Mapped[float]
    """For the service's limits, and between attempts."""
    seconds: Mapped[float]
    outcome: Mapped[str]
    error: Mapped[str]
    at: Mapped[datetime]


class ServiceAnswer(Base):
    """An answer that can be asked for again by its ETag."""

    __tablename__ = "service_answers"
    __table_args__ = (UniqueConstraint("key"), Index(None, "at"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str]
    """A digest of the credential and the request."""
    etag: Mapped[str]
    headers: Mapped[dict[str, Any]]
    body: Mapped[str]
    at: Mapped[datetime]
