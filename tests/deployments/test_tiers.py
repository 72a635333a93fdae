"""`holdfast tiers`: from a run's recorded calls to a verdict per node, through a real Prefect server and provider."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest

from blocks.ledger import Ledger
from tests.blocks.models.asking import provider_at
from tests.deployments.commands import holdfast
from tests.flows.running import shop
from tests.servers.model_server import ModelServer, Says

DEFINITION = """
name: {team}
team: {team}
nodes:
  - {{id: spend, kind: query, source: shop, sql: "SELECT vendor, amount FROM invoices ORDER BY amount"}}
  - {{id: risk, kind: reason, purpose: classify, needs: [spend], labels: [low, high]}}
  - {{id: report, kind: reason, purpose: synthesise, tier: standard, needs: [spend, risk]}}
"""


@pytest.fixture
def definition(prefect_api: str, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a workflow whose team has a provider."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    team = f"tiers-{uuid4().hex[:8]}"
    provider_at(server.url, server.key).save(team)  # saved at once, because no loop runs here
    file = tmp_path / "graded.yaml"
    file.write_text(DEFINITION.format(team=team))
    return file


def judged() -> Says:
    verdict = {"same_conclusions": True, "same_figures": False, "as_complete": True}
    return Says(json.dumps({"reason": "It doubles a figure.", **verdict}))


def test_a_workflow_s_recorded_calls_are_asked_again_one_tier_down(
    definition: Path, server: ModelServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert holdfast(capsys, "run", str(definition), "--source", f"shop={shop(tmp_path)}").status == 0
    prose = Says(json.dumps({"text": "Other words.", "confidence": 0.9}))
    server.next(prose, judged())
    said = holdfast(capsys, "tiers", str(definition))

    assert said.status == 0
    first, second, why, cost = said.out.splitlines()
    assert first == "risk    classify on fast: there is no cheaper tier"
    assert second.startswith("report  synthesise on standard: fast agrees in 0 of 1 call; $0.0")
    assert why.strip() == "It doubles a figure."
    assert cost.startswith("The review cost $0.00")
    assert cost.endswith(" of at most $1.00.")


def test_json_has_every_figure_and_the_review_s_calls_are_charged_to_the_team(
    definition: Path, server: ModelServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holdfast(capsys, "run", str(definition), "--source", f"shop={shop(tmp_path)}")
    said = json.loads(holdfast(capsys, "tiers", str(definition), "--json", "--at-most", "0.5").out)
    costs = json.loads(holdfast(capsys, "costs", "--json").out)

    risk, report = said["nodes"]
    assert (risk["node"], risk["cheaper"], risk["calls"]) == ("risk", None, 0)
    assert (report["node"], report["cheaper"], report["calls"]) == ("report", "fast", 1)
    assert {row["workflow"]: row["cost_usd"] for row in costs["rows"]}["review-tiers"] == said["cost_usd"]


def test_a_workflow_without_recorded_calls_says_so(definition: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = holdfast(capsys, "tiers", str(definition))

    assert said.status == 0
    assert said.out.startswith("No call of tiers-")


def test_a_team_without_a_provider_is_told_which_block_to_save(
    definition: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    definition.write_text(DEFINITION.format(team="nobody"))
    said = holdfast(capsys, "tiers", str(definition))

    assert said.status == 1
    assert "team 'nobody' has no model provider" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("amount", ["0", "-1", "much", "nan"])
def test_an_amount_that_is_none_is_refused(definition: Path, capsys: pytest.CaptureFixture[str], amount: str) -> None:
    said = holdfast(capsys, "tiers", str(definition), "--at-most", amount)

    assert said.status == 2
    assert "is no amount above 0" in said.err


def test_no_exchange_is_kept_where_the_setting_says_none(
    definition: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOLDFAST_RECORDED_CALLS_PER_NODE", "0")
    holdfast(capsys, "run", str(definition), "--source", f"shop={shop(tmp_path)}")

    async def kept() -> int:
        async with Ledger.open(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}") as ledger:
            calls = await ledger.calls_since()
            return len(calls) * 100 + len(await ledger.exchanges(calls[0].workflow, "risk"))

    assert asyncio.run(kept()) == 200
