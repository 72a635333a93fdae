"""Runs a transform's function in a worker process, so that a timeout ends the work and not only the wait."""

from collections.abc import Mapping

from anyio import BrokenResourceError, BrokenWorkerProcess, ClosedResourceError, to_process
from pydantic import JsonValue

from blocks.errors import TransformRefused
from tasks.node_task import node_task
from tasks.outcome import Outcome, Scope, Table
from tasks.templates import variable
from tasks.transform.apply import apply_in_worker
from tasks.transform.node import TransformNode

_DEAD_WORKERS = 16


@node_task
async def transform_tables(node: TransformNode, scope: Scope) -> Outcome:
    """The function's frame as a table, with the gaps of everything that went into it.

    Raises:
        TransformRefused: the function cannot be imported or called, raised, returned no frame, or its process died.
    """
    tables = {variable(need): scope.outcomes[need].table for need in node.needs if need in scope.outcomes}
    given = {name: table for name, table in tables.items() if table is not None}
    table = await _in_worker(node.function, given, scope.inputs)
    evidence = (f"{len(table.rows)} rows by {node.function}",)
    known = [outcome.confidence for outcome in scope.outcomes.values() if outcome.confidence is not None]
    return Outcome(table=table, gaps=scope.gaps, evidence=evidence, confidence=min(known, default=None))


async def _in_worker(function: str, tables: Mapping[str, Table], inputs: Mapping[str, JsonValue]) -> Table:
    for _ in range(_DEAD_WORKERS):
        try:
            # cancellable: the worker process is killed when the node's time is up.
            return await to_process.run_sync(apply_in_worker, function, tables, dict(inputs), cancellable=True)
        except BrokenWorkerProcess as error:
            if not isinstance(error.__cause__, BrokenResourceError | ClosedResourceError):
                raise _died(function) from error
            # It was dead before it was asked: anyio 4 ends its idle workers with the run that started them, but offers
            # them to the next run of the same event loop, as in a notebook.
    raise _died(function)


def _died(function: str) -> TransformRefused:
    return TransformRefused(
        f"the process of {function} died",
        means="it crashed, or the system ended it, as it does when memory is short",
        mend="give the function less data, or look at what it calls",
    )
