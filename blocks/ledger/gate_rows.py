"""What the ledger answers with about gates: one frozen row per table, and a gate with all that happened at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import JsonValue

from blocks.ledger.rows import DecisionRow
from blocks.people.roster import Delegation

NoticeState = Literal["sending", "sent", "failed"]
GateEventKind = Literal[
    "opened",
    "asked",
    "delegated",
    "escalated",
    "reminded",
    "unreachable",
    "undelivered",
    "voted",
    "refused",
    "decided",
    "timed_out",
    "abandoned",
    "unconfirmed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """A wait for a decision."""

    run_id: UUID
    gate: str
    node: str
    workflow: str
    title: str
    summary: str
    """Markdown: what is to be approved."""
    content: str = ""
    """The digest of all that is to be approved."""
    degraded: Mapping[str, JsonValue] = field(default_factory=dict)
    """The nodes that had left a gap by then, each with its reason and outcome."""
    terms: Mapping[str, JsonValue]
    key_fingerprint: str
    """Of the key that the codes are made with; empty where no proof can be asked for."""
    opened_at: datetime
    closes_at: datetime
    taken_at: datetime | None = None
    """When the run went on, or it was seen that it never will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRow:
    """Somebody who may decide: an approver, who stands in for one, or who is above one."""

    slot: str
    """The approver in whose place this person is asked."""
    person: str
    how: Literal["asked", "delegated", "escalated"]
    because_of: str = ""
    """The person who delegated, or who did not answer."""
    at: datetime

    @property
    def why(self) -> str:
        """In words; empty for the approver."""
        said = {"asked": "", "delegated": "in place of", "escalated": "above"}[self.how]
        return f"{said} {self.because_of}" if said else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One thing told to one person on one channel."""

    id: int = 0
    person: str
    channel: str
    occasion: str
    state: NoticeState
    tries: int
    tried_at: datetime
    again_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteRow:
    """One person's answer."""

    person: str
    decision: Literal["approve", "reject"]
    comment: str
    edits: Mapping[str, JsonValue]
    via: str
    answer: str
    """Which answer it was, so that one that is read twice counts once; empty: it is given once."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEventRow:
    """One step at a gate."""

    gate: str
    what: GateEventKind
    person: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """A gate, and all that happened at it."""

    gate: GateRow
    asks: tuple[AskRow, ...] = ()
    notices: tuple[NoticeRow, ...] = ()
    votes: tuple[VoteRow, ...] = ()
    decision: DecisionRow | None = None
    refusals: int = 0
    """How many answers did not count."""

    def vote_of(self, person: str) -> VoteRow | None:
        """That person's answer, if there is one."""
        return next((vote for vote in self.votes if vote.person == person), None)

    def asked(self) -> tuple[str, ...]:
        """Everybody who may decide, once each, in the order in which they were asked."""
        return tuple(dict.fromkeys(ask.person for ask in self.asks))

    def with_asks(self, asks: tuple[AskRow, ...]) -> "GateState":
        """The same after these people were asked as well."""
        return replace(self, asks=(*self.asks, *asks))


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationRow(Delegation):
    """A delegation, and who set it."""

    id: int
    set_by: str
    set_at: datetime
