"""Makes a definition a Prefect flow: typed parameters, one task per node, retries and timeouts on each."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import anyio
from prefect import Flow, Task
from prefect.cache_policies import RUN_ID
from prefect.client.schemas import TaskRun
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed

from blocks.errors import HoldfastError, RunFailed
from blocks.ledger import Ledger
from blocks.settings import HoldfastSettings
from flows.definitions import dump
from flows.gate_checks import require_approvers
from flows.graph import Graph
from flows.inputs import input_values
from flows.result import RunResult, message_of, result_of, write_artifacts
from flows.sources import source_overrides
from flows.walk import Walk
from flows.workflow import Workflow
from tasks.approve.node import ApproveNode
from tasks.context import Listener, NodeEvent, RunContext, Silent, Verdict, current_run, enter_run, leave_run, utc_now
from tasks.deliver.node import DeliverNode
from tasks.kinds import AnyNode, task_of
from tasks.models.node import ModelNode
from tasks.models.opening import open_team
from tasks.node_task import NODE_INPUTS, tries_of_node

RETRY_DELAYS_SECONDS = [1.0, 2.0, 4.0, 8.0]
RETRY_JITTER = 0.3


@dataclass(frozen=True)
class RunOptions:
    """What a caller may set for the runs that it starts in this context, beside their inputs."""

    sources: Mapping[str, str] = field(default_factory=dict)
    decisions: Mapping[str, Verdict] = field(default_factory=dict)
    listener: Listener = field(default_factory=Silent)
    settings: HoldfastSettings = field(default_factory=HoldfastSettings)
    now: Callable[[], datetime] = utc_now
    """The clock that gates go by."""


run_options: ContextVar[RunOptions] = ContextVar("holdfast_run_options")


class WorkflowFlow(Flow[..., Any]):
    """A Prefect flow that is async inside and can also be called where no event loop runs."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The run's result, or a coroutine of it where an event loop runs."""
        coroutine = super().__call__(*args, **kwargs)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(coroutine)
        return coroutine


def build(workflow: Workflow, version: int | None = None) -> WorkflowFlow:
    """The Prefect flow of a checked definition, with the workflow's name and its inputs as parameters."""
    written = Graph(workflow.nodes)
    nodes = [_with_content(node, written) for node in workflow.nodes]
    graph = Graph(nodes)
    tasks = {node.id: _task(workflow.name, node) for node in nodes}
    definition = dump(workflow)

    async def run(**given: Any) -> State[RunResult]:
        return await _run(workflow, version, definition, graph, tasks, given)

    run.__name__ = run.__qualname__ = workflow.name.replace("-", "_")
    run.__doc__ = workflow.description
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what inspect.signature looks for
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=declared.annotation,
                default=inspect.Parameter.empty if declared.default is None else declared.default,
            )
            for name, declared in workflow.inputs.items()
        ]
    )
    return WorkflowFlow(
        run,
        name=workflow.name,
        description=workflow.description,
        version=str(version) if version else None,
        persist_result=True,
        result_serializer="json",
    )


def _with_content(node: AnyNode, graph: Graph) -> AnyNode:
    """The node with the text that it shows or delivers named, where the definition leaves it to the graph."""
    if isinstance(node, DeliverNode | ApproveNode) and node.content is None:
        texts = graph.texts_upstream(node.id)
        return node.model_copy(update={"content": texts[0]}) if texts else node
    return node


def _task(workflow: str, node: AnyNode) -> "Task[..., Any]":
    task = task_of(node).with_options(
        name=node.id,
        task_run_name=node.id,
        retries=node.retries,
        retry_delay_seconds=RETRY_DELAYS_SECONDS,
        retry_jitter_factor=RETRY_JITTER,
        retry_condition_fn=_worth_another_try,
        # A gate ends itself: its timeout is a decision, not a failure.
        timeout_seconds=None if node.waits_for_a_person else node.timeout_seconds,
        persist_result=True,
        result_serializer="json",
        cache_policy=RUN_ID + NODE_INPUTS,
    )
    # A run that is started again must find each node's task run, whatever order the nodes start in.
    task.task_key = f"{workflow}.{node.id}"
    return task


def _worth_another_try(task: "Task[..., Any]", task_run: TaskRun, state: State[Any]) -> bool:
    error = state.data
    again = error.retryable if isinstance(error, HoldfastError) else isinstance(error, OSError)  # TimeoutError is one
    if again:
        tries = tries_of_node.get().count
        current_run().listener.on_event(
            NodeEvent(task.name, "retrying", detail=str(error), attempt=tries + 1, attempts=task.retries + 1)
        )
    return again


async def _run(
    workflow: Workflow,
    version: int | None,
    definition: str,
    graph: Graph,
    tasks: Mapping[str, "Task[..., Any]"],
    given: Mapping[str, Any],
) -> State[RunResult]:
    """One run from its inputs to its final state; what happens is in the ledger as it happens."""
    options = run_options.get(None) or RunOptions()
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("a workflow's function is called by its Prefect flow only")
    flow_run = context.flow_run
    inputs = input_values(workflow.inputs, given, workflow.local(flow_run.expected_start_time or utc_now()))
    await require_approvers(workflow.nodes)
    sources, notes = await source_overrides(workflow, options.sources, options.settings)
    async with Ledger.open(options.settings.ledger) as ledger:
        started = await ledger.start_run(
            run_id=flow_run.id,
            workflow=workflow.name,
            version=version,
            team=workflow.team,
            definition=definition,
            inputs=inputs,
            sources=dict(options.sources),
            started_at=utc_now(),
        )
        run = RunContext(
            run_id=flow_run.id,
            workflow=workflow.name,
            team=workflow.team,
            ledger=ledger,
            settings=options.settings,
            sources=sources,
            budgets=workflow.budget,
            decisions=options.decisions,
            notes=notes,
            listener=options.listener,
            now=options.now,
        )
        if started.starts > 1:
            run.progress.kept = {
                node: kept
                for state in await ledger.gates.of_run(run.run_id)
                for node, kept in state.gate.degraded.items()
            }
        token = enter_run(run)
        try:
            await _begin_models(workflow, run)
            return await _finished(workflow, Walk(graph, tasks, started.inputs, run), run)
        finally:
            leave_run(token)
            with anyio.CancelScope(shield=True):
                await run.close()


async def _begin_models(workflow: Workflow, run: RunContext) -> None:
    """Looks the team's models up while the server has little to do: once it records many task runs, it answers late."""
    if any(isinstance(node, ModelNode) and node.asks_a_model for node in workflow.nodes):
        # Waited for and not asked for its result: what goes wrong is for the nodes that ask.
        opening = run.models.begin(run.team, lambda: open_team(run))
        await run.ledger.forget_exchanges(workflow.name, run.settings.recorded_calls_per_node)
        await asyncio.wait([opening])


async def _finished(workflow: Workflow, walk: Walk, run: RunContext) -> State[RunResult]:
    try:
        records = await walk.to_the_end()
    except RunFailed as failed:
        gaps = [gap for record in walk.records.values() for gap in record.outcome.gaps]
        await run.ledger.finish_run(run.run_id, "Failed", str(failed), list(dict.fromkeys(map(str, gaps))), run.now())
        raise
    cost = await run.ledger.cost(run.run_id)
    result = result_of(workflow, run.run_id, records, cost)
    await write_artifacts(result)
    message = message_of(result)
    await run.ledger.finish_run(run.run_id, result.state, message, list(map(str, result.gaps)), run.now())
    return Completed(name=result.state, message=message, data=result)
