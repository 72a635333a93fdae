"""Asks a model about the outcomes of other nodes, and says how far its answer may be trusted."""

from collections.abc import Sequence

from blocks.errors import StepTimedOut
from tasks.context import current_run
from tasks.models.opening import models_of_run, spent_so_far
from tasks.node_task import node_task, step_end
from tasks.outcome import Gap, Outcome, Scope
from tasks.reason.confidence import bounded, has_data
from tasks.reason.node import ReasonNode
from tasks.reason.offline import OfflineModel
from tasks.reason.provider_model import ProviderModel
from tasks.reason.reasoner import Question, Reasoned, Reasoner
from tasks.templates import render


@node_task
async def ask_model(node: ReasonNode, scope: Scope) -> Outcome:
    """What the team's model makes of the scope; the offline model answers where no provider is saved.

    Raises:
        AnswerInvalid: the answer had the wrong shape twice, or the model declined.
        CredentialsRefused, OperatorError: the provider's block or account must be mended.
        AuthorError: the provider refused what was asked.
        InputRefused: the instructions' template asks for something that this run does not have.
        StepTimedOut: its time was up; not where `on_timeout` is degrade.
        ModelUnavailable: no provider of the team answers now.
        BudgetSpent, BudgetHeld: a budget does not allow the call.
    """
    until, models = step_end(node), await models_of_run()
    try:
        return await outcome_of(node, scope, ProviderModel(models, until) if models.providers else OfflineModel())
    except StepTimedOut as late:
        if node.on_timeout != "degrade":
            raise
        gap = Gap(node=node.id, reason=late.what, since=current_run().now())
        return Outcome(fields=dict.fromkeys(node.field_names()), gaps=(*scope.gaps, gap), confidence=0.0)


async def outcome_of(node: ReasonNode, scope: Scope, reasoner: Reasoner) -> Outcome:
    """What this reasoner makes of the scope, with its confidence bounded and, in a report, what is missing added."""
    question = Question(node, scope, render(node.instructions, scope), current_run().now())
    made = await reasoner.reason(question)
    gaps = tuple(dict.fromkeys((*scope.gaps, *made.gaps)))
    used = scope.outcomes.values()
    bound = bounded(
        made.confidence,
        gaps=len(gaps),
        rounds=made.rounds,
        has_data=has_data(used),
        repairs=sum(len(outcome.repairs) for outcome in used),
    )
    return Outcome(
        text=await _whole_report(made, gaps) if node.purpose == "synthesise" else None,
        fields=made.fields,
        confidence=bound.confidence,
        gaps=gaps,
        evidence=(*made.evidence, *bound.evidence),
    )


async def _whole_report(made: Reasoned, gaps: Sequence[Gap]) -> str:
    # Never left to a model: a reader must be able to rely on these two.
    missing = ["## What is missing", "\n".join(f"- {' '.join(str(gap).split())}" for gap in gaps)] if gaps else []
    run, signed = current_run(), made.written_by
    cost = await run.ledger.cost(run.run_id)
    if cost.calls:
        signed += f" The run has cost {await spent_so_far(run, cost)} so far."
    return "\n\n".join([made.text.strip(), *missing, signed]) + "\n"
