"""What the ledger says of services, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

ToolOutcome = Literal["ok", "transient recovered", "transient exhausted", "permanent"]


@dataclass(frozen=True)
class ToolCallRow:
    """One call of a service by a node."""

    run_id: UUID
    node: str
    service: str
    method: str
    endpoint: str
    status: int | None
    attempts: int
    waited_seconds: float
    seconds: float
    outcome: ToolOutcome
    error: str
    at: datetime


@dataclass(frozen=True)
class ToolCount:
    """How often calls of one endpoint ended in one way."""

    service: str
    method: str
    endpoint: str
    outcome: ToolOutcome
    calls: int
    waited_seconds: float


@dataclass(frozen=True)
class ServiceAnswerRow:
    """An answer that is kept to be asked for again by its ETag."""

    key: str
    etag: str
    headers: Mapping[str, str]
    body: str
    at: datetime
