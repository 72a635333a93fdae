"""What the ledger answers with: one frozen row per table, and what a run cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import JsonValue

from blocks.schemas.snapshot import Snapshot
from blocks.words import counted

DeliveryOutcome = Literal["intended", "delivered", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run; `finished_at` is None while it goes on."""

    run_id: UUID
    workflow: str
    version: int | None
    team: str
    definition: str
    """The YAML that the run is pinned to."""
    inputs: Mapping[str, JsonValue]
    sources: Mapping[str, str]
    """Source name to URL; a password reads `***`."""
    state: str
    message: str
    gaps: tuple[str, ...]
    started_at: datetime
    finished_at: datetime | None
    starts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One try of one node; `start` says in which start of the run, `seconds` is None while it runs."""

    id: int
    run_id: UUID
    node: str
    kind: str
    start: int
    attempt: int
    state: str
    error: str | None
    started_at: datetime
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCallRow:
    """One call of a model."""

    id: int = 0
    """0 before it is recorded."""
    run_id: UUID
    workflow: str
    node: str
    attempt: int
    team: str
    purpose: str
    tier: str
    provider: str
    model: str
    prompt_version: str
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    cost_usd: Decimal | None
    """None: not known, which is never zero."""
    latency_seconds: float
    outcome: str
    at: datetime
    key_fingerprint: str = ""
    """Tells the key that paid from others, and nothing else of it."""
    frontier_cost_usd: Decimal | None = None
    """What as many tokens cost on the frontier model of the same provider; None: not known."""
    first_token_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRow:
    """What a model was asked and what it answered."""

    request: Mapping[str, JsonValue]
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One thing to be done outside: to do when `new`, done when `receipt_at` is set, else perhaps done."""

    id: int
    run_id: UUID
    node: str
    target: str
    intent_at: datetime
    receipt_at: datetime | None
    receipt: Mapping[str, JsonValue] | None
    sha256: str
    outcome: DeliveryOutcome
    error: str | None
    new: bool = False
    """The intent was written by the very call that returned this row, so its caller is the one to act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """What was decided at a gate, by whom and by which way."""

    id: int
    run_id: UUID
    node: str
    decision: str
    comment: str
    decided_by: str
    via: str
    at: datetime
    edits: Mapping[str, Mapping[str, JsonValue]]
    """What was corrected before it went on: node.field to its value `now`, and `by` whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaRow:
    """A source's schema, and when it was first seen like this."""

    source: str
    snapshot: Snapshot
    at: datetime
    run_id: UUID | None
    """The run that saw it; None where a person asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodAnswerRow:
    """What is remembered of a saved query's last good answer."""

    source: str
    sql: str
    database: str
    fingerprint: str
    """Of the schema with which the answer was good."""
    samples: Mapping[str, JsonValue]
    """What was seen of each relation that the query uses, before any drift."""
    repaired_sql: str | None
    """What was run in its place, where the schema had drifted by then."""
    repairs: Sequence[str]
    """The same in words."""
    approved_by: Sequence[str]
    """Who was asked for the repair, where it was approved; empty where nobody was."""
    shape: Mapping[str, JsonValue] | None
    """The answer's; None where an older Holdfast remembered it."""
    asked_with: str
    """Digest of the parameters' values and of the most rows: answers to others may have another shape."""
    not_sampled: str
    """Why there are no samples; empty where there are."""
    sampled_fingerprint: str
    """Of the schema in which the samples were taken."""
    sampled_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswerRow:
    """As much of a good answer as says whether its SQL can be run as it was, without its samples."""

    database: str
    fingerprint: str
    repaired_sql: str | None
    repairs: Sequence[str]
    approved_by: Sequence[str]
    not_sampled: str
    sampled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationRow:
    """One thing that a saved query expected of its drifted schema or of its answer, and whether it was so."""

    run_id: UUID | None
    """None where a person asked."""
    node: str
    """Empty where a person asked."""
    source: str
    sql: str
    about: str
    expectation: str
    met: bool
    observed: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RunCost:
    """What a run's model calls cost in USD; calls of unknown price are counted, not guessed.

    What the offline model answered is no call: it cost nothing, and went nowhere.
    """

    total: Decimal
    calls: int
    unpriced_calls: int
    offline_answers: int = 0

    def __str__(self) -> str:
        offline = f"{counted(self.offline_answers, 'answer')} by the offline model" if self.offline_answers else ""
        calls = counted(self.calls, "model call") if self.calls or not offline else ""
        unpriced = f"{self.unpriced_calls} of unknown price" if self.unpriced_calls else ""
        return f"${self.total:.4f} ({', '.join(filter(None, (calls, unpriced, offline)))})"
