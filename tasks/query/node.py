"""The settings of a `query` node."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tasks.node import Node, OnFailure, Produces
from tasks.outcome import Column, Table


class QueryNode(Node):
    """Saved SQL on a source. Its `:names` are bound to the workflow's inputs, or to `parameters`."""

    default_on_failure: ClassVar[OnFailure] = "degrade"
    produces: ClassVar[frozenset[Produces]] = frozenset({"table"})

    kind: Literal["query"] = "query"
    source: str
    """The name of a database: a Prefect AsyncSqlAlchemyConnector block, or `--source` for one run."""
    sql: str
    """One SELECT, with or without a WITH."""
    parameters: Mapping[str, str] = {}
    """Bound values by name, as templates; a `:name` that is not here is the input of that name."""
    max_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 50_000
    """Rows beyond this are not read, and the cut is a gap."""

    def templates(self) -> Iterator[tuple[str, str]]:
        yield from super().templates()
        for name, text in self.parameters.items():
            yield f"parameters.{name}", text

    def empty(self) -> dict[str, Any]:
        from tasks.query.guard import column_names  # sqlglot is slow to import, and seldom needed here

        return {"table": Table(columns=tuple(Column(name=name, type="string") for name in column_names(self.sql)))}
