"""The settings of a `query` node."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from tasks.node import Duration, Node, OnFailure, Produces
from tasks.outcome import Column, Table

OnDrift = Literal["repair", "approve", "fail"]


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

    on_drift: OnDrift = "repair"
    """What it means that the schema has drifted under the SQL: it is repaired where that can be done for sure, at once
    or once a person has approved it, or the query fails."""
    approvers: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(validate_default=True)] = ()
    """Who is asked where `on_drift` is approve."""
    approve_within: Duration = timedelta(hours=4)
    """How long they may take; after that the repair is not made."""

    @field_validator("approvers")
    @classmethod
    def _approvers_fit(cls, approvers: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        asked = info.data.get("on_drift") == "approve"
        if asked and not approvers:
            raise ValueError("on_drift: approve asks somebody; name them, as in approvers: [data-owner]")
        if approvers and not asked:
            raise ValueError("nobody is asked; write on_drift: approve, or remove this")
        return approvers

    @property
    def waits_for_a_person(self) -> bool:
        return self.on_drift == "approve"

    def templates(self) -> Iterator[tuple[str, str]]:
        yield from super().templates()
        for name, text in self.parameters.items():
            yield f"parameters.{name}", text

    def empty(self) -> dict[str, Any]:
        from tasks.query.guard import column_names  # sqlglot is slow to import, and seldom needed here

        return {"table": Table(columns=tuple(Column(name=name, type="string") for name in column_names(self.sql)))}
