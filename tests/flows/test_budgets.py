"""Budgets over whole runs: a team's month that many runs share, a workflow's own, and what a refused run says."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State

from blocks.errors import BudgetHeld, BudgetSpent, RunFailed
from blocks.ledger import Account
from blocks.team_budget import TeamBudget
from flows.result import RunResult
from tasks.context import Question, utc_now
from tests.blocks.models.asking import provider_at
from tests.flows.running import Watching, ledger, new_run, run, shop
from tests.servers.model_server import KEY, ModelServer, Says

pytestmark = pytest.mark.usefixtures("prefect_api")

PRICES = {"gpt-4.1": {"sent": 0, "answered": 10}, "gpt-4.1-mini": {"sent": 0, "answered": 1}}
LONG = Says(json.dumps({"text": "Able is late again. " * 520, "confidence": 0.9}), seconds=0.2)
"""A report of about 2,600 tokens, for 2.6 cents; before the first is known, 3,000 are held."""
REPORT = """
    name: {name}
    team: {team}
    {budget}
    nodes:
      - {id: spend, kind: query, source: shop, sql: "SELECT vendor, amount FROM invoices ORDER BY amount"}
      - {id: report, kind: reason, purpose: synthesise, needs: [spend], {report}}
"""


GATE = "      - {id: sign-off, kind: approve, needs: [report], approvers: [the-boss], timeout: 30s}\n"


class Team:
    """A team with a provider and, where it is saved, a budget of its own."""

    def __init__(self, url: str, shop_url: str) -> None:
        self.name, self._url, self.shop_url = f"money-{uuid4().hex[:8]}", url, shop_url

    async def save(self, budget: TeamBudget | None = None) -> None:
        await provider_at(self._url, KEY, prices=PRICES).save(self.name)
        if budget is not None:
            await budget.save(self.name)

    def definition(self, report: str = "retry: 0", budget: str = "") -> str:
        definition = REPORT.replace("{name}", self.name).replace("{team}", self.name)
        return definition.replace("{report}", report).replace("{budget}", budget)

    async def run(self, report: str = "retry: 0", budget: str = "", run_id: UUID | None = None) -> State[Any]:
        return await run(self.definition(report, budget), {"shop": self.shop_url}, run_id=run_id)

    async def spent(self, scope: str = "team") -> Decimal:
        account = Account(scope, self.name, f"{utc_now():%Y-%m}")  # type: ignore[arg-type]  # one of the three
        async with ledger() as rows:
            spent, held = (await rows.balances([account]))[account]
        assert held == 0, "nothing is held once all runs are over"
        return Decimal(spent)

    async def recorded(self) -> list[Decimal | None]:
        async with ledger() as rows:
            return [call.cost_usd for call in await rows.calls_since() if call.team == self.name]


@pytest.fixture
def team(server: ModelServer, tmp_path: Path) -> Team:
    return Team(server.url, shop(tmp_path))


async def cause_of(state: State[Any]) -> BaseException | None:
    error = await state.aresult(raise_on_failure=False)
    assert isinstance(error, RunFailed)
    return error.__cause__


async def test_fifty_runs_at_once_never_spend_more_than_their_team_s_dollar(team: Team, server: ModelServer) -> None:
    server.always(LONG)
    await team.save(TeamBudget(usd_per_month=Decimal("1.00"), at_limit="stop"))
    # One after the other: of many at once, Prefect's server refuses some on SQLite, and its client waits for seconds.
    run_ids = [await new_run(team.definition("retry: 2")) for _ in range(50)]
    states = await asyncio.gather(*(team.run("retry: 2", run_id=run_id) for run_id in run_ids))

    billed = [bill.answered * Decimal(10) / 1_000_000 for bill in server.till.bills]
    ends = Counter(state.name for state in states)
    assert await team.spent() == sum(billed) == sum(cost or 0 for cost in await team.recorded())
    assert Decimal("0.85") < sum(billed) <= Decimal("1.00")
    assert ends == {"Completed": len(billed), "Failed": 50 - len(billed)}
    for state in states:
        if state.is_failed():
            assert isinstance(await cause_of(state), BudgetSpent | BudgetHeld)
            assert f"the budget of team '{team.name}' in" in str(state.message)


async def test_a_run_that_is_stopped_says_which_budget_what_is_spent_and_what_to_do(
    team: Team, server: ModelServer
) -> None:
    await team.save()
    state = await team.run(budget="budget: {run: 0.02}")
    error = await cause_of(state)

    assert isinstance(error, BudgetSpent)
    assert str(error).startswith("the budget of this run is $0.02, with $0.0000 spent; this call may cost $0.03")
    assert str(error).endswith("no call is made; raise the budget, or wait for the next month")
    assert server.requests == []


async def test_a_budget_that_is_passed_is_an_event_for_prefect_s_automations(team: Team) -> None:
    await team.save(TeamBudget(usd_per_month=Decimal("0.01"), at_limit="warn"))
    state = await team.run()
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(30), get_client() as client:
        while not found:
            named = {"event": {"name": ["holdfast.budget.warn"]}}
            events = (await client._client.post("/events/filter", json={"filter": named})).json()["events"]
            found = [event for event in events if event["payload"]["workflow"] == team.name]
            await asyncio.sleep(0.2)

    assert state.name == "Completed"
    (event,) = found
    assert event["resource"]["prefect.resource.id"] == f"holdfast.budget.team.{team.name}"
    assert event["payload"]["run"] == str(state.state_details.flow_run_id)
    assert event["payload"]["said"].endswith("it is only said")


class Approving(Watching):
    """A person who reads the form and approves."""

    form = ""

    async def on_question(self, question: Question) -> Mapping[str, str]:
        self.form = question.summary
        return {"decision": "approve"}


async def test_a_gate_s_form_shows_what_the_run_has_spent_of_its_budgets(team: Team, server: ModelServer) -> None:
    await team.save(TeamBudget(usd_per_month=Decimal(50)))
    gated = team.definition(budget="budget: {run: 0.75}") + GATE
    person = Approving()
    state = await run(gated, {"shop": team.shop_url}, listener=person)

    spent = f"${server.till.bills[0].answered * Decimal(10) / 1_000_000:.4f}"
    month = f"{utc_now():%Y-%m}"
    assert state.name == "Completed"
    assert f"Cost so far: {spent} (1 model call); budgets: this run {spent} of $0.75, " in person.form
    assert f"team '{team.name}' in {month} {spent} of $50.\n\nAsked: the-boss" in person.form


async def test_where_a_node_degrades_a_spent_budget_is_a_gap(team: Team) -> None:
    await team.save(TeamBudget(usd_per_month=Decimal(0)))
    state = await team.run("retry: 0, on_failure: degrade")
    done: RunResult = await state.aresult()

    assert (state.name, [gap.node for gap in done.gaps]) == ("Degraded", ["report"])
    assert "is $0, with" in done.gaps[0].reason


async def test_a_workflow_s_budget_of_a_month_counts_all_its_runs_and_downgrades(
    team: Team, server: ModelServer
) -> None:
    server.always(LONG)
    await team.save()
    states = [await team.run(budget="budget: {month: {usd: 0.06, at_limit: downgrade}}") for _ in range(3)]
    reports = [(await state.aresult()).report for state in states]

    assert [asked.body["model"] for asked in server.requests] == ["gpt-4.1", "gpt-4.1", "gpt-4.1-mini"]
    assert "(standard tier" in reports[2]
    assert await team.spent("workflow") == sum(cost or 0 for cost in await team.recorded())
