"""What a run leaves behind: its result for the caller, and the artifacts that tell its story in the Prefect UI."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal
from uuid import UUID

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from pydantic import BaseModel, ConfigDict, JsonValue

from blocks.ledger import RunCost
from flows.walk import NodeRecord
from flows.workflow import Workflow
from tasks.artifacts import show
from tasks.outcome import Gap, Outcome, Table


class NodeSummary(BaseModel):
    """One node's line in a run's result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Literal["done", "degraded", "skipped", "failed"]
    seconds: float
    attempts: int
    cached: bool
    detail: str = ""


class RunResult(BaseModel):
    """A finished run, as Python callers get it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: UUID
    workflow: str
    state: Literal["Completed", "Degraded", "Rejected"]
    report: str
    """Markdown; empty where the workflow writes none."""
    gaps: tuple[Gap, ...]
    cost_usd: Decimal
    model_calls: int
    unpriced_calls: int
    """Model calls whose price is not known; the cost leaves them out."""
    offline_answers: int
    """What the offline model answered; these are no model calls."""
    nodes: Mapping[str, NodeSummary]
    outputs: Mapping[str, Table | JsonValue]
    deliveries: tuple[str, ...]
    repairs: tuple[str, ...] = ()
    """Node and repair, for each query whose schema had drifted."""
    corrections: tuple[str, ...] = ()
    """What approvers changed before it went on, and who."""

    @property
    def cost(self) -> RunCost:
        """What the run cost; as text, it says what it leaves out."""
        return RunCost(self.cost_usd, self.model_calls, self.unpriced_calls, self.offline_answers)


def result_of(workflow: Workflow, run_id: UUID, records: Mapping[str, NodeRecord], cost: RunCost) -> RunResult:
    """The result of a run whose nodes ended as the records say; told in the definition's order, not in that of ends."""
    records = {node.id: records[node.id] for node in workflow.nodes if node.id in records}
    gaps = tuple(dict.fromkeys(gap for record in records.values() for gap in record.outcome.gaps))
    rejected = any(record.blocks for record in records.values())
    delivered = [str(place) for record in records.values() for place in _listed(record.outcome.fields.get("delivered"))]
    return RunResult(
        run_id=run_id,
        workflow=workflow.name,
        state="Degraded" if gaps else "Rejected" if rejected else "Completed",
        report=_report(workflow, records),
        gaps=gaps,
        cost_usd=cost.total,
        model_calls=cost.calls,
        unpriced_calls=cost.unpriced_calls,
        offline_answers=cost.offline_answers,
        nodes={name: summary_of(record) for name, record in records.items()},
        outputs={
            name: _output(records[output.node].outcome, output.field) for name, output in workflow.outputs.items()
        },
        deliveries=tuple(delivered),
        repairs=tuple(f"{name}: {repair}" for name, record in records.items() for repair in record.outcome.repairs),
        corrections=tuple(
            dict.fromkeys(str(each) for record in records.values() for each in record.outcome.corrections)
        ),
    )


def summary_of(record: NodeRecord) -> NodeSummary:
    """The record without its outcome."""
    return NodeSummary(
        state=record.state,
        seconds=round(record.seconds, 3),
        attempts=record.attempts,
        cached=record.cached,
        detail=record.detail,
    )


def message_of(result: RunResult) -> str:
    """The final state's message: what is missing and who said no."""
    parts = [f"missing: {gap.node}: {gap.reason}" for gap in result.gaps]
    if result.state != "Completed":
        parts += [
            f"{name}: {node.detail}" for name, node in result.nodes.items() if node.state == "done" and node.detail
        ]
    else:
        parts += [f"repaired: {repair}" for repair in result.repairs]
    return "; ".join(parts) or "every node is done"


async def write_artifacts(result: RunResult) -> None:
    """Adds the run's report and its table of nodes to the Prefect UI."""
    rows = [{"node": name, **node.model_dump()} for name, node in result.nodes.items()]
    # At once, because a server that still records the nodes answers each call late.
    await show(
        acreate_markdown_artifact(
            key=f"{result.workflow}-report", markdown=artifact_markdown(result), description=f"Run {result.run_id}"
        ),
        acreate_table_artifact(key=f"{result.workflow}-nodes", table=rows, description=f"Run {result.run_id}"),
    )


def artifact_markdown(result: RunResult) -> str:
    """The run's story: report, gaps, deliveries, cost, and the seconds of each node."""
    parts = [result.report.strip() or f"# {result.workflow}"]
    if result.gaps and "## What is missing" not in result.report:
        parts.append("\n".join(["## What is missing", "", *(f"- {gap}" for gap in result.gaps)]))
    if result.repairs:
        parts.append("\n".join(["## Repaired", "", *(f"- {repair}" for repair in result.repairs)]))
    if result.corrections:
        parts.append("\n".join(["## Corrected", "", *(f"- {each}" for each in result.corrections)]))
    if result.deliveries:
        parts.append("\n".join(["## Delivered", "", *(f"- {place}" for place in result.deliveries)]))
    lines = [f"| {name} | {n.state} | {n.seconds:.2f} | {n.attempts} |" for name, n in result.nodes.items()]
    parts.append("\n".join(["## Nodes", "", "| node | state | seconds | tries |", "|---|---|---:|---:|", *lines]))
    parts.append(f"Cost: {result.cost}.")
    return "\n\n".join(parts) + "\n"


def _report(workflow: Workflow, records: Mapping[str, NodeRecord]) -> str:
    texts = [records[node.id].outcome.text for node in workflow.nodes if node.id in records]
    return next((text for text in reversed(texts) if text), "")


def _output(outcome: Outcome, field: str | None) -> Table | JsonValue:
    if field is None:
        return outcome.table
    return outcome.text if field == "text" else outcome.fields.get(field)


def _listed(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, list) else ()
