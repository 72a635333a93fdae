"""The seam between the task and whoever answers: a provider's model, or the offline model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from tasks.outcome import Gap, Outcome, Scope
from tasks.reason.node import ReasonNode


@dataclass(frozen=True)
class Question:
    """What a node asks. It has the data itself, because not every reasoner reads prompts."""

    node: ReasonNode
    scope: Scope
    instructions: str
    """The node's instructions with their template filled in."""
    now: datetime

    @property
    def needed(self) -> Mapping[str, Outcome]:
        """The outcomes of the nodes that this node needs, in its order."""
        outcomes = self.scope.outcomes
        return {need: outcomes[need] for need in self.node.needs if need in outcomes}

    def gap(self, reason: str) -> Gap:
        """A gap of this node, seen now."""
        return Gap(node=self.node.id, reason=reason, since=self.now)


@dataclass(frozen=True)
class Reasoned:
    """An answer, before evidence bounds its confidence."""

    confidence: float
    """What the reasoner itself says, from 0 to 1."""
    written_by: str
    """One line that says who made this, for the end of a report."""
    fields: Mapping[str, JsonValue] = field(default_factory=dict)
    text: str = ""
    gaps: tuple[Gap, ...] = ()
    """What this answer lacks beyond what its question lacked."""
    evidence: tuple[str, ...] = ()
    rounds: int = 1
    """How often the model was asked until its answer had the right shape."""


class Reasoner(Protocol):
    """Answers the question of one node."""

    async def reason(self, question: Question) -> Reasoned:
        """The answer.

        Raises:
            AnswerInvalid: the model's answer cannot be used.
            HoldfastError: also whatever the way to the model raises.
        """
        ...
