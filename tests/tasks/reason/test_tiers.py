"""Which tiers a node's question goes through: cascades, what a budget downgrades, and what is asked once time is up."""

import json
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from blocks.budgets import Budget
from blocks.errors import AnswerInvalid, AuthorError, BudgetSpent, StepTimedOut
from blocks.ledger import ModelCallRow
from tasks.outcome import Outcome, Scope
from tasks.reason.node import ReasonNode
from tasks.reason.provider_model import ProviderModel
from tasks.reason.task import outcome_of
from tests.servers.model_server import Dribbles, Fails, ModelServer, Says, Slow
from tests.tasks.models.teams import a_team_at, in_seconds
from tests.tasks.reason.asking import a_run, node, table, vendors


def says(label: str, confidence: float) -> Says:
    return Says(json.dumps({"reason": "Bold is late.", "label": label, "confidence": confidence}))


BROKEN = Says('{"label": ')


class Asker:
    """Asks one node's question in a run of its own."""

    def __init__(self, server: ModelServer, home: Path) -> None:
        self.server, self.home = server, home
        self.calls: tuple[ModelCallRow, ...] = ()

    async def __call__(
        self,
        asked: ReasonNode,
        scope: Scope | None = None,
        *,
        seconds: float = 10,
        budgets: dict[str, Budget] | None = None,
        **provider: Any,
    ) -> Outcome:
        async with a_team_at(self.server, budgets=budgets, **provider) as models, a_run(self.home, models) as run:
            try:
                reasoner = ProviderModel(models, in_seconds(seconds))
                return await outcome_of(asked, scope or Scope(outcomes={"spend": vendors()}), reasoner)
            finally:
                self.calls = await run.ledger.model_calls(run.run_id)

    @property
    def tiers(self) -> list[tuple[str, str]]:
        return [(call.tier, call.outcome) for call in self.calls]


@pytest.fixture
def ask(server: ModelServer, tmp_path: Path) -> Asker:
    return Asker(server, tmp_path)


async def test_a_cheaper_tier_that_is_sure_is_the_only_one_that_is_asked(ask: Asker, server: ModelServer) -> None:
    server.next(says("high", 0.7))
    outcome = await ask(node("classify", cascade=True))

    assert outcome.fields["label"] == "high"
    assert ask.tiers == [("fast", "ok")]


@pytest.mark.parametrize(
    ("first", "outcome", "why"),
    [
        (says("high", 0.69), "unsure", "gpt-4.1-nano-2025-04-14 (fast tier) was unsure (0.69), so standard was asked"),
        (BROKEN, "invalid", "(fast tier) was wrong: the answer: Invalid JSON"),
    ],
)
async def test_an_answer_that_is_unsure_or_wrong_goes_up_a_tier_and_both_are_on_the_bill(
    ask: Asker, server: ModelServer, first: Says, outcome: str, why: str
) -> None:
    server.next(first, says("low", 0.3))
    made = await ask(node("classify", cascade=True))

    assert made.fields["label"] == "low"
    assert ask.tiers == [("fast", outcome), ("standard", "ok")]
    assert all(call.cost_usd for call in ask.calls)
    assert [bool(call.frontier_cost_usd) for call in ask.calls] == [False, True], "the frontier is asked once"
    assert any(why in line for line in made.evidence)
    assert not any("asked for again" in line for line in made.evidence), "another tier is no second round"


async def test_the_dearer_tier_has_two_rounds_as_ever(ask: Asker, server: ModelServer) -> None:
    server.next(BROKEN, BROKEN, says("low", 0.9))
    made = await ask(node("classify", cascade=True))

    assert made.confidence == 0.8
    assert ask.tiers == [("fast", "invalid"), ("standard", "invalid"), ("standard", "ok")]


async def test_a_cascade_whose_answers_are_all_wrong_fails(ask: Asker, server: ModelServer) -> None:
    server.always(BROKEN)
    with pytest.raises(AnswerInvalid, match="twice"):
        await ask(node("classify", cascade=True))

    assert [tier for tier, _ in ask.tiers] == ["fast", "standard", "standard"]


async def test_an_unsure_answer_counts_where_the_dearer_tier_cannot_be_asked(ask: Asker, server: ModelServer) -> None:
    server.next(says("high", 0.4), Slow(60))
    made = await ask(node("classify", cascade=True), seconds=0.6)

    assert (made.fields["label"], made.confidence) == ("high", 0.4)
    assert any("the standard tier could not be asked: " in line for line in made.evidence)


@pytest.mark.parametrize("behaviour", [Slow(60), Dribbles(60)])
async def test_a_cheaper_tier_is_asked_with_the_time_that_is_left(
    ask: Asker, server: ModelServer, behaviour: Slow | Dribbles
) -> None:
    server.next(behaviour)
    began = monotonic()
    made = await ask(node("synthesise", on_timeout="cheaper"), seconds=5)

    assert 2.9 < monotonic() - began < 5
    assert ask.tiers == [("frontier", "timed_out"), ("standard", "ok")]
    assert made.text is not None
    assert "Written by gpt-4.1-mini-2025-04-14 (standard tier" in made.text
    assert any("so standard was asked in place of frontier" in line for line in made.evidence)


async def test_where_there_is_no_cheaper_tier_the_whole_time_is_the_first_s(ask: Asker, server: ModelServer) -> None:
    server.next(Slow(60))
    began = monotonic()
    with pytest.raises(StepTimedOut):
        await ask(node("classify", on_timeout="cheaper"), seconds=0.8)

    assert monotonic() - began > 0.7
    assert ask.tiers == [("fast", "timed_out")]


async def test_what_a_model_cannot_take_is_cut_by_the_rule_and_is_a_gap(ask: Asker, server: ModelServer) -> None:
    days = tuple((f"2026-10-{day:02}", f"delivery {day} " + "x" * 80) for day in range(1, 29))
    few = Outcome(table=table({"vendor": "string"}, ("Able",)))
    many = Outcome(table=table({"day": "date", "what": "string"}, *days))
    made = await ask(
        node("classify", needs=("spend", "log")),
        Scope(outcomes={"spend": few, "log": many}),
        context_tokens={"gpt-4.1-nano": 800},
    )

    (cut,) = made.gaps
    assert cut.reason == "the model was shown the newest 11 of 28 rows of log"
    prompt = server.requests[0].prompt
    assert "2026-10-28,delivery 28" in prompt
    assert "2026-10-17," not in prompt
    assert "Able" in prompt
    assert cut.reason in prompt


async def test_what_the_provider_says_is_too_long_is_cut_in_half_and_asked_again(
    ask: Asker, server: ModelServer
) -> None:
    server.next(Fails(400, "too long", code="context_length_exceeded"))
    rows = [(f"vendor {number:03}",) for number in range(100)]
    made = await ask(node("classify"), Scope(outcomes={"spend": Outcome(table=table({"vendor": "string"}, *rows))}))

    assert [gap.reason for gap in made.gaps] == ["the model was shown the first 52 of 100 rows of spend"]
    assert "vendor 051" in server.requests[1].prompt
    assert "vendor 052" not in server.requests[1].prompt


async def test_what_stays_too_long_fails_as_the_author_s(ask: Asker, server: ModelServer) -> None:
    server.always(Fails(400, "too long", code="context_length_exceeded"))
    with pytest.raises(AuthorError, match="takes no prompt of that length"):
        await ask(node("classify"))

    assert len(server.requests) == 3


async def test_a_budget_that_downgrades_asks_one_tier_down_and_says_so(ask: Asker, server: ModelServer) -> None:
    made = await ask(node("synthesise"), budgets={"run": Budget(usd="0.01", at_limit="downgrade")})

    assert ask.tiers == [("standard", "ok")]
    assert any("standard is asked in place of frontier" in line for line in made.evidence)
    assert "(standard tier" in (made.text or "")


async def test_a_budget_that_only_warns_is_said_and_passed(ask: Asker, server: ModelServer) -> None:
    made = await ask(node("synthesise"), budgets={"team": Budget(usd="0.001", at_limit="warn")})

    assert ask.tiers == [("frontier", "ok")]
    assert any(
        line.startswith("the budget of team 'operations' in 2026-11 is $0.001, with $0.0000 spent; this call may cost")
        for line in made.evidence
    )


@pytest.mark.parametrize("at_limit", ["warn", "downgrade", "stop"])
async def test_a_budget_of_zero_is_refused_before_the_first_call(
    ask: Asker, server: ModelServer, at_limit: str
) -> None:
    with pytest.raises(BudgetSpent, match="the budget of workflow 'scorecard' in 2026-11 is \\$0, with"):
        await ask(node("classify"), budgets={"workflow": Budget.model_validate({"usd": 0, "at_limit": at_limit})})

    assert server.requests == []
    assert ask.calls == ()


async def test_a_budget_that_stops_cannot_be_held_with_a_model_of_unknown_price(
    ask: Asker, server: ModelServer
) -> None:
    with pytest.raises(BudgetSpent, match=r"what model 'gpt-4\.1-nano' of provider 'operations' costs is not known"):
        await ask(node("classify"), budgets={"run": Budget(usd="1")}, preset="vllm")
    made = await ask(node("classify"), budgets={"run": Budget(usd="1", at_limit="warn")}, preset="vllm")

    assert len(server.requests) == 1
    assert "what gpt-4.1-nano costs is not known, so that no budget could be asked" in made.evidence


async def test_a_report_says_what_the_run_has_spent_of_its_budgets(ask: Asker, server: ModelServer) -> None:
    made = await ask(node("synthesise"), budgets={"run": Budget(usd="1"), "team": Budget(usd="50")})

    spent = f"${server.till.total():.4f}"
    assert made.text is not None
    assert made.text.endswith(
        f"The run has cost {spent} (1 model call); "
        f"budgets: this run {spent} of $1, team 'operations' in 2026-11 {spent} of $50 so far.\n"
    )
