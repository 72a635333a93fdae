"""`holdfast services`: how calls end by endpoint, and what holds requests back now."""

import asyncio
import json
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from blocks.ledger import Ledger, ToolCallRow, ToolOutcome
from deployments.services import calls_of, held_back
from tasks.context import utc_now
from tests.blocks.ledger_rows import start
from tests.deployments.commands import holdfast


@pytest.fixture
def ledger_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("HOLDFAST_LEDGER_URL", url)
    return url


def record(url: str, *ends: tuple[str, ToolOutcome], held: dict[str, dict[str, Any]] | None = None) -> None:
    async def write() -> None:
        async with Ledger.open(url) as ledger:
            run = await start(ledger)
            for endpoint, outcome in ends:
                row = ToolCallRow(
                    run_id=run.run_id,
                    node="open",
                    service="desk",
                    method="GET",
                    endpoint=endpoint,
                    status=200 if outcome == "ok" else None,
                    attempts=1,
                    waited_seconds=1.25,
                    seconds=2.0,
                    outcome=outcome,
                    error="",
                    at=utc_now(),
                )
                await ledger.services.record(row)
            for part, state in (held or {}).items():
                await ledger.services.change("crm.test#1", part, partial(_instead, state))

    asyncio.run(write())


def _instead(state: dict[str, Any], known: object) -> tuple[dict[str, Any], None]:
    return state, None


def test_calls_are_counted_by_endpoint_and_end_those_that_fail_most_first(
    ledger_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record(ledger_url, ("/a", "ok"), ("/a", "transient recovered"), ("/b", "permanent"), ("/b", "ok"))
    said = json.loads(holdfast(capsys, "services", "--json").out)

    assert [(call["endpoint"], call["failed"]) for call in said["calls"]] == [("/b", 0.5), ("/a", 0.0)]
    assert said["calls"][1]["transient recovered"] == 1
    assert said["calls"][1]["waited_seconds"] == 2.5
    assert said["held"] == []


def test_a_limit_and_a_breaker_that_hold_are_said_with_their_end(
    ledger_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    until = utc_now() + timedelta(minutes=5)
    breaker = {"failures": 5, "since": f"{utc_now():%Y-%m-%dT08:00:00Z}", "opens_until": until.isoformat(), "last": "x"}
    limit = {"blocked_until": until.isoformat()}
    record(ledger_url, held={"breaker": breaker, "limit /search": limit, "limit": {"sent": 3}})
    said = holdfast(capsys, "services")

    again = f"; asked again from {until:%Y-%m-%d %H:%M:%S} UTC"
    assert said.out.splitlines()[1:] == [
        f"crm.test: down since {utc_now():%Y-%m-%d} 08:00 UTC, 5 failures in a row: x{again}",
        f"crm.test: at its limit for /search{again}",
    ]


def test_without_calls_it_says_so(ledger_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = holdfast(capsys, "services", "--since", "1d")

    assert said.status == 0
    assert said.out.startswith("No service was called since ")


def test_what_is_over_holds_nothing_back() -> None:
    past = (utc_now() - timedelta(seconds=1)).isoformat()

    assert [*held_back([("a#1", "limit", {"blocked_until": past}), ("a#1", "breaker", {})], utc_now())] == []
    assert calls_of([]) == []
