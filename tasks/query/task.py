"""Answers a saved query on its source as it is now, and returns the rows as a typed table."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import DriftRefused, InputRefused
from blocks.sources import read_source
from tasks.approve.gate import Gate, decided
from tasks.context import current_run
from tasks.drift.answering import Answering, Asker
from tasks.drift.discover import Discovery
from tasks.drift.saved import Prepared, Saved
from tasks.drift.story import record_expectations, repair_as_markdown, write_drift
from tasks.drift.task import schema_of
from tasks.node_task import node_task
from tasks.outcome import REPAIRED_CONFIDENCE, Gap, Outcome, Scope
from tasks.query.guard import parameter_names, read_only
from tasks.query.node import QueryNode
from tasks.templates import render

T = TypeVar("T")


@node_task
async def answer_query(node: QueryNode, scope: Scope) -> Outcome:
    """The rows of the node's SQL, read in a read-only transaction, as it stands or repaired.

    Raises:
        QueryRefused: the SQL writes, or the database refuses it.
        DriftRefused: the schema has drifted under the SQL, and it cannot be repaired for sure, or may not be.
        InputRefused: a `:name` has no value.
        SourceUnknown, SourceUnavailable, CredentialsRefused: the database cannot be read.
    """
    read_only(node.sql)
    run = current_run()
    saved = Saved(node.source, node.sql, node.on_drift, _values(node, scope), node.max_rows)
    async with asyncio.timeout(node.timeout_seconds):
        found = await schema_of(node.source, node.timeout_seconds)
    answering = Answering(saved, found, _asker(node, scope, saved, found))
    try:
        table, cut = await answering.answer()
    finally:
        if answering.drifted:
            await record_expectations(answering, run.run_id, node.id)
            await write_drift(answering, run.workflow, node.id)
    gaps = scope.gaps
    if cut:
        gaps += (Gap(node=node.id, reason=f"only the first {node.max_rows} rows were read", since=run.now()),)
    repairs = answering.prepared.repairs if answering.prepared else ()
    return Outcome(
        table=table,
        gaps=gaps,
        evidence=(f"{len(table.rows)} rows from {node.source}", *answering.evidence),
        confidence=REPAIRED_CONFIDENCE if repairs else 1.0,
        repairs=repairs,
    )


def _asker(node: QueryNode, scope: Scope, saved: Saved, found: Discovery) -> Asker:
    run = current_run()

    async def read(work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        # Of its own, because the task of a query that may wait for a person has no timeout.
        async with asyncio.timeout(node.timeout_seconds):
            return await read_source(node.source, run.sources, node.timeout_seconds, work, run.connectors)

    async def approve(done: Prepared) -> None:
        gate = Gate(
            # A run that is started again may find another drift, which nobody has approved.
            id=f"{node.id}-{sha256(done.sql.encode()).hexdigest()[:8]}",
            node=node.id,
            title=f"{run.workflow}: may {node.id} run repaired?",
            text=repair_as_markdown(saved, done),
            gaps=scope.gaps,
            approvers=node.approvers,
            timeout=node.approve_within,
            on_timeout="reject",
        )
        decision = await decided(run, gate)
        again = await schema_of(node.source, node.timeout_seconds)
        if decision.decision != "approve":
            raise DriftRefused(
                f"source {node.source!r} has drifted under the saved query {saved}: {'; '.join(done.repairs)}",
                means=f"on_drift is approve, and the repair was {_not_approved(decision.decision)}",
                mend="mend the SQL for the schema as it is now, or run again and approve",
            )
        if again.now.fingerprint != found.now.fingerprint:
            raise DriftRefused(
                f"source {node.source!r} has drifted once more while the repair of {saved} waited to be approved",
                mend="run again",
            )

    return Asker(read, run.ledger, run.now, node.timeout_seconds, approve)


def _not_approved(decision: str) -> str:
    return "not approved in time" if decision == "timed_out" else "rejected"


def _values(node: QueryNode, scope: Scope) -> Mapping[str, object]:
    values: dict[str, object] = {name: render(template, scope) for name, template in node.parameters.items()}
    names = parameter_names(node.sql)
    for name in names:
        if name not in values and name not in scope.inputs:
            raise InputRefused(
                f"the SQL's :{name} has no value",
                mend=f"add an input named {name}, or parameters: {{{name}: ...}}",
            )
        values.setdefault(name, scope.inputs.get(name))
    return {name: values[name] for name in names}
