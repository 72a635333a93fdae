import asyncio
import logging
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from blocks.errors import OperatorError, RunUnknown
from blocks.ledger import Ledger, RunRow
from blocks.ledger.engine import create_engine, ledger_url, without_password
from blocks.ledger.schema import HEAD
from blocks.ledger.tables import Base
from blocks.ledger.upgrade import alembic_config

NOON = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)

WRITE_FROM_ANOTHER_PROCESS = """
import asyncio, sys
from datetime import UTC, datetime
from uuid import UUID
from blocks.ledger import Ledger

async def write(url: str, run_id: UUID, me: str) -> None:
    async with Ledger.open(url) as ledger:
        run = await ledger.start_run(
            run_id=run_id, workflow="w", version=None, team="t", definition=me, inputs={}, sources={},
            started_at=datetime.now(UTC),
        )
        for number in range(50):
            ledger.attempt_started(run_id, f"{me}-{number}", "query", 1, datetime.now(UTC))
            await ledger.intend_delivery(run_id, "publish", f"{me}-{number}", "00", datetime.now(UTC))
            ledger.attempt_ended(run_id, f"{me}-{number}", 1, "done", 0.1)
        first = await ledger.record_decision(
            run_id, "sign-off", me, comment="", decided_by=me, via="test", at=datetime.now(UTC)
        )
    print(first.decision)

asyncio.run(write(sys.argv[1], UUID(sys.argv[2]), sys.argv[3]))
"""


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'home' / 'ledger.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "fresh_postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[Ledger]:
    async with Ledger.open(url) as opened:
        yield opened


async def start(ledger: Ledger, run_id: UUID | None = None, *, workflow: str = "scorecard") -> RunRow:
    return await ledger.start_run(
        run_id=run_id or uuid4(),
        workflow=workflow,
        version=None,
        team="operations",
        definition=f"name: {workflow}",
        inputs={"month": "2026-10"},
        sources={"finance": "postgresql://reader:secret@db/finance", "files": "data/northwind.db"},
        started_at=NOON,
    )


async def record_call(ledger: Ledger, run_id: UUID, cost_usd: Decimal | None, *, at: datetime = NOON) -> None:
    await ledger.record_model_call(
        run_id=run_id,
        node="risk",
        attempt=1,
        team="operations",
        purpose="classify",
        tier="fast",
        provider="offline",
        model="offline",
        prompt_version="1",
        tokens_in=120,
        tokens_cached=20,
        tokens_out=7,
        cost_usd=cost_usd,
        latency_seconds=0.5,
        outcome="ok",
        at=at,
    )


async def in_database(url: str, statement: str) -> None:
    engine = create_engine(ledger_url(url))
    async with engine.connect() as connection:
        await connection.execute(text(statement))
        await connection.commit()
    await engine.dispose()


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_the_migrated_schema_equals_the_tables(ledger: Ledger, url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    engine = create_engine(ledger_url(url))
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert found == []


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == HEAD


async def test_ledgers_that_open_a_fresh_database_at_once_migrate_it_once(url: str) -> None:
    async def open_and_start() -> int:
        async with Ledger.open(url) as ledger:
            await start(ledger)
            return len(await ledger.recent_runs(100))

    seen = await asyncio.gather(*(open_and_start() for _ in range(6)))

    assert max(seen) == 6


async def test_processes_that_open_and_write_one_fresh_sqlite_file_lose_nothing(sqlite_url: str) -> None:
    run_id, names = uuid4(), ["a", "b", "c"]
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", WRITE_FROM_ANOTHER_PROCESS, sqlite_url, str(run_id), name),
            stdout=asyncio.subprocess.PIPE,
        )
        for name in names
    ]
    printed = [(await process.communicate())[0].decode().strip() for process in processes]

    async with Ledger.open(sqlite_url) as ledger:
        run, decision = await ledger.run(run_id), await ledger.decision(run_id, "sign-off")
        attempts, deliveries = await ledger.attempts(run_id), await ledger.deliveries(run_id)
    assert run is not None
    assert run.starts == 3
    assert decision is not None
    assert printed == [decision.decision] * 3
    assert len(deliveries) == 150
    assert [attempt.state for attempt in attempts] == ["done"] * 150
    assert {attempt.start for attempt in attempts} == {1, 2, 3}


async def test_a_database_of_a_newer_holdfast_is_refused_with_the_mend(url: str) -> None:
    async with Ledger.open(url):
        pass
    await in_database(url, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(OperatorError, match=r"revision 9999.*upgrade Holdfast"):
        async with Ledger.open(url):
            pass


@pytest.mark.parametrize(
    "bad",
    [
        "not a url",
        "mysql://u:secret@h/d",
        "sqlite+aiosqlite://",
        "sqlite:///{file}/ledger.db",
        "sqlite:///{folder}",
        "sqlite:///{file}",
        "postgresql://u:secret@127.0.0.1:1/d?password=secret",
        "postgresql://u:secret@h:port/d",
    ],
)
async def test_a_ledger_that_cannot_be_opened_is_one_line_without_the_password(bad: str, tmp_path: Path) -> None:
    file = tmp_path / "plain.txt"
    file.write_text("this is no database " * 100)

    with pytest.raises(OperatorError) as refused:
        async with Ledger.open(bad.format(file=file, folder=tmp_path)):
            pass

    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "HOLDFAST_LEDGER_URL" in str(refused.value)


def test_passwords_are_hidden_wherever_a_url_carries_them() -> None:
    assert without_password("postgresql://me:p/w@d@db:5432/x?ssl=on") == "postgresql://me:***@db:5432/x?ssl=on"
    assert without_password("postgresql://me@db/x?user=me&password=pw") == "postgresql://me@db/x?user=me&password=***"
    assert without_password("sqlite:///data/it's@home.db") == "sqlite:///data/it's@home.db"
    assert without_password("data/northwind.db") == "data/northwind.db"


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


async def test_queued_attempts_are_committed_without_anyone_waiting(sqlite_url: str) -> None:
    async with Ledger.open(sqlite_url) as ledger, Ledger.open(sqlite_url) as other, asyncio.timeout(10):
        run_id = (await start(ledger)).run_id
        ledger.attempt_started(run_id, "spend", "query", 1, NOON)

        while not await other.attempts(run_id):
            await asyncio.sleep(0.01)


async def test_closing_commits_what_is_queued(url: str) -> None:
    async with Ledger.open(url) as ledger:
        run_id = (await start(ledger)).run_id
        for number in range(500):
            ledger.attempt_started(run_id, f"n{number}", "query", 1, NOON)
            ledger.attempt_ended(run_id, f"n{number}", 1, "done", 0.1)

    async with Ledger.open(url) as again:
        attempts = await again.attempts(run_id)
    assert [(row.node, row.state) for row in attempts] == [(f"n{number}", "done") for number in range(500)]
    with pytest.raises(RuntimeError, match="closed"):
        await ledger.run(run_id)


async def test_a_write_whose_caller_is_cancelled_is_made_all_the_same(ledger: Ledger) -> None:
    run_id = (await start(ledger)).run_id
    caller = asyncio.create_task(ledger.finish_run(run_id, "Completed", "", [], NOON))
    await asyncio.sleep(0)
    caller.cancel()

    run = await ledger.run(run_id)

    assert caller.cancelled()
    assert run is not None
    assert run.state == "Completed"


async def test_what_a_cancelled_run_did_is_committed(url: str) -> None:
    started, run_id = asyncio.Event(), uuid4()

    async def run_for_ever() -> None:
        async with Ledger.open(url) as ledger:
            await start(ledger, run_id)
            ledger.attempt_started(run_id, "spend", "query", 1, NOON)
            started.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(run_for_ever())
    await started.wait()
    running.cancel()
    await asyncio.wait((running,))

    async with Ledger.open(url) as ledger:
        assert len(await ledger.attempts(run_id)) == 1


async def test_the_first_decision_stands_whoever_else_decides_at_the_same_time(url: str) -> None:
    async with Ledger.open(url) as one, Ledger.open(url) as two:
        run_id = (await start(one)).run_id
        decisions = await asyncio.gather(
            *(
                ledger.record_decision(
                    run_id, "sign-off", decision, comment="why", decided_by=f"p{number}", via="terminal", at=NOON
                )
                for number in range(5)
                for ledger, decision in ((one, "approve"), (two, "reject"))
            )
        )

        assert set(decisions) == {await one.decision(run_id, "sign-off")}
        assert await one.decision(run_id, "other") is None


async def test_a_delivery_is_new_for_one_caller_only(url: str) -> None:
    async with Ledger.open(url) as one, Ledger.open(url) as two:
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


async def test_a_full_disk_fails_the_writes_and_closing_does_not_hang(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(20), Ledger.open(sqlite_url) as ledger:
        run_id = (await start(ledger)).run_id
        with files_no_longer_than((tmp_path / "home" / "ledger.db-wal").stat().st_size):
            ledger.attempt_started(run_id, "spend", "query", 1, NOON)
            with pytest.raises(OperatorError, match=r"ledger\.db cannot be used"):
                await record_call(ledger, run_id, None)
        with pytest.raises(OperatorError, match="could not be recorded"):
            await record_call(ledger, run_id, None)
        await record_call(ledger, run_id, Decimal(1))

        assert (await ledger.cost(run_id)).calls == 1
    lost = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.name for record in lost] == ["blocks.ledger.writer"]


async def test_sqlite_is_in_wal_mode_with_foreign_keys(sqlite_url: str, tmp_path: Path) -> None:
    async with Ledger.open(sqlite_url) as ledger:
        with pytest.raises(IntegrityError):
            await record_call(ledger, uuid4(), None)

    connection = sqlite3.connect(tmp_path / "home" / "ledger.db")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    assert mode == "wal"
