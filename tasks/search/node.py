"""The settings of a `search` node."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from tasks.node import Node, OnFailure, Produces
from tasks.outcome import Column, Table

COLUMNS = (
    Column(name="path", type="string"),
    Column(name="heading", type="string"),
    Column(name="passage", type="string"),
    Column(name="score", type="number"),
)


def _inside(under: str) -> str:
    path = PurePosixPath(under)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{under!r} leads out of the collection; write a folder inside it, such as contracts/2026")
    return under


class SearchNode(Node):
    """The passages of a document collection that match the query best."""

    default_timeout: ClassVar[timedelta] = timedelta(seconds=15)
    default_on_failure: ClassVar[OnFailure] = "degrade"
    produces: ClassVar[frozenset[Produces]] = frozenset({"table"})

    kind: Literal["search"] = "search"
    source: Annotated[str, Field(min_length=1)]
    """The name of a document collection: a Prefect DocumentCollection block, or `--source` for one run."""
    query: Annotated[str, Field(min_length=1)]
    """Words to look for, as a template; any of them is enough, more and rarer ones rank higher."""
    limit: Annotated[int, Field(ge=1, le=100)] = 8
    """How many passages at most."""
    under: Annotated[str, AfterValidator(_inside)] | None = None
    """A folder inside the collection; the rest is neither read nor searched."""

    def templates(self) -> Iterator[tuple[str, str]]:
        yield from super().templates()
        yield "query", self.query

    def empty(self) -> dict[str, Any]:
        return {"table": Table(columns=COLUMNS)}
