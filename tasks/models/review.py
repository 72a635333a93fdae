"""Whether a step could be cheaper: its recorded calls are put to the next cheaper tier, and the answers compared.

Every call of a review is a row of the ledger like any other, and is bounded by a budget of the review's own.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from blocks.errors import BudgetHeld, BudgetSpent
from blocks.ledger import ExchangeRow, ModelCallRow
from blocks.models.calls import Message, ModelAnswer, ModelRequest, Tier
from tasks.models.agreement import JUDGE, Judged, content, difference, judging
from tasks.models.calls import Asking, CallOutcome
from tasks.models.routing import Purpose, cheaper
from tasks.models.shaped import ask
from tasks.models.team import TeamModels
from tasks.models.trying import Step, answered

SECONDS_PER_CALL = 120.0
PROMPT = "review"
"""The name under which the ledger has what is asked again."""

Exchange = tuple[ModelCallRow, ExchangeRow]


@dataclass
class Review:
    """What came of one node's calls on the next cheaper tier."""

    node: str
    purpose: Purpose
    tier: Tier
    """On which its recorded calls were answered."""
    cheaper: Tier | None
    """None: they were on the cheapest already."""
    calls: int = 0
    agreed: int = 0
    before_usd: Decimal | None = Decimal(0)
    """What these calls cost when they were made; None: of one it is not known."""
    after_usd: Decimal | None = Decimal(0)
    """What they cost on the cheaper tier."""
    differences: list[str] = field(default_factory=list)
    stopped: str = ""
    """Why it ended before all calls were asked again."""

    def add(self, before: Decimal | None, after: Decimal | None, different: str) -> None:
        """Takes in one call."""
        self.calls += 1
        self.before_usd = None if self.before_usd is None or before is None else self.before_usd + before
        self.after_usd = None if self.after_usd is None or after is None else self.after_usd + after
        if different:
            self.differences.append(different)
        else:
            self.agreed += 1


async def review_node(models: TeamModels, node: str, exchanges: Sequence[Exchange], most_calls: int) -> Review | None:
    """The node's newest calls on the tier that answered most of them, asked again one tier down; None: it has none.

    Raises:
        HoldfastError: the provider cannot be asked; a budget that is spent only ends the review.
    """
    if not exchanges:
        return None
    tier = cast("Tier", Counter(call.tier for call, _ in exchanges).most_common(1)[0][0])
    purpose = cast("Purpose", exchanges[0][0].purpose)
    review = Review(node, purpose, tier, cheaper(tier))
    if review.cheaper is None:
        return review
    for call, exchange in [each for each in exchanges if each[0].tier == tier][:most_calls]:
        try:
            await _replay(models, review, call, exchange, review.cheaper)
        except (BudgetSpent, BudgetHeld) as spent:
            review.stopped = spent.what
            break
    return review


async def _replay(models: TeamModels, review: Review, call: ModelCallRow, exchange: ExchangeRow, tier: Tier) -> None:
    request, step = request_of(exchange, tier), _step(review.node, review.purpose)
    again = await answered(models, step, request, PROMPT, _outcome)
    if review.purpose == "synthesise":
        different = await _judged(models, review.node, exchange, again.answer.text)
    else:
        different = difference(review.purpose, exchange.answer, again.answer.text)
    review.add(call.cost_usd, again.answer.cost_usd, different)


async def _judged(models: TeamModels, node: str, exchange: ExchangeRow, after: str) -> str:
    first, second = content(exchange.answer).get("text"), content(after).get("text")
    if not isinstance(second, str) or not second.strip():
        return "no text"
    task = request_of(exchange, "frontier").messages[1].content
    request = ModelRequest("frontier", judging(task, str(first), second), "judged", Judged.model_json_schema())
    judged = (await ask(models, _step(node, "judge"), request, str(JUDGE), Judged)).made
    if judged is None:
        return "the judge's answer cannot be used"
    return "" if judged.agrees else judged.reason


def request_of(exchange: ExchangeRow, tier: Tier) -> ModelRequest:
    """What was asked, for another tier."""
    asked = cast("dict[str, Any]", exchange.request)
    messages = tuple(Message(**message) for message in asked["messages"])
    return ModelRequest(tier, messages, asked["schema_name"], asked["schema"])


def _step(node: str, purpose: Purpose) -> Step:
    return Step(Asking(node, purpose), asyncio.get_running_loop().time() + SECONDS_PER_CALL)


def _outcome(answer: ModelAnswer) -> CallOutcome:
    return "declined" if answer.ended == "declined" else "ok" if content(answer.text) else "invalid"
