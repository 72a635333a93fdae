import asyncio
from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from blocks.errors import RunUnknown
from blocks.ledger import GoodAnswerRow, Ledger
from blocks.schemas.snapshot import Column, ForeignKey, Relation, RelationName, Snapshot
from tests.blocks.ledger_rows import NOON, record_call, start


async def test_a_run_that_starts_again_keeps_what_it_was_started_with(ledger: Ledger) -> None:
    first = await start(ledger)
    await ledger.finish_run(first.run_id, "Failed", "node spend failed", ["spend: no answer"], NOON)
    failed = await ledger.run(first.run_id)

    again = await ledger.start_run(
        run_id=first.run_id,
        workflow="other",
        version=2,
        team="other",
        definition="name: other",
        inputs={},
        sources={},
        started_at=NOON + timedelta(hours=1),
    )

    assert failed is not None
    assert (failed.state, failed.message, failed.gaps) == ("Failed", "node spend failed", ("spend: no answer",))
    assert failed.finished_at == NOON
    assert first.sources == {"finance": "postgresql://reader:***@db/finance", "files": "data/northwind.db"}
    assert again.starts == 2
    assert again.finished_at is None
    assert (again.workflow, again.definition, again.inputs) == (first.workflow, first.definition, first.inputs)
    assert (again.state, again.message, again.gaps, again.started_at) == ("Running", "", (), NOON)


async def test_finishing_an_unknown_run_says_so_and_spares_the_writes_beside_it(ledger: Ledger) -> None:
    run = await start(ledger)

    unknown, mine = await asyncio.gather(
        ledger.finish_run(uuid4(), "Completed", "", [], NOON),
        ledger.finish_run(run.run_id, "Completed", "", [], NOON),
        return_exceptions=True,
    )

    assert isinstance(unknown, RunUnknown)
    assert mine is None


async def test_one_bad_write_fails_its_caller_only(ledger: Ledger) -> None:
    run = await start(ledger)
    ledger.attempt_started(run.run_id, "spend", "query", 1, NOON)

    good, bad = await asyncio.gather(
        record_call(ledger, run.run_id, None), record_call(ledger, uuid4(), None), return_exceptions=True
    )

    assert good is None
    assert isinstance(bad, IntegrityError)
    assert len(await ledger.attempts(run.run_id)) == 1
    assert len(await ledger.model_calls(run.run_id)) == 1


async def test_attempts_are_read_back_per_start_of_the_run(ledger: Ledger) -> None:
    run_id = (await start(ledger)).run_id
    ledger.attempt_started(run_id, "spend", "query", 1, NOON)
    ledger.attempt_ended(run_id, "spend", 1, "failed", 1.5, "no \0answer \ud800")
    ledger.attempt_started(run_id, "spend", "query", 2, NOON + timedelta(seconds=3))
    await start(ledger, run_id)
    ledger.attempt_started(run_id, "spend", "query", 1, NOON + timedelta(seconds=9))
    ledger.attempt_ended(run_id, "spend", 1, "done", 0.25, "")

    attempts = await ledger.attempts(run_id)

    seen = [(row.start, row.attempt, row.state, row.seconds, row.error) for row in attempts]
    assert seen == [(1, 1, "failed", 1.5, "no answer ?"), (1, 2, "running", None, None), (2, 1, "done", 0.25, None)]


async def test_an_attempt_of_a_run_that_this_ledger_did_not_start_is_a_lookup_error(ledger: Ledger) -> None:
    with pytest.raises(LookupError):
        ledger.attempt_started(uuid4(), "spend", "query", 1, NOON)


async def test_a_write_whose_caller_is_cancelled_is_made_all_the_same(ledger: Ledger) -> None:
    run_id = (await start(ledger)).run_id
    caller = asyncio.create_task(ledger.finish_run(run_id, "Completed", "", [], NOON))
    await asyncio.sleep(0)
    caller.cancel()

    run = await ledger.run(run_id)

    assert caller.cancelled()
    assert run is not None
    assert run.state == "Completed"


async def test_a_delivery_is_new_for_one_caller_only(a_ledger_url: str) -> None:
    async with Ledger.open(a_ledger_url) as one, Ledger.open(a_ledger_url) as two:
        run_id = (await start(one)).run_id
        intents = await asyncio.gather(
            *(ledger.intend_delivery(run_id, "publish", "a.md", "00", NOON) for ledger in (one, two) for _ in range(5))
        )

        assert sum(intent.new for intent in intents) == 1
        assert len({intent.id for intent in intents}) == 1
        assert len(await one.deliveries(run_id)) == 1


async def test_a_delivery_goes_from_intent_to_receipt_and_stays_there(ledger: Ledger) -> None:
    run_id = (await start(ledger)).run_id
    new = await ledger.intend_delivery(run_id, "publish", "a.md", "00", NOON)
    cut_off = await ledger.intend_delivery(run_id, "publish", "a.md", "11", NOON)
    await ledger.fail_delivery(new.id, "no such folder")
    failed = (await ledger.deliveries(run_id))[0]
    once_more = await ledger.intend_delivery(run_id, "publish", "a.md", "22", NOON)
    await ledger.confirm_delivery(new.id, {"wrote": "a.md", "bytes": 3}, NOON)
    await ledger.fail_delivery(new.id, "too late")
    delivered = await ledger.intend_delivery(run_id, "publish", "a.md", "33", NOON)

    assert (new.new, new.outcome, new.receipt_at) == (True, "intended", None)
    assert (cut_off.new, cut_off.outcome, cut_off.sha256) == (False, "intended", "00")
    assert (failed.outcome, failed.error) == ("failed", "no such folder")
    assert (once_more.new, once_more.outcome, once_more.sha256, once_more.error) == (True, "intended", "22", None)
    assert (delivered.new, delivered.outcome, delivered.sha256) == (False, "delivered", "22")
    assert (delivered.receipt, delivered.receipt_at) == ({"wrote": "a.md", "bytes": 3}, NOON)


async def test_costs_are_exact_and_an_unknown_price_is_not_zero(ledger: Ledger) -> None:
    run_id = (await start(ledger)).run_id
    costs = [Decimal("0.1"), Decimal("0.2"), Decimal("0.000000000000000000123456789"), None]
    for cost in costs:
        await record_call(ledger, run_id, cost)

    calls, total = await ledger.model_calls(run_id), await ledger.cost(run_id)

    assert [call.cost_usd for call in calls] == costs
    assert (total.total, total.calls, total.unpriced_calls) == (Decimal("0.300000000000000000123456789"), 4, 1)
    assert str(total) == "$0.3000 (4 model calls, 1 of unknown price)"
    assert await ledger.cost(uuid4()) == type(total)(Decimal(0), 0, 0)


async def test_an_answer_of_the_offline_model_is_no_model_call(ledger: Ledger) -> None:
    run_id = (await start(ledger)).run_id
    none = await ledger.cost(run_id)
    await record_call(ledger, run_id, Decimal(0), provider="offline")
    offline = await ledger.cost(run_id)
    await record_call(ledger, run_id, Decimal("0.5"))
    both = await ledger.cost(run_id)

    assert str(none) == "$0.0000 (0 model calls)"
    assert str(offline) == "$0.0000 (1 answer by the offline model)"
    assert str(both) == "$0.5000 (1 model call, 1 answer by the offline model)"


async def test_times_come_back_aware_and_in_utc(ledger: Ledger) -> None:
    run_id = (await start(ledger)).run_id
    await record_call(ledger, run_id, None, at=NOON.astimezone(timezone(timedelta(hours=5, minutes=30))))

    call = (await ledger.model_calls(run_id))[0]

    assert call.at == NOON
    assert call.at.utcoffset() == timedelta(0)


async def test_a_time_without_a_zone_is_refused_on_the_way_in(ledger: Ledger) -> None:
    run_id = (await start(ledger)).run_id
    naive = NOON.replace(tzinfo=None)

    with pytest.raises(ValueError, match="no time zone"):
        ledger.attempt_started(run_id, "spend", "query", 1, naive)
    with pytest.raises(ValueError, match="no time zone"):
        await record_call(ledger, run_id, None, at=naive)
    assert await ledger.attempts(run_id) == ()


async def test_recent_runs_are_the_newest_first(ledger: Ledger) -> None:
    for number in range(3):
        await ledger.start_run(
            run_id=uuid4(),
            workflow=f"w{number}",
            version=number,
            team="t",
            definition="",
            inputs={},
            sources={},
            started_at=NOON + timedelta(minutes=number),
        )

    assert [(run.workflow, run.version) for run in await ledger.recent_runs(2)] == [("w2", 2), ("w1", 1)]
    assert await ledger.run(uuid4()) is None


async def test_a_source_s_schema_is_the_one_that_was_recorded_last(ledger: Ledger) -> None:
    run = await start(ledger)
    first = Snapshot(dialect="sqlite", database="/shop.db", search_path=("main",), fingerprint="a", relations=())
    key = ForeignKey(columns=("vendor",), refers_to=RelationName("main", "vendors"), referred=("id",))
    column = Column(name="vendor", type="INTEGER", nullable=False)
    bills = Relation(name=RelationName("main", "bills"), kind="table", columns=(column,), foreign_keys=(key,))
    second = first.model_copy(update={"fingerprint": "b", "relations": (bills,)})
    await ledger.record_schema("shop", first, NOON)
    await ledger.record_schema("shop", second, NOON + timedelta(hours=1), run.run_id)
    await ledger.record_schema("other", first, NOON)

    found = await ledger.schema("shop")

    assert found is not None
    assert (found.snapshot, found.at, found.run_id) == (second, NOON + timedelta(hours=1), run.run_id)
    assert await ledger.schema("nowhere") is None
    earlier = await ledger.schema("shop", "a")
    assert earlier is not None
    assert earlier.snapshot == first


async def test_a_later_good_answer_takes_the_place_of_an_earlier_one(ledger: Ledger) -> None:
    first = GoodAnswerRow(
        source="shop",
        sql="SELECT 1",
        database="/shop.db",
        fingerprint="a",
        samples={"main.vendors": {"count": 3}},
        repaired_sql=None,
        repairs=[],
        approved_by=[],
        shape={"rows": 1, "columns": []},
        asked_with="1f",
        not_sampled="",
        sampled_fingerprint="a",
        sampled_at=NOON,
        at=NOON,
    )
    later = replace(
        first,
        fingerprint="b",
        repaired_sql="SELECT 2",
        repairs=["a"],
        approved_by=["data-owner"],
        at=NOON + timedelta(days=1),
    )
    await ledger.record_good_answer(first)
    await ledger.record_good_answer(later)

    assert await ledger.good_answer("shop", "SELECT 1") == later
    assert await ledger.good_answer("shop", "SELECT 2") is None
    (known,) = (await ledger.known_answers("shop")).items()
    assert (known[0], known[1].repaired_sql, known[1].fingerprint) == ("SELECT 1", "SELECT 2", "b")
    assert known[1].approved_by == ["data-owner"]
