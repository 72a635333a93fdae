"""Asks for the command line whether a workflow's steps could be cheaper, by trying."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import typer

from blocks.budgets import Budget
from blocks.errors import OperatorError
from blocks.ledger import Ledger
from blocks.settings import HoldfastSettings
from blocks.words import counted
from deployments.local_server import quiet_prefect, start_server
from deployments.results import print_json
from flows.definitions import dump
from flows.workflow import Workflow
from tasks.context import RunContext, enter_run, leave_run, utc_now
from tasks.models.node import ModelNode
from tasks.models.opening import models_of_run
from tasks.models.review import Review, review_node

REVIEW = "review-tiers"
"""The workflow under which the ledger has the calls of reviews."""


def show_tiers(workflow: Workflow, *, most_usd: Decimal, most_calls: int, as_json: bool) -> None:
    """Prints, per node that asks a model, how often the next cheaper tier would have said the same.

    Raises:
        OperatorError: the team has no provider, or it cannot be used.
        HoldfastError: also whatever the way to the models raises.
    """
    quiet_prefect()
    reviews, spent = asyncio.run(_reviewed(workflow, most_usd, most_calls))
    if as_json:
        print_json({"workflow": workflow.name, "cost_usd": str(spent), "nodes": [_as_json(each) for each in reviews]})
        return
    for line in _lines(workflow, reviews):
        typer.echo(line)
    typer.echo(f"The review cost ${spent:.4f} of at most ${most_usd}.")


async def _reviewed(workflow: Workflow, most_usd: Decimal, most_calls: int) -> tuple[list[Review], Decimal]:
    await start_server(lambda text: typer.echo(text, err=True))
    reviews = []
    async with _run_of_review(workflow) as run:
        models = await models_of_run()
        if not models.providers:
            raise OperatorError(
                f"team {workflow.team!r} has no model provider, so there are no tiers to compare",
                mend=f"save a Model Provider block called {workflow.team!r} or 'default'",
            )
        models = replace(models, budgets={**models.budgets, "run": Budget(usd=most_usd)})
        for node in _asking(workflow):
            exchanges = await run.ledger.exchanges(workflow.name, node)
            if (review := await review_node(models, node, exchanges, most_calls)) is not None:
                reviews.append(review)
        return reviews, (await run.ledger.cost(run.run_id)).total


@asynccontextmanager
async def _run_of_review(workflow: Workflow) -> AsyncIterator[RunContext]:
    """A run of the ledger that the review's calls are part of, so that they are charged like any other's."""
    # What is asked again is not recorded to be asked yet again.
    settings, run_id = HoldfastSettings(recorded_calls_per_node=0), uuid4()
    async with Ledger.open(settings.ledger) as ledger:
        await ledger.start_run(
            run_id=run_id,
            workflow=REVIEW,
            version=None,
            team=workflow.team,
            definition=dump(workflow),
            inputs={"workflow": workflow.name},
            sources={},
            started_at=utc_now(),
        )
        run, state = RunContext(run_id, REVIEW, workflow.team, ledger, settings), "Failed"
        token = enter_run(run)
        try:
            yield run
            state = "Completed"
        finally:
            leave_run(token)
            await run.close()
            await ledger.finish_run(run_id, state, "", (), utc_now())


def _asking(workflow: Workflow) -> Iterable[str]:
    return (node.id for node in workflow.nodes if isinstance(node, ModelNode) and node.asks_a_model)


def _lines(workflow: Workflow, reviews: Sequence[Review]) -> Iterable[str]:
    if not reviews:
        yield f"No call of {workflow.name} is recorded yet; run it with a model provider first."
        return
    width = max(len(review.node) for review in reviews)
    for review in reviews:
        yield f"{review.node:<{width}}  {_said(review)}"
        yield from (f"{'':{width}}    {different}" for different in review.differences[:3])
        if review.stopped:
            yield f"{'':{width}}    stopped: {review.stopped}"


def _said(review: Review) -> str:
    if review.cheaper is None:
        return f"{review.purpose} on {review.tier}: there is no cheaper tier"
    asked = f"{review.purpose} on {review.tier}: {review.cheaper} agrees in {review.agreed} of"
    before, after = review.before_usd, review.after_usd
    if not review.calls or not before or after is None:
        return f"{asked} {counted(review.calls, 'call')}"
    each = f"${before / review.calls:.5f} a call became ${after / review.calls:.5f}"
    return f"{asked} {counted(review.calls, 'call')}; {each} ({1 - after / before:.0%} less)"


def _as_json(review: Review) -> dict[str, object]:
    return {
        "node": review.node,
        "purpose": review.purpose,
        "tier": review.tier,
        "cheaper": review.cheaper,
        "calls": review.calls,
        "agreed": review.agreed,
        "before_usd": None if review.before_usd is None else str(review.before_usd),
        "after_usd": None if review.after_usd is None else str(review.after_usd),
        "differences": review.differences,
        "stopped": review.stopped,
    }
