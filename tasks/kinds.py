"""Every kind of node, in one place: its settings and its task. A new kind is one folder of tasks/ and one line here."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from blocks.errors import Problem, TransformRefused
from tasks.approve.node import ApproveNode
from tasks.deliver.node import DeliverNode
from tasks.node import Node
from tasks.query.node import QueryNode
from tasks.reason.node import ReasonNode
from tasks.request.node import RequestNode
from tasks.search.node import SearchNode
from tasks.transform.node import TransformNode

if TYPE_CHECKING:
    from prefect import Task

AnyNode = Annotated[
    QueryNode | SearchNode | RequestNode | ReasonNode | TransformNode | ApproveNode | DeliverNode,
    Field(discriminator="kind"),
]

# By path, so that checking or drawing a definition imports neither Prefect nor a database driver.
TASKS: Mapping[type[Node], str] = {
    QueryNode: "tasks.query.task:answer_query",
    SearchNode: "tasks.search.task:search_documents",
    RequestNode: "tasks.request.task:ask_service",
    ReasonNode: "tasks.reason.task:ask_model",
    TransformNode: "tasks.transform.task:transform_tables",
    ApproveNode: "tasks.approve.task:ask_approval",
    DeliverNode: "tasks.deliver.task:deliver_text",
}


def node_type(kind: str) -> type[Any] | None:
    """The settings model of the kind, or None."""
    return next((model for model in TASKS if model.model_fields["kind"].default == kind), None)


def kinds() -> tuple[str, ...]:
    """The names of all kinds, in the order in which they are listed to people."""
    return tuple(str(model.model_fields["kind"].default) for model in TASKS)


def task_of(node: AnyNode) -> "Task[..., Any]":
    """The Prefect task that runs the node."""
    module, _, name = TASKS[type(node)].partition(":")
    task: Task[..., Any] = getattr(import_module(module), name)
    return task


def functions_missing(nodes: Sequence[AnyNode]) -> list[Problem]:
    """The transforms whose function cannot be imported; this runs the modules that they name."""
    from tasks.transform.apply import load  # imports what the definition names; only `check` wants that

    problems = []
    for node in nodes:
        if isinstance(node, TransformNode):
            try:
                load(node.function)
            except TransformRefused as refused:
                problems.append(Problem("function", f"node {node.id}, field function", str(refused)))
    return problems
