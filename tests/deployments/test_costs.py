"""`holdfast costs`: what the ledger has, added up to the last digit, in text, JSON and CSV."""

import asyncio
import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest

from blocks.errors import InputRefused
from blocks.ledger import Ledger, ModelCallRow
from deployments.costs import By, costs_of, since_when
from tasks.context import utc_now
from tests.blocks.ledger_rows import NOON, a_call, start
from tests.deployments.commands import holdfast


def call(cost: str | None, frontier: str | None = None, **changes: object) -> ModelCallRow:
    made = a_call(NOON_RUN, Decimal(cost) if cost is not None else None)
    return replace(made, frontier_cost_usd=Decimal(frontier) if frontier else None, **changes)  # type: ignore[arg-type]  # by name


NOON_RUN = uuid4()


@pytest.fixture
def ledger_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("HOLDFAST_LEDGER_URL", url)
    return url


def record(url: str, *calls: ModelCallRow) -> None:
    async def write() -> None:
        async with Ledger.open(url) as ledger:
            run = await start(ledger)
            for each in calls:
                await ledger.record_model_call(replace(each, run_id=run.run_id))

    asyncio.run(write())


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("workflow", [("b",), ("a",)]),
        ("node", [("b", "risk"), ("a", "risk")]),
        ("team", [("operations", "k2"), ("operations", "k1")]),
        ("model", [("small",)]),
        ("tier", [("frontier",), ("fast",)]),
        ("day", [("2026-11-23",), ("2026-11-24",)]),
    ],
)
def test_calls_are_added_up_by_what_was_asked_for_the_dearest_first(by: By, keys: list[tuple[str, ...]]) -> None:
    cheap = call("0.1", workflow="a", key_fingerprint="k1")
    dear = call("0.3", workflow="b", key_fingerprint="k2", tier="frontier", at=NOON - timedelta(days=1))
    costs = costs_of([cheap, dear, cheap], by, NOON)

    assert list(costs.groups) == keys
    assert costs.total.cost_usd == Decimal("0.5")
    assert sum(spent.calls for spent in costs.groups.values()) == 3


def test_a_cost_that_is_not_known_is_counted_apart_and_out_of_the_comparison() -> None:
    calls = [call("0.01", "0.10"), call(None, "0.10"), call("0.02", None)]
    total = costs_of(calls, "workflow", NOON).total

    assert (total.calls, total.unpriced_calls, total.cost_usd) == (3, 1, Decimal("0.03"))
    assert (total.compared_usd, total.frontier_usd) == (Decimal("0.01"), Decimal("0.10"))
    assert total.saved == Decimal("0.9")


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-10-05", datetime(2026, 10, 5, tzinfo=UTC)),
        ("30d", NOON - timedelta(days=30)),
        ("1h30m", NOON - timedelta(minutes=90)),
    ],
)
def test_since_is_a_day_a_duration_or_the_month_s_first(written: str, moment: datetime) -> None:
    assert since_when(written, NOON) == moment


@pytest.mark.parametrize("written", ["yesterday", "2026-13-01", "30", "-3d"])
def test_a_since_that_cannot_be_read_is_refused(written: str) -> None:
    with pytest.raises(InputRefused, match="write 2026-11-01 or 30d"):
        since_when(written, NOON)


def test_the_table_says_cost_share_tokens_and_what_was_saved(
    ledger_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    now = utc_now()
    record(
        ledger_url,
        call("0.0125", "0.05", workflow="scorecard", at=now),
        call("0.0375", "0.15", workflow="invoices", at=now),
        call(None, None, workflow="invoices", at=now),
        call("9", "9", workflow="old", at=now - timedelta(days=400)),
    )
    said = holdfast(capsys, "costs", "--since", "1d")

    lines = said.out.splitlines()
    assert said.status == 0
    assert lines[0].endswith(" UTC, by workflow:")
    assert lines[1].split() == [
        "workflow",
        "cost",
        "share",
        "calls",
        "tokens",
        "in",
        "cached",
        "out",
        "on",
        "frontier",
        "saved",
    ]
    assert lines[2].split() == [
        "invoices",
        "$0.0375",
        "+",
        "1",
        "unknown",
        "75.0%",
        "2",
        "240",
        "40",
        "14",
        "$0.1500",
        "75.0%",
    ]
    assert lines[3].split() == ["scorecard", "$0.0125", "25.0%", "1", "120", "20", "7", "$0.0500", "75.0%"]
    assert lines[4].split()[:2] == ["total", "$0.0500"]
    assert lines[5] == "1 of 3 calls are of unknown cost and not in it."
    assert lines[6] == "The same calls on the frontier model of each provider: $0.2000; 75.0% saved."


def test_a_chargeback_by_team_is_a_csv_with_the_key_s_fingerprint_and_every_digit(
    ledger_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    now = utc_now()
    record(
        ledger_url,
        call("0.000000123", "1", team="finance", key_fingerprint="ab12", at=now),
        call("0.2", "1", team="operations", key_fingerprint="cd34", at=now),
    )
    rows = list(csv.DictReader(io.StringIO(holdfast(capsys, "costs", "--by", "team", "--csv", "--since", "1d").out)))

    assert [(row["team"], row["key"], row["cost_usd"]) for row in rows] == [
        ("operations", "cd34", "0.2"),
        ("finance", "ab12", "0.000000123"),
    ]


def test_json_has_rows_and_a_total_with_money_as_text(ledger_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    record(ledger_url, call("0.1", "0.4", at=utc_now()))
    said = json.loads(holdfast(capsys, "costs", "--by", "tier", "--json", "--since", "1d").out)

    assert said["by"] == "tier"
    (row,) = said["rows"]
    assert (row["tier"], row["cost_usd"], row["share"], row["saved"]) == ("fast", "0.1", "1.0000", "0.7500")
    assert said["total"]["frontier_usd"] == "0.4"


def test_a_ledger_without_calls_says_so(ledger_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = holdfast(capsys, "costs")

    assert said.status == 0
    assert said.out.startswith("No model was asked since ")


@pytest.mark.parametrize("arguments", [("--by", "month"), ("--since", "soon")])
def test_words_that_cannot_be_read_end_with_the_usage_s_status(
    ledger_url: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str]
) -> None:
    said = holdfast(capsys, "costs", *arguments)

    assert said.status == 2
    assert arguments[1] in said.err
    assert "Traceback" not in said.err
