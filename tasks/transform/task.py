"""Runs a transform's function in a worker process, so that a timeout ends the work and not only the wait."""

from anyio import to_process

from tasks.node_task import node_task
from tasks.outcome import Outcome, Scope
from tasks.templates import variable
from tasks.transform.apply import apply
from tasks.transform.node import TransformNode


@node_task
async def transform_tables(node: TransformNode, scope: Scope) -> Outcome:
    """The function's frame as a table, with the gaps of everything that went into it.

    Raises:
        TransformRefused: the function cannot be imported or called, raised, or returned no frame.
    """
    tables = {variable(need): scope.outcomes[need].table for need in node.needs if need in scope.outcomes}
    given = {name: table for name, table in tables.items() if table is not None}
    # cancellable: the worker process is killed when the node's time is up.
    table = await to_process.run_sync(apply, node.function, given, dict(scope.inputs), cancellable=True)
    evidence = (f"{len(table.rows)} rows by {node.function}",)
    confidence = None if not scope.outcomes else min((o.confidence or 0.0) for o in scope.outcomes.values())
    return Outcome(table=table, gaps=scope.gaps, evidence=evidence, confidence=confidence)
