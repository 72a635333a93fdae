"""The terms of a gate: who decides, how many must agree, when what is due. Kept with the gate while it is open."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from blocks.ledger import GateState
from tasks.approve.node import ESCALATE_AFTER, REMIND_EVERY, OnTimeout, Required
from tasks.node import Duration


class Terms(BaseModel):
    """What was agreed when the gate was opened; a change of the directory or of the definition leaves it as it is."""

    # What a newer Holdfast has written beside is left to it.
    model_config = ConfigDict(frozen=True, extra="ignore")

    approvers: tuple[str, ...]
    """As the definition names them: people and roles."""
    people: tuple[str, ...] = ()
    """Whom these meant; nobody where no directory is saved: then whoever reaches the gate decides, without proof."""
    required: Required = "any"
    remind_every: Duration | None = REMIND_EVERY
    escalate_after: Duration | None = ESCALATE_AFTER
    on_timeout: OnTimeout = "reject"
    delegable: bool = True
    """Whether whoever stands in for an approver may decide; a delegation itself is the approver's own to confirm."""
    editable: dict[str, JsonValue] = {}
    """What an approver may correct: node.field, and its value."""

    @property
    def wants_proof(self) -> bool:
        """Whether an answer counts only from somebody who is known to have been asked."""
        return bool(self.people)


def terms_of(state: GateState) -> Terms:
    """The terms that a gate was opened with."""
    return Terms.model_validate(state.gate.terms)


def outcome_of(state: GateState) -> Literal["approve", "reject"] | None:
    """What the answers so far come to; None: more are needed.

    One rejection rejects. It is approved once anybody (`any`), as many different people as are `required`, or somebody
    in the place of each approver (`all`) has approved.
    """
    terms = terms_of(state)
    if any(vote.decision == "reject" for vote in state.votes):
        return "reject"
    if not state.votes:
        return None
    if not terms.wants_proof or terms.required == "any":
        return "approve"
    if terms.required == "all":
        return "approve" if all(is_covered(state, person) for person in terms.people) else None
    return "approve" if len(state.votes) >= terms.required else None


def editable_now(state: GateState) -> dict[str, JsonValue]:
    """What may be corrected, with its value as it has been corrected so far."""
    corrected = {name: value for vote in state.votes for name, value in vote.edits.items()}
    return {name: corrected.get(name, value) for name, value in terms_of(state).editable.items()}


def is_covered(state: GateState, approver: str) -> bool:
    """Whether somebody who was asked in the place of this approver has answered."""
    return any(ask.slot == approver and state.vote_of(ask.person) is not None for ask in state.asks)
