import asyncio
import logging
import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from blocks.database_urls import without_password
from blocks.errors import OperatorError
from blocks.ledger import Account, Balance, Ledger
from blocks.ledger.engine import create_engine, ledger_url, prepare_file
from blocks.ledger.schema import HEAD
from blocks.ledger.tables import Base
from blocks.ledger.upgrade import alembic_config
from tests.blocks.ledger_rows import NOON, record_call, start

WRITE_FROM_ANOTHER_PROCESS = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from uuid import UUID
from blocks.ledger import GateRow, Ledger, VoteRow

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
        now = datetime.now(UTC)
        gate = GateRow(
            run_id=run_id, gate="sign-off", node="sign-off", workflow="w", title="t", summary="", terms={},
            key_fingerprint="", opened_at=now, closes_at=now + timedelta(hours=1),
        )
        await ledger.gates.open(gate)
        vote = VoteRow(person=me, decision="approve", comment="", edits={}, via="test", answer="", at=now)
        state, _ = await ledger.gates.vote(gate, vote, lambda state: "approve")
    print(state.decision.decided_by)

asyncio.run(write(sys.argv[1], UUID(sys.argv[2]), sys.argv[3]))
"""


OLD_RUN = """
INSERT INTO runs (run_id, workflow, team, definition, inputs, sources, state, message, gaps, started_at, starts)
VALUES (KEY, 'scorecard', 'operations', '', '{}', '{}', 'Completed', '', '[]', '2026-11-03 12:00:00.000000', 1)"""
OLD_CALLS = """
INSERT INTO model_calls (run_id, node, attempt, team, purpose, tier, provider, model, prompt_version,
    tokens_in, tokens_cached, tokens_out, cost_usd, latency_seconds, outcome, at)
SELECT KEY, 'risk', 1, 'operations', 'classify', 'fast', 'p', 'm', '1', 1, 0, 1, paid.cost, 0.1, 'ok', started_at
FROM runs, (SELECT 0.10000000001 AS cost UNION ALL SELECT 0.2 UNION ALL SELECT NULL) AS paid"""


async def in_database(url: str, *statements: str) -> None:
    engine = create_engine(ledger_url(url))
    async with engine.connect() as connection:
        for statement in statements:
            # As it stands: a colon in it is no parameter.
            await connection.exec_driver_sql(statement)
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


async def migrated_to(url: str, revision: str) -> None:
    """Makes the tables as an older Holdfast left them."""

    def upgrade(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    prepare_file(ledger_url(url))
    engine = create_engine(ledger_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
    await engine.dispose()


async def test_the_migrated_schema_equals_the_tables(ledger: Ledger, a_ledger_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    engine = create_engine(ledger_url(a_ledger_url))
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert found == []


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == HEAD


async def test_what_was_spent_before_there_were_budgets_counts_for_them(a_ledger_url: str) -> None:
    run_id = uuid4()
    key = f"'{run_id.hex if a_ledger_url.startswith('sqlite') else run_id}'"
    await migrated_to(a_ledger_url, "0004")
    await in_database(a_ledger_url, OLD_RUN.replace("KEY", key), OLD_CALLS.replace("KEY", key))
    async with Ledger.open(a_ledger_url) as ledger:
        accounts = (Account("team", "operations", "2026-11"), Account("workflow", "scorecard", "2026-11"))
        balances = await ledger.balances(accounts)
        calls = await ledger.model_calls(run_id)

    assert set(balances.values()) == {Balance(Decimal("0.30000000001"), Decimal(0))}
    assert {call.workflow for call in calls} == {"scorecard"}


async def test_ledgers_that_open_a_fresh_database_at_once_migrate_it_once(a_ledger_url: str) -> None:
    async def open_and_start() -> int:
        async with Ledger.open(a_ledger_url) as ledger:
            await start(ledger)
            return len(await ledger.recent_runs(100))

    seen = await asyncio.gather(*(open_and_start() for _ in range(6)))

    assert max(seen) == 6


async def test_processes_that_open_and_write_one_fresh_sqlite_file_lose_nothing(sqlite_ledger_url: str) -> None:
    run_id, names = uuid4(), ["a", "b", "c"]
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", WRITE_FROM_ANOTHER_PROCESS, sqlite_ledger_url, str(run_id), name),
            stdout=asyncio.subprocess.PIPE,
        )
        for name in names
    ]
    printed = [(await process.communicate())[0].decode().strip() for process in processes]

    async with Ledger.open(sqlite_ledger_url) as ledger:
        run, decision = await ledger.run(run_id), await ledger.decision(run_id, "sign-off")
        attempts, deliveries = await ledger.attempts(run_id), await ledger.deliveries(run_id)
    assert run is not None
    assert run.starts == 3
    assert decision is not None
    assert printed == [decision.decided_by] * 3
    assert len(deliveries) == 150
    assert [attempt.state for attempt in attempts] == ["done"] * 150
    assert {attempt.start for attempt in attempts} == {1, 2, 3}


async def test_a_database_of_a_newer_holdfast_is_refused_with_the_mend(a_ledger_url: str) -> None:
    async with Ledger.open(a_ledger_url):
        pass
    await in_database(a_ledger_url, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(OperatorError, match=r"revision 9999.*upgrade Holdfast"):
        async with Ledger.open(a_ledger_url):
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


async def test_queued_attempts_are_committed_without_anyone_waiting(sqlite_ledger_url: str) -> None:
    async with Ledger.open(sqlite_ledger_url) as ledger, Ledger.open(sqlite_ledger_url) as other, asyncio.timeout(10):
        run_id = (await start(ledger)).run_id
        ledger.attempt_started(run_id, "spend", "query", 1, NOON)

        while not await other.attempts(run_id):
            await asyncio.sleep(0.01)


async def test_closing_commits_what_is_queued(a_ledger_url: str) -> None:
    async with Ledger.open(a_ledger_url) as ledger:
        run_id = (await start(ledger)).run_id
        for number in range(500):
            ledger.attempt_started(run_id, f"n{number}", "query", 1, NOON)
            ledger.attempt_ended(run_id, f"n{number}", 1, "done", 0.1)

    async with Ledger.open(a_ledger_url) as again:
        attempts = await again.attempts(run_id)
    assert [(row.node, row.state) for row in attempts] == [(f"n{number}", "done") for number in range(500)]
    with pytest.raises(RuntimeError, match="closed"):
        await ledger.run(run_id)


async def test_what_a_cancelled_run_did_is_committed(a_ledger_url: str) -> None:
    started, run_id = asyncio.Event(), uuid4()

    async def run_for_ever() -> None:
        async with Ledger.open(a_ledger_url) as ledger:
            await start(ledger, run_id)
            ledger.attempt_started(run_id, "spend", "query", 1, NOON)
            started.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(run_for_ever())
    await started.wait()
    running.cancel()
    await asyncio.wait((running,))

    async with Ledger.open(a_ledger_url) as ledger:
        assert len(await ledger.attempts(run_id)) == 1


async def test_a_full_disk_fails_the_writes_and_closing_does_not_hang(
    sqlite_ledger_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(20), Ledger.open(sqlite_ledger_url) as ledger:
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


async def test_sqlite_is_in_wal_mode_with_foreign_keys(sqlite_ledger_url: str, tmp_path: Path) -> None:
    async with Ledger.open(sqlite_ledger_url) as ledger:
        with pytest.raises(IntegrityError):
            await record_call(ledger, uuid4(), None)

    connection = sqlite3.connect(tmp_path / "home" / "ledger.db")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    assert mode == "wal"
