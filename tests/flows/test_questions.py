"""Workflows with a question in place of SQL: answered on the schema as it is, or a gap that says why not."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from flows.result import RunResult
from tasks.outcome import Cell, Table
from tests.blocks.models.asking import provider_at
from tests.blocks.source_databases import execute
from tests.flows.running import ledger, result, shop
from tests.servers.model_server import KEY, ModelServer, Says

pytestmark = pytest.mark.usefixtures("prefect_api")

ASKING = """
    name: asking
    team: {team}
    inputs:
      vendor: {type: string, default: Able}
    nodes:
      - {id: spend, kind: query, source: shop, question: "{question}"}
      - {id: report, kind: reason, purpose: extract, fields: {total_amount: number}, needs: [spend], retry: 0}
    outputs:
      spend: {from: spend, columns: {vendor: string, total_amount: number}}
"""
PER_VENDOR = "total amount per vendor"


def asking(question: str = PER_VENDOR, team: str = "nobody") -> str:
    return ASKING.replace("{question}", question).replace("{team}", team)


def rows_of(done: RunResult) -> tuple[tuple[Cell, ...], ...]:
    table = done.outputs["spend"]
    assert isinstance(table, Table)
    return table.rows


@pytest.fixture
def source(tmp_path: Path) -> str:
    return shop(tmp_path)


async def test_a_question_is_answered_and_its_sql_is_shown(source: str) -> None:
    done = await result(asking(), {"shop": source})

    assert rows_of(done) == (("Able", 12.0), ("Bold", 20.0))
    of_this_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[done.run_id]))
    async with get_client() as client:
        told = {each.key: str(each.data) for each in await client.read_artifacts(artifact_filter=of_this_run)}
    assert "SUM(" in told["asking-spend-question"]
    assert "the offline model" in told["asking-spend-question"]


async def test_a_question_is_put_to_the_schema_as_it_is_now(source: str) -> None:
    before = await result(asking(), {"shop": source})
    await execute(source, "ALTER TABLE invoices ADD COLUMN paid TEXT")
    after = await result(asking(), {"shop": source})

    assert after.outputs == before.outputs


async def test_the_inputs_of_a_run_are_words_of_its_question(source: str) -> None:
    question = "total amount where vendor is '{{ vendor }}'"
    done = await result(asking(question), {"shop": source}, vendor="Bold")

    assert rows_of(done) == ((20.0,),)


async def test_a_question_that_is_not_understood_is_a_gap_that_says_why(source: str) -> None:
    done = await result(asking("which vendors have churned"), {"shop": source})

    assert (done.state, done.nodes["spend"].attempts) == ("Degraded", 1)
    assert "churned" in done.gaps[0].reason


async def test_the_team_s_own_model_is_asked_and_paid_for(source: str, server: ModelServer) -> None:
    team = f"asking-{uuid4().hex[:8]}"
    await provider_at(server.url, KEY).save(team)
    sql = "SELECT vendor, SUM(amount) AS total_amount FROM invoices GROUP BY vendor ORDER BY vendor"
    server.next(Says(json.dumps({"reason": "Adds up.", "sql": sql, "confidence": 0.8})))
    done = await result(asking(team=team), {"shop": source})

    assert rows_of(done) == (("Able", 12.0), ("Bold", 20.0))
    async with ledger() as rows:
        calls = await rows.model_calls(done.run_id)
    assert (calls[0].node, calls[0].purpose, calls[0].tier) == ("spend", "sql", "standard")
    assert calls[0].cost_usd
