"""The settings of a `transform` node."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tasks.node import Node, Produces


class TransformNode(Node):
    """A Python function over the tables of the nodes that it needs."""

    default_retry: ClassVar[int] = 0
    produces: ClassVar[frozenset[Produces]] = frozenset({"table"})

    kind: Literal["transform"] = "transform"
    function: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    """`package.module:function`. It gets one frame per needed node, by the node's id with underscores, and any
    workflow input that its signature names; it returns a frame."""
