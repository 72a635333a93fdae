"""The settings of a `deliver` node."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.node import NodeId, Produces, WritingNode

_INSIDE = frozenset({"file", "local", "memory"})


class DocumentTarget(BaseModel):
    """A document in any fsspec folder: a path under the deliveries root, or a URL such as s3://bucket/report.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    documents: Annotated[str, Field(min_length=1)]


class DeliverNode(WritingNode):
    """Delivers one node's text to each target; none is delivered twice."""

    default_retry: ClassVar[int] = 2
    produces: ClassVar[frozenset[Produces]] = frozenset({"fields"})

    kind: Literal["deliver"] = "deliver"
    to: Annotated[tuple[DocumentTarget, ...], Field(min_length=1)]
    content: NodeId | None = None
    """The node whose text is delivered; None: the nearest one upstream that has a text."""

    @property
    def writes_outside(self) -> bool:
        """Whether a target has a protocol other than a local file's: the deliveries folder is Holdfast's own."""
        return any(
            "://" in target.documents and target.documents.partition("://")[0] not in _INSIDE for target in self.to
        )

    def templates(self) -> Iterator[tuple[str, str]]:
        yield from super().templates()
        for at, target in enumerate(self.to):
            yield f"to[{at}].documents", target.documents

    def reads(self) -> Iterator[tuple[str, str]]:
        if self.content:
            yield "content", self.content

    def field_names(self) -> frozenset[str]:
        return frozenset({"delivered"})
