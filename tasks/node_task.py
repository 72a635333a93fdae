"""The decorator that every kind's task carries: it tells the run's listener and ledger of each try."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from time import monotonic
from typing import Any, TypeVar

from prefect import Task, task
from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext
from prefect.exceptions import Pause

from tasks.context import NodeEvent, current_run
from tasks.node import Node
from tasks.outcome import Outcome, Scope

NodeT = TypeVar("NodeT", bound=Node)


@dataclass
class Tries:
    """How often the node that runs now was tried in this start of the run."""

    count: int = 0


tries_of_node: ContextVar[Tries] = ContextVar("holdfast_tries")


def step_end(node: Node) -> float:
    """When a step of this node that begins now must be over, in the event loop's time.

    A little before the node's own timeout, which would cut off what is still to be said.
    """
    return asyncio.get_running_loop().time() + node.timeout_seconds - min(0.5, node.timeout_seconds / 20)


def _key_of_inputs(context: TaskRunContext, inputs: Mapping[str, Any]) -> str:
    node: Node = inputs["node"]
    scope: Scope = inputs["scope"]
    # The settings are among them, so two nodes of a run never share a result.
    return f"{node.model_dump_json()}{scope.digest}"


NODE_INPUTS = CachePolicy.from_cache_key_fn(_key_of_inputs)
"""Prefect's INPUTS, for a node's settings and scope: the same key for the same values, without a walk of Prefect's JSON
encoder through every cell of every table for each node that reads it."""


def node_task(
    execute: Callable[[NodeT, Scope], Awaitable[Outcome]],
) -> "Task[[NodeT, Scope], Any]":
    """A Prefect task that runs `execute` and records each try; a cached result is no try."""

    @wraps(execute)
    async def attempt(node: NodeT, scope: Scope) -> Outcome:
        run, tries, began = current_run(), tries_of_node.get(), monotonic()
        tries.count += 1
        if (context := TaskRunContext.get()) is not None:
            # Not among the task's options: for each tag there, Prefect asks the server for a limit before the task
            # runs, which takes seconds while the server records many task runs (3.8).
            context.task_run.tags = [node.kind]
        run.listener.on_event(NodeEvent(node.id, "running", attempt=tries.count, attempts=node.retries + 1))
        run.ledger.attempt_started(run.run_id, node.id, node.kind, tries.count, run.now())
        state, error = "cancelled", "time was up, or the run was stopped"
        try:
            outcome = await execute(node, scope)
            state, error = "done", ""
        except Pause:
            state, error = "waiting", ""
            raise
        except Exception as failure:
            state, error = "failed", str(failure) or type(failure).__name__
            raise
        finally:
            run.ledger.attempt_ended(run.run_id, node.id, tries.count, state, monotonic() - began, error)
        return outcome

    return task(attempt)
