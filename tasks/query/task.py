"""Answers a query on its source as it is now, and returns the rows as a typed table."""

from collections.abc import Mapping

from blocks.errors import DriftRefused, InputRefused
from blocks.folders import digest
from tasks.approve.gate import Gate
from tasks.approve.waiting import decided
from tasks.context import current_run
from tasks.drift.answering import Answering, Asker
from tasks.drift.saved import Prepared, Saved
from tasks.drift.story import record_expectations, repair_as_markdown, write_drift
from tasks.node_task import node_task
from tasks.outcome import REPAIRED_CONFIDENCE, Outcome, Scope
from tasks.query.asked import answer_question
from tasks.query.node import QueryNode
from tasks.query.reading import cut_gaps, reader, schema_for
from tasks.sql.guard import parameter_names, read_only
from tasks.templates import render


@node_task
async def answer_query(node: QueryNode, scope: Scope) -> Outcome:
    """The rows of the node's SQL or of its question's, read in a read-only transaction.

    Raises:
        QueryRefused: the SQL writes, or the database refuses it.
        QuestionRefused: the question cannot be answered, or is not understood.
        DriftRefused: the schema has drifted under the SQL, and it cannot be repaired for sure, or may not be.
        InputRefused: a `:name` has no value.
        SourceUnknown, SourceUnavailable, CredentialsRefused: the database cannot be read.
        HoldfastError: also whatever the way to a model raises.
    """
    if node.sql is None:
        return await answer_question(node, scope)
    return await _answer_saved(node, node.sql, scope)


async def _answer_saved(node: QueryNode, sql: str, scope: Scope) -> Outcome:
    read_only(sql)
    run = current_run()
    saved = Saved(node.source, sql, node.on_drift, _values(node, sql, scope), node.max_rows, node.approvers)
    found = await schema_for(node)
    answering = Answering(saved, found, _asker(node, scope, saved))
    try:
        table, cut = await answering.answer()
    finally:
        if answering.drifted:
            await record_expectations(answering, run.run_id, node.id)
            await write_drift(answering, run.workflow, node.id)
    repairs = answering.prepared.repairs if answering.prepared else ()
    return Outcome(
        table=table,
        gaps=(*scope.gaps, *cut_gaps(node, cut)),
        evidence=(f"{len(table.rows)} rows from {node.source}", *answering.evidence),
        confidence=REPAIRED_CONFIDENCE if repairs else 1.0,
        repairs=repairs,
    )


def _asker(node: QueryNode, scope: Scope, saved: Saved) -> Asker:
    run = current_run()

    async def approve(done: Prepared) -> None:
        content = digest(done.sql)
        gate = Gate(
            # A run that is started again may find another drift, which nobody has approved.
            id=f"{node.id}-{content[:8]}",
            node=node.id,
            title=f"{run.workflow}: may {node.id} run repaired?",
            text=repair_as_markdown(saved, done),
            content=content,
            gaps=scope.gaps,
            approvers=node.approvers,
            timeout=node.approve_within,
            on_timeout="reject",
        )
        decision = await decided(run, gate)
        if decision.decision != "approve":
            raise DriftRefused(
                f"source {node.source!r} has drifted under the saved query {saved}: {'; '.join(done.repairs)}",
                means=f"on_drift is approve, and the repair was {_not_approved(decision.decision)}",
                mend="mend the SQL for the schema as it is now, or run again and approve",
            )

    return Asker(reader(node), run.ledger, run.now, node.timeout_seconds, approve)


def _not_approved(decision: str) -> str:
    return "not approved in time" if decision == "timed_out" else "rejected"


def _values(node: QueryNode, sql: str, scope: Scope) -> Mapping[str, object]:
    values: dict[str, object] = {name: render(template, scope) for name, template in node.parameters.items()}
    names = parameter_names(sql)
    for name in names:
        if name not in values and name not in scope.inputs:
            raise InputRefused(
                f"the SQL's :{name} has no value",
                mend=f"add an input named {name}, or parameters: {{{name}: ...}}",
            )
        values.setdefault(name, scope.inputs.get(name))
    return {name: values[name] for name in names}
