"""Runs the nodes of one run: each starts the moment that its needs are over, and nothing waits for a level."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic
from typing import Any, Literal

from prefect import Task
from prefect.exceptions import Pause
from prefect.utilities.annotations import opaque, quote
from prefect.utilities.engine import link_state_to_task_run_result
from pydantic import JsonValue

from blocks.errors import HoldfastError, RunFailed
from flows.graph import Graph
from tasks.approve.node import ApproveNode
from tasks.context import NodeEvent, RunContext
from tasks.kinds import AnyNode
from tasks.node import format_duration
from tasks.node_task import Tries, tries_of_node
from tasks.outcome import Correction, Gap, Outcome, Scope
from tasks.templates import holds


@dataclass(frozen=True)
class NodeRecord:
    """How a node ended, for the ledger, the report and the nodes downstream."""

    node: str
    kind: str
    state: Literal["done", "degraded", "skipped", "failed"]
    outcome: Outcome
    seconds: float = 0.0
    attempts: int = 0
    cached: bool = False
    detail: str = ""
    blocks: bool = False
    """Whether nothing downstream may run: a rejected gate, or a node behind one."""
    error: BaseException | None = None


class Walk:
    """One run's way through the graph; `records` fills as nodes end."""

    def __init__(
        self, graph: Graph, tasks: Mapping[str, "Task[..., Any]"], inputs: Mapping[str, JsonValue], run: RunContext
    ) -> None:
        self._graph, self._tasks, self._inputs, self._run = graph, tasks, inputs, run
        self._uses = {name: graph.uses(name) for name in graph.nodes}
        self.records: dict[str, NodeRecord] = {}
        run.progress.idle = self._idle

    async def to_the_end(self) -> Mapping[str, NodeRecord]:
        """Every node's record, as corrected. After a failure nothing new starts, and what is under way is let finish.

        Raises:
            RunFailed: a node failed whose failure fails the run.
            Pause: the run is suspended at a gate; all that could go on without the gate has ended.
        """
        ends: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            for name in self._graph.order:
                self._run.listener.on_event(NodeEvent(name, "waiting"))
                needs = [ends[need] for need in self._graph.needs(name)]
                ends[name] = group.create_task(self._after(needs, self._graph.nodes[name]))
        if self._run.progress.suspended is not None:
            raise self._run.progress.suspended
        self._raise_first_failure()
        made = [each for name in self._graph.order for each in self._corrections(name)]
        for name, record in self.records.items():
            mine = [each for each in made if each.node == name]
            if mine:
                self.records[name] = replace(record, outcome=record.outcome.corrected(mine))
        return self.records

    def _idle(self) -> bool:
        """Whether every node is over, waits for people, or hangs on one that does."""
        waiting = self._run.progress.waiting
        return all(
            name in waiting or not waiting.isdisjoint(self._graph.upstream(name))
            for name in self._graph.nodes
            if name not in self.records
        )

    async def _after(self, needs: list["asyncio.Task[None]"], node: AnyNode) -> None:
        for need in needs:
            await need
        if self._run.progress.suspended is not None:
            return
        record = self._skipped(node)
        if record is None:
            scope = self._scope(node)
            try:
                skip = node.when is not None and not holds(node.when, scope)
            except HoldfastError as error:
                record = self._failed(node, scope, error, 0.0, 0)
            else:
                try:
                    record = _skip(node, f"when: {node.when}") if skip else await self._run_node(node, scope)
                except Pause:
                    return  # told by the run's progress
        self.records[node.id] = record
        self._tell(record)

    def _skipped(self, node: AnyNode) -> NodeRecord | None:
        """The record of a node that must not start, or None."""
        needs = [self.records[need] for need in self._graph.needs(node.id)]
        for need in needs:
            if need.blocks:
                # A gate says what was decided; who hangs on it says at which gate, however far down.
                why = need.detail if need.state == "skipped" else f"{need.node}: {need.detail}"
                return _skip(node, why, blocks=True)
            if need.state == "failed":
                return _skip(node, f"{need.node} failed", blocks=True)
        if any(record.state == "failed" for record in self.records.values()):
            return _skip(node, "the run has failed", blocks=True)
        if needs and all(need.state == "skipped" for need in needs):
            return _skip(node, f"{needs[0].node} was skipped")
        return None

    def _scope(self, node: AnyNode) -> Scope:
        corrections = [each for name in reversed(self._graph.upstream(node.id)) for each in self._corrections(name)]
        outcomes = {
            name: self.records[name].outcome.corrected(each for each in corrections if each.node == name)
            for name in self._uses[node.id]
        }
        return Scope(inputs=self._inputs, outcomes=outcomes)

    def _corrections(self, gate: str) -> tuple[Correction, ...]:
        return self.records[gate].outcome.corrections

    async def _run_node(self, node: AnyNode, scope: Scope) -> NodeRecord:
        if (kept := self._run.progress.kept.get(node.id)) is not None:
            return self._as_kept(node, kept)
        tries = Tries()
        tries_of_node.set(tries)
        began = monotonic()
        # Quoted, so that Prefect does not look for results of other tasks in every cell of every table: `wait_for`
        # names them, for the graph in its UI.
        used = [opaque(outcome) for outcome in scope.outcomes.values()]
        state = await self._tasks[node.id](quote(node), quote(scope), wait_for=used, return_state=True)
        seconds = monotonic() - began
        if not state.is_completed():
            error = await state.aresult(raise_on_failure=False)
            record = self._failed(node, scope, error, seconds, tries.count)
            # What stands in for its result: Prefect's graph has its edges by whose result a task was handed.
            link_state_to_task_run_result(state, record.outcome)
            if record.state == "degraded":
                shown: JsonValue = {"reason": record.detail, "outcome": record.outcome.model_dump(mode="json")}
                self._run.progress.degraded[node.id] = shown
            return record
        outcome: Outcome = await state.aresult()
        detail = f"repaired: {'; '.join(outcome.repairs)}" if outcome.repairs else ""
        record = NodeRecord(
            node.id, node.kind, "done", outcome, seconds, tries.count, cached=state.name == "Cached", detail=detail
        )
        return _gate_record(node, record) if isinstance(node, ApproveNode) else record

    def _as_kept(self, node: AnyNode, kept: JsonValue) -> NodeRecord:
        """The gap as somebody was shown it at a gate of this run, though the node might now do better."""
        self._run.progress.degraded[node.id] = kept
        shown = dict(kept) if isinstance(kept, dict) else {}
        outcome = Outcome.model_validate(shown["outcome"])
        return NodeRecord(node.id, node.kind, "degraded", outcome, detail=str(shown["reason"]))

    def _failed(self, node: AnyNode, scope: Scope, error: BaseException, seconds: float, attempts: int) -> NodeRecord:
        reason = reason_of(error, node)
        gap = Gap(node=node.id, reason=reason, since=self._run.now())
        fields: dict[str, JsonValue] = dict.fromkeys(node.field_names())
        outcome = Outcome(**{"fields": fields, **node.empty()}, gaps=(*scope.gaps, gap), confidence=0.0)
        state: Literal["degraded", "failed"] = "degraded" if node.degrades else "failed"
        return NodeRecord(node.id, node.kind, state, outcome, seconds, attempts, detail=reason, error=error)

    def _tell(self, record: NodeRecord) -> None:
        run, state = self._run, "cached" if record.cached else record.state
        run.listener.on_event(
            NodeEvent(
                record.node,
                record.state,
                detail=record.detail,
                attempt=record.attempts,
                cached=record.cached,
                seconds=record.seconds,
            )
        )
        if record.attempts == 0:
            # Tries are recorded as they happen; a node that had none leaves this one row.
            run.ledger.attempt_started(run.run_id, record.node, record.kind, 0, run.now())
            run.ledger.attempt_ended(run.run_id, record.node, 0, state, record.seconds, record.detail)

    def _raise_first_failure(self) -> None:
        failed = next((record for record in self.records.values() if record.state == "failed"), None)
        if failed is not None:
            raise RunFailed(f"{self._run.workflow} failed at node {failed.node}: {failed.detail}") from failed.error


def _skip(node: AnyNode, detail: str, *, blocks: bool = False) -> NodeRecord:
    fields: dict[str, JsonValue] = dict.fromkeys(node.field_names())
    outcome = Outcome(**{"fields": fields, **node.empty()})
    return NodeRecord(node.id, node.kind, "skipped", outcome, detail=detail, blocks=blocks)


def _gate_record(node: ApproveNode, record: NodeRecord) -> NodeRecord:
    decision = str(record.outcome.fields["decision"])
    meaning = node.on_timeout if decision == "timed_out" else decision
    by = record.outcome.fields["decided_by"]
    detail = decision.replace("_", " ") + (f" by {by}" if by else "")
    match meaning:
        case "approve":
            return replace(record, detail=detail)
        case "skip":
            return replace(record, detail=detail, state="skipped")
        case _:
            return replace(record, detail=detail, blocks=True)


def reason_of(error: BaseException, node: AnyNode) -> str:
    """The error in one line, for a gap: whom it concerns is the node's id beside it."""
    if isinstance(error, HoldfastError):
        return str(error)
    if isinstance(error, TimeoutError):
        limit = format_duration(timedelta(seconds=node.timeout_seconds))
        return f"it did not end within {limit}; raise its timeout, or look at what it waits for"
    first_line, _, _ = str(error).partition("\n")
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
