"""A gate as its node opens it: what is asked, of whom, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import JsonValue

from blocks.errors import DirectoryRefused
from tasks.approve.due import People
from tasks.approve.node import ESCALATE_AFTER, REMIND_EVERY, Hold, OnTimeout, Required
from tasks.approve.terms import Terms
from tasks.outcome import Gap


@dataclass(frozen=True)
class Gate:
    """What is asked, of whom, and for how long."""

    id: str
    """Under which the decision is recorded: the node's id, and more where the node could ask about another thing."""
    node: str
    title: str
    text: str
    """Markdown: what is to be approved, as much of it as a form shows."""
    content: str
    """The digest of all of it: a decision counts for this and for nothing else."""
    gaps: tuple[Gap, ...]
    approvers: tuple[str, ...]
    timeout: timedelta
    on_timeout: OnTimeout
    """What no decision in time means; here it is only recorded."""
    required: Required = "any"
    remind_every: timedelta | None = REMIND_EVERY
    escalate_after: timedelta | None = ESCALATE_AFTER
    hold: Hold = "auto"
    delegable: bool = True
    editable: Mapping[str, JsonValue] = field(default_factory=dict)
    """What may be corrected: node.field, and its value."""


def terms_for(gate: Gate, people: People | None) -> Terms:
    """The terms to open the gate with: whom its approvers mean now.

    Raises:
        DirectoryRefused: an approver is neither a person nor a role, or more people are required than there are.
    """
    meant: tuple[str, ...] = ()
    if people is not None:
        roster = people.roster
        if unknown := [name for name in gate.approvers if not roster.meant_by(name)]:
            raise DirectoryRefused(
                f"gate {gate.node!r} asks {unknown[0]!r}, who is neither a person nor a role of the directory",
                mend=f"name one of {', '.join([*(each.name for each in roster.people), *roster.roles][:20])}",
            )
        meant = tuple(person.name for person in roster.all_meant_by(gate.approvers))
        if isinstance(gate.required, int) and gate.required > len(meant):
            raise DirectoryRefused(
                f"gate {gate.node!r} requires {gate.required} people and its approvers are {len(meant)}",
                mend="name more approvers, or require fewer",
            )
    return Terms(
        approvers=gate.approvers,
        people=meant,
        required=gate.required,
        remind_every=gate.remind_every,
        escalate_after=gate.escalate_after,
        on_timeout=gate.on_timeout,
        delegable=gate.delegable,
        editable=dict(gate.editable),
    )
