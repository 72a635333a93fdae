"""The settings of an `approve` node: a gate."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from tasks.node import Duration, Node, NodeId, OnFailure, Produces

OnTimeout = Literal["reject", "approve", "skip", "fail"]
Required = Literal["any", "all"] | Annotated[int, Field(ge=1, le=100, strict=True)]
Hold = Literal["auto", "pause", "suspend"]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z_][a-z0-9_]*$")]

REMIND_EVERY = timedelta(hours=1)
ESCALATE_AFTER = timedelta(hours=2)


class ApproveNode(Node):
    """A wait for people's decision; `timeout` is how long the gate stays open."""

    default_timeout: ClassVar[timedelta] = timedelta(hours=4)
    default_retry: ClassVar[int] = 0
    produces: ClassVar[frozenset[Produces]] = frozenset({"fields"})

    kind: Literal["approve"] = "approve"
    approvers: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
    """Who is asked: people and roles of the directory."""
    required: Required = "any"
    """How many must agree: anybody, everybody, or so many of them. One rejection rejects."""
    content: NodeId | None = None
    """The node whose text is to be approved; None: the nearest one upstream that has a text."""
    editable: tuple[FieldName, ...] = ()
    """What an approver may correct before it goes out, as node.field, such as report.text."""
    remind_every: Duration | None = REMIND_EVERY
    """How often whoever has not answered is told again; None: never."""
    escalate_after: Duration | None = ESCALATE_AFTER
    """After how long, each time, the next one above is asked as well; None: never."""
    on_timeout: OnTimeout = "reject"
    """What no decision in time means."""
    hold: Hold = "auto"
    """How the run waits: paused with its process, or suspended without one; auto: suspended where it is deployed."""

    @field_validator("editable")
    @classmethod
    def _differ_in_the_form(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        keys = [form_key(name) for name in value]
        for name, key in zip(value, keys, strict=True):
            if keys.count(key) > 1:
                raise ValueError(f"{name} is there twice, or looks like another in the form; keep one of them")
        return value

    @field_validator("on_failure")
    @classmethod
    def _never_opens_by_failing(cls, value: OnFailure | None) -> OnFailure | None:
        if value == "degrade":
            raise ValueError("a gate that fails would be open; write on_timeout: skip if no decision may be none")
        return value

    @property
    def waits_for_a_person(self) -> bool:
        return True

    def reads(self) -> Iterator[tuple[str, str]]:
        if self.content:
            yield "content", self.content
        for at, name in enumerate(self.editable):
            yield f"editable[{at}]", name.partition(".")[0]

    def field_names(self) -> frozenset[str]:
        return frozenset({"decision", "comment", "decided_by"})


def form_key(name: str) -> str:
    """What the form calls node.field."""
    return name.replace(".", "_").replace("-", "_")
