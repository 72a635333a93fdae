"""The settings of a `query` node."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from blocks.models.calls import Tier
from tasks.drift.choice import OnDrift
from tasks.models.node import ModelNode
from tasks.models.routing import tier_for
from tasks.node import Duration, Node, OnFailure, Produces
from tasks.outcome import Column, Table


class QueryNode(ModelNode):
    """Saved SQL on a source, or a question. The SQL's `:names` are bound to the run's inputs, or to `parameters`."""

    default_on_failure: ClassVar[OnFailure] = "degrade"
    produces: ClassVar[frozenset[Produces]] = frozenset({"table"})

    kind: Literal["query"] = "query"
    source: str
    """The name of a database: a Prefect AsyncSqlAlchemyConnector block, or `--source` for one run."""
    sql: str | None = None
    """One SELECT, with or without a WITH."""
    question: Annotated[str | None, Field(validate_default=True)] = None
    """In place of SQL: what is asked, as a template. A model writes the SQL, on the schema as it is then."""
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

    @field_validator("question")
    @classmethod
    def _sql_or_question(cls, question: str | None, info: ValidationInfo) -> str | None:
        if "sql" in info.data and (info.data["sql"] is None) == (question is None):
            raise ValueError("a query has either sql or a question; write one of the two")
        if question is not None and not question.strip():
            raise ValueError("a question has words; write what is asked")
        of_models = [name for name, field in ModelNode.model_fields.items() if name not in Node.model_fields]
        written = {name: info.data[name] for name in of_models if name in info.data}
        idle = [name for name, value in written.items() if value != ModelNode.model_fields[name].default]
        if question is None and idle:
            raise ValueError(f"only a question is put to a model; remove {' and '.join(idle)}")
        return question

    @field_validator("parameters")
    @classmethod
    def _sql_has_parameters(cls, parameters: Mapping[str, str], info: ValidationInfo) -> Mapping[str, str]:
        if parameters and info.data.get("question") is not None:
            raise ValueError("a question has no :names; write {{ name }} in it, and remove this")
        return parameters

    @field_validator("on_drift")
    @classmethod
    def _on_drift_fits(cls, on_drift: OnDrift, info: ValidationInfo) -> OnDrift:
        if info.data.get("question") is not None and on_drift != "repair":
            raise ValueError("a question is put to the schema as it is, so nothing drifts under it; remove this")
        return on_drift

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
    def asks_a_model(self) -> bool:
        return self.question is not None

    @property
    def model_tier(self) -> Tier:
        return self.tier or tier_for("sql")

    @property
    def waits_for_a_person(self) -> bool:
        return self.on_drift == "approve"

    def templates(self) -> Iterator[tuple[str, str]]:
        yield from super().templates()
        if self.question is not None:
            yield "question", self.question
        for name, text in self.parameters.items():
            yield f"parameters.{name}", text

    def empty(self) -> dict[str, Any]:
        from tasks.sql.guard import column_names  # sqlglot is slow to import, and seldom needed here

        if self.sql is None:
            return {"table": Table(columns=())}
        return {"table": Table(columns=tuple(Column(name=name, type="string") for name in column_names(self.sql)))}
