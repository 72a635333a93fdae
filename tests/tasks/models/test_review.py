"""A step's recorded calls on the next cheaper tier: real calls, in the ledger, within what the review may cost."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from blocks.budgets import Budget
from tasks.context import RunContext
from tasks.models.review import Review, review_node
from tasks.models.team import TeamModels
from tasks.outcome import Scope
from tasks.reason.node import ReasonNode
from tasks.reason.provider_model import ProviderModel
from tasks.reason.task import outcome_of
from tests.servers.model_server import ModelServer, Says
from tests.tasks.models.teams import a_team_at, in_seconds
from tests.tasks.reason.asking import a_run, node, vendors


def label(name: str) -> Says:
    return Says(json.dumps({"reason": "Bold is late.", "label": name, "confidence": 0.9}))


def judged(*, agrees: bool) -> Says:
    said = {"same_conclusions": agrees, "same_figures": True, "as_complete": True}
    return Says(json.dumps({"reason": "It leaves Bold out.", **said}))


class Reviewing:
    """A run whose nodes have been answered, and whose calls are then reviewed."""

    def __init__(self, run: RunContext, models: TeamModels) -> None:
        self.run, self.models = run, models

    async def answer(self, asked: ReasonNode, times: int = 1) -> None:
        for _ in range(times):
            scope = Scope(outcomes={"spend": vendors()})
            await outcome_of(asked, scope, ProviderModel(self.models, in_seconds(10)))

    async def review(self, most_usd: str = "1", most_calls: int = 10) -> Review | None:
        exchanges = await self.run.ledger.exchanges("scorecard", "risk")
        bounded = TeamModels(self.models.providers, {"run": Budget(usd=Decimal(most_usd))})
        return await review_node(bounded, "risk", exchanges, most_calls)

    async def calls(self) -> list[tuple[str, str, str]]:
        found = await self.run.ledger.model_calls(self.run.run_id)
        return [(call.purpose, call.tier, call.prompt_version) for call in found]


@pytest.fixture
async def reviewing(server: ModelServer, tmp_path: Path) -> AsyncIterator[Reviewing]:
    async with a_team_at(server) as models, a_run(tmp_path, models) as run:
        yield Reviewing(run, models)


async def test_labels_are_compared_and_both_costs_are_told(reviewing: Reviewing, server: ModelServer) -> None:
    await reviewing.answer(node("classify", tier="standard"), times=3)
    server.next(label("low"), label("high"), label("low"))
    review = await reviewing.review()

    assert review is not None
    assert (review.tier, review.cheaper, review.calls, review.agreed) == ("standard", "fast", 3, 2)
    assert review.differences == ["low became high"]
    before, after = server.till.bills[:3], server.till.bills[3:]
    assert review.before_usd == sum(bill.usd for bill in before)
    assert review.after_usd == sum(bill.usd for bill in after)
    assert [asked.body["model"] for asked in server.requests[3:]] == ["gpt-4.1-nano"] * 3
    assert (await reviewing.calls())[3:] == [("classify", "fast", "review")] * 3


async def test_what_is_asked_again_is_what_was_asked(reviewing: Reviewing, server: ModelServer) -> None:
    await reviewing.answer(node("classify", tier="standard"))
    await reviewing.review()

    first, again = (asked.body for asked in server.requests)
    assert first.pop("model") != again.pop("model")
    assert first == again


async def test_prose_is_judged_on_the_frontier(reviewing: Reviewing, server: ModelServer) -> None:
    await reviewing.answer(node("synthesise"), times=2)
    prose = Says(json.dumps({"text": "Able was late.", "confidence": 0.9}))
    server.next(prose, judged(agrees=True), prose, judged(agrees=False))
    review = await reviewing.review()

    assert review is not None
    assert (review.calls, review.agreed, review.differences) == (2, 1, ["It leaves Bold out."])
    assert (await reviewing.calls())[2:4] == [("synthesise", "standard", "review"), ("judge", "frontier", "judge-1")]
    assert "Able was late." in server.requests[3].prompt
    assert "The text as the loopback model sees it." in server.requests[3].prompt


async def test_a_review_ends_where_it_would_cost_more_than_it_may(reviewing: Reviewing, server: ModelServer) -> None:
    await reviewing.answer(node("classify", tier="frontier"), times=10)
    before = server.till.total()
    review = await reviewing.review(most_usd=str(before + Decimal("0.0011")))

    assert review is not None
    assert 0 < review.calls < 10
    assert server.till.total() - before <= Decimal("0.0011")
    assert review.stopped.startswith("the budget of this run is $")


async def test_the_newest_calls_are_asked_again_and_no_more_than_were_wanted(
    reviewing: Reviewing, server: ModelServer
) -> None:
    await reviewing.answer(node("classify", tier="standard"), times=4)
    review = await reviewing.review(most_calls=2)

    assert review is not None
    assert review.calls == 2


async def test_on_the_cheapest_tier_nothing_is_asked(reviewing: Reviewing, server: ModelServer) -> None:
    await reviewing.answer(node("classify"))
    review = await reviewing.review()

    assert review is not None
    assert (review.cheaper, review.calls) == (None, 0)
    assert len(server.requests) == 1


async def test_a_node_that_was_never_answered_has_no_review(reviewing: Reviewing) -> None:
    assert await reviewing.review() is None
