"""The settings of an `approve` node: a gate."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tasks.node import Node, NodeId, Produces

OnTimeout = Literal["reject", "approve", "skip", "fail"]


class ApproveNode(Node):
    """A wait for a person's decision; `timeout` is how long the gate stays open."""

    default_timeout: ClassVar[timedelta] = timedelta(hours=4)
    default_retry: ClassVar[int] = 0
    produces: ClassVar[frozenset[Produces]] = frozenset({"fields"})

    kind: Literal["approve"] = "approve"
    approvers: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
    """Who is asked, as the form says it."""
    content: NodeId | None = None
    """The node whose text is to be approved; None: the nearest one upstream that has a text."""
    on_timeout: OnTimeout = "reject"
    """What no decision in time means."""

    @property
    def waits_for_a_person(self) -> bool:
        return True

    def reads(self) -> Iterator[tuple[str, str]]:
        if self.content:
            yield "content", self.content

    def field_names(self) -> frozenset[str]:
        return frozenset({"decision", "comment", "decided_by"})
