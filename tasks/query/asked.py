"""Answers a node's question, and shows the SQL that was written for it."""

from prefect.artifacts import acreate_markdown_artifact

from tasks.artifacts import artifact_key, show
from tasks.context import current_run
from tasks.models.opening import models_of_run
from tasks.node_task import step_end
from tasks.outcome import Outcome, Scope
from tasks.query.node import QueryNode
from tasks.query.reading import cut_gaps, reader, schema_for
from tasks.question.answering import Answered, answer
from tasks.question.writer import OfflineWriter, ProviderWriter
from tasks.reason.confidence import bounded
from tasks.templates import render


async def answer_question(node: QueryNode, scope: Scope) -> Outcome:
    """The rows that answer the node's question.

    Raises:
        QuestionRefused: it cannot be answered, or is not understood.
        SourceUnknown, SourceUnavailable, CredentialsRefused: the database cannot be read.
        HoldfastError: also whatever the way to the model raises.
    """
    run, question = current_run(), render(node.question or "", scope)
    until = step_end(node)
    found, models = await schema_for(node), await models_of_run()
    writer = ProviderWriter(models, node, until) if models.providers else OfflineWriter(node.id, node.model_tier)
    made = await answer(question, found.now, writer, reader(node), node.max_rows)
    await _show(run.workflow, node.id, question, made)
    gaps = (*scope.gaps, *cut_gaps(node, made.cut))
    bound = bounded(made.confidence, gaps=len(gaps), rounds=made.rounds, has_data=bool(made.table.rows))
    written = f"SQL by {made.written_by}: {' '.join(made.sql.split())}"
    return Outcome(
        table=made.table,
        gaps=gaps,
        evidence=(f"{len(made.table.rows)} rows from {node.source}", written, *made.notes, *bound.evidence),
        confidence=bound.confidence,
    )


async def _show(workflow: str, node: str, question: str, made: Answered) -> None:
    rounds = f" It was asked {made.rounds} times." if made.rounds > 1 else ""
    sql = acreate_markdown_artifact(
        key=artifact_key(workflow, node, "question"),
        markdown=f"# {question.strip()}\n\n```sql\n{made.sql}\n```\n\n"
        f"{len(made.table.rows)} rows. Written by {made.written_by}.{rounds}\n",
        description=f"The SQL of question {node} of {workflow}",
    )
    await show(sql)
