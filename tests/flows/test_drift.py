"""A run whose sources have drifted since the last one: it goes on with a repair, or with a gap that says why."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from flows.result import RunResult
from tasks.context import Question
from tests.blocks.source_databases import execute
from tests.flows.gated import GATED, Answering
from tests.flows.running import ledger, result

pytestmark = pytest.mark.usefixtures("prefect_api")

SPEND = """
    name: spending
    nodes:
      - id: spend
        kind: query
        source: shop
        sql: SELECT name, city FROM vendors ORDER BY name
        {settings}
      - {id: report, kind: reason, purpose: synthesise, needs: [spend]}
    outputs:
      spend: {from: spend, columns: {name: string, city: string}}
"""
RENAMED = ("ALTER TABLE vendors RENAME COLUMN city TO town", "ALTER TABLE vendors RENAME TO suppliers")
REPAIR = "vendors from suppliers (city is town)"


def spending(settings: str = "max_rows: 100") -> str:
    return SPEND.replace("{settings}", settings)


ASKING = spending("on_drift: approve\n        approvers: [data-owner]")


@pytest.fixture
async def source(tmp_path: Path) -> str:
    """The URL of a database with four vendors."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}"
    await execute(
        url,
        "CREATE TABLE vendors (id INTEGER PRIMARY KEY, name TEXT, city TEXT)",
        "INSERT INTO vendors VALUES (1, 'Able', 'Ulm'), (2, 'Bold', 'Bonn'), (3, 'Cora', 'Kiel'), (4, 'Dunn', 'Hof')",
        "CREATE TABLE invoices (vendor TEXT, amount INTEGER)",
        "INSERT INTO invoices VALUES ('Able', 1), ('Bold', 2)",
    )
    return url


async def artifacts(done: RunResult) -> Mapping[str, str]:
    of_this_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[done.run_id]))
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=of_this_run)
    return {str(artifact.key): str(artifact.data) for artifact in found}


async def test_a_table_that_was_renamed_between_two_runs_is_rebuilt_and_the_ui_tells_the_story(source: str) -> None:
    before = await result(spending(), {"shop": source})
    await execute(source, *RENAMED)
    after = await result(spending(), {"shop": source})

    assert after.outputs == before.outputs
    assert (after.state, after.repairs) == ("Completed", (f"spend: {REPAIR}",))
    told = await artifacts(after)
    assert "vendors is now called suppliers" in told["schema-shop"]
    rebuilt = "WITH vendors AS (SELECT id, name, town AS city FROM main.suppliers)\nSELECT name, city FROM vendors"
    assert rebuilt in told["spending-spend-drift"]
    assert "vendors.city is there" in told["spending-spend-expectations"]
    assert f"- spend: {REPAIR}" in told["spending-report"]


async def test_what_was_expected_is_in_the_ledger_and_the_schema_has_the_run_that_saw_it(source: str) -> None:
    await result(spending(), {"shop": source})
    await execute(source, *RENAMED)
    done = await result(spending(), {"shop": source})

    async with ledger() as rows:
        expected, seen = await rows.expectations(done.run_id), await rows.schema("shop")
    assert {each.about for each in expected} == {"schema", "answer"}
    assert {(each.node, each.source) for each in expected} == {("spend", "shop")}
    assert all(each.met for each in expected if each.about == "answer")
    assert seen.run_id == done.run_id


async def test_what_cannot_be_rebuilt_is_a_gap_that_names_it(source: str) -> None:
    await result(spending(), {"shop": source})
    await execute(source, "ALTER TABLE vendors DROP COLUMN city")
    done = await result(spending(), {"shop": source})

    assert done.state == "Degraded"
    assert done.nodes["spend"].attempts == 1
    assert "vendors has no column city" in done.gaps[0].reason
    told = await artifacts(done)
    assert "**Refused**" in told["spending-spend-drift"]
    assert '"vendors.city is there", "met": false, "observed": "not there"' in told["spending-spend-expectations"]


async def test_drift_that_no_query_uses_is_noted_and_blocks_nothing(source: str) -> None:
    before = await result(spending("on_drift: fail"), {"shop": source})
    await execute(source, "ALTER TABLE invoices RENAME TO bills")
    after = await result(spending("on_drift: fail"), {"shop": source})

    assert (after.state, after.outputs) == ("Completed", before.outputs)
    told = await artifacts(after)
    assert "invoices is now called bills" in told["schema-shop"]
    assert "spending-spend-drift" not in told


@pytest.mark.parametrize(("answer", "state"), [("approve", "Completed"), ("reject", "Degraded")])
async def test_a_repair_is_made_once_a_person_has_seen_both_statements_and_approved(
    source: str, answer: str, state: str
) -> None:
    await result(ASKING, {"shop": source})
    await execute(source, *RENAMED)
    listener = Answering(spend=answer)
    done = await result(ASKING, {"shop": source}, listener=listener)

    assert done.state == state
    (question,) = listener.questions
    assert "```sql\nSELECT name, city FROM vendors ORDER BY name\n```" in question.summary
    assert "```sql\nWITH vendors AS (SELECT id, name, town AS city FROM main.suppliers)" in question.summary
    assert "Asked: data-owner" in question.summary
    assert ("the repair was rejected" in str(done.gaps)) == (answer == "reject")


async def test_a_repair_that_nobody_approves_in_time_is_not_made(source: str) -> None:
    definition = ASKING.replace("approvers:", "approve_within: 1s\n        approvers:")
    await result(definition, {"shop": source})
    await execute(source, *RENAMED)
    done = await result(definition, {"shop": source})

    assert "the repair was not approved in time" in done.gaps[0].reason


async def test_a_repair_can_be_approved_beforehand(source: str) -> None:
    await result(ASKING, {"shop": source})
    await execute(source, *RENAMED)
    done = await result(ASKING, {"shop": source}, decisions={"spend": "approve"})

    assert (done.state, done.repairs) == ("Completed", (f"spend: {REPAIR}",))


class Meanwhile(Answering):
    """Approves the gate, and changes the database while it waits."""

    def __init__(self, source: str, *statements: str) -> None:
        super().__init__(sign_off="approve")
        self.source, self.statements = source, statements

    async def on_question(self, question: Question) -> Mapping[str, str] | None:
        await execute(self.source, *self.statements)
        return await super().on_question(question)


AFTER_A_GATE = GATED.replace("SELECT 1 AS one", '"SELECT name, city FROM vendors ORDER BY name"').replace(
    "SELECT vendor, SUM(amount) AS spend FROM invoices GROUP BY vendor", "SELECT vendor, amount FROM invoices"
)


async def test_a_schema_that_drifts_while_a_gate_waits_is_seen_after_it(source: str) -> None:
    await result(AFTER_A_GATE, {"shop": source}, decisions={"sign-off": "approve"})
    done = await result(AFTER_A_GATE, {"shop": source}, listener=Meanwhile(source, *RENAMED))

    assert (done.state, done.repairs) == ("Completed", (f"also: {REPAIR}",))


async def test_a_database_that_goes_away_in_the_middle_is_a_gap(source: str, tmp_path: Path) -> None:
    class Removing(Answering):
        async def on_question(self, question: Question) -> Mapping[str, str] | None:
            (tmp_path / "shop.db").unlink()
            return await super().on_question(question)

    done = await result(AFTER_A_GATE, {"shop": source}, listener=Removing(sign_off="approve"))

    assert (done.state, done.nodes["also"].state, done.nodes["spend"].state) == ("Degraded", "degraded", "done")
    assert "has no file at" in done.gaps[0].reason
    assert done.deliveries


async def test_another_database_under_the_same_name_is_said_and_not_compared(source: str, tmp_path: Path) -> None:
    await result(spending(), {"shop": source})
    other = f"sqlite+aiosqlite:///{tmp_path / 'other.db'}"
    await execute(other, "CREATE TABLE vendors (name TEXT, city TEXT)", "INSERT INTO vendors VALUES ('Zeno', 'Rom')")
    done = await result(spending(), {"shop": other})

    assert (done.state, done.repairs) == ("Completed", ())
    assert "spending-spend-drift" not in await artifacts(done)
