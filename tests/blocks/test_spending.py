"""Budgets in the ledger: reserved before a call and settled after it, by many at once, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from blocks.budgets import AtLimit
from blocks.ledger import Account, Balance, Hold, Ledger, Limit, accounts_of
from blocks.ledger.rows import ExchangeRow
from tests.blocks.ledger_rows import NOON, a_call, record_call, start

REFUSING: tuple[AtLimit, ...] = ("stop", "downgrade")


def usd(text: str) -> Decimal:
    return Decimal(text)


@pytest.fixture
async def ledger(a_ledger_url: str) -> AsyncIterator[Ledger]:
    async with Ledger.open(a_ledger_url) as opened:
        yield opened


def test_a_month_is_the_calendar_s_in_utc() -> None:
    run_id, late = uuid4(), datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    run, team, workflow = accounts_of(run_id, "scorecard", "ops", late.astimezone())

    assert (run.scope, run.name, run.month) == ("run", str(run_id), "")
    assert (team, workflow) == (Account("team", "ops", "2026-11"), Account("workflow", "scorecard", "2026-11"))


async def test_what_is_held_is_settled_by_what_was_paid(ledger: Ledger) -> None:
    run = await start(ledger)
    accounts = accounts_of(run.run_id, "scorecard", "operations", NOON)
    hold = Hold(accounts, usd("0.30"))
    reserved = await ledger.reserve(hold, (), REFUSING)
    held = await ledger.balances(accounts)
    await ledger.record_model_call(a_call(run.run_id, usd("0.0123456789012")), hold=hold)
    settled = await ledger.balances(accounts)

    assert reserved.allowed
    assert set(held.values()) == {Balance(usd("0"), usd("0.30"))}
    assert set(settled.values()) == {Balance(usd("0.0123456789012"), usd("0.00"))}


async def test_a_call_of_unknown_cost_counts_as_all_that_was_held_for_it(ledger: Ledger) -> None:
    run = await start(ledger)
    accounts = accounts_of(run.run_id, "scorecard", "operations", NOON)
    hold = Hold(accounts, usd("0.30"))
    await ledger.reserve(hold, (), REFUSING)
    await ledger.record_model_call(a_call(run.run_id, None), hold=hold)
    await ledger.record_model_call(a_call(run.run_id, None))

    assert set((await ledger.balances(accounts)).values()) == {Balance(usd("0.30"), usd("0.00"))}


async def test_a_call_without_a_hold_is_counted_for_budgets_that_come_later(ledger: Ledger) -> None:
    run = await start(ledger)
    await record_call(ledger, run.run_id, usd("0.25"))
    team = Account("team", "operations", "2026-11")
    reserved = await ledger.reserve(Hold((team,), usd("0.10")), (Limit(team, usd("0.30"), "stop"),), REFUSING)

    assert not reserved.allowed
    assert str(reserved.over[0]) == (
        "the budget of team 'operations' in 2026-11 is $0.30, with $0.2500 spent; this call may cost $0.1000"
    )
    assert not reserved.over[0].only_held


async def test_a_limit_that_others_hold_is_told_from_one_that_is_spent(ledger: Ledger) -> None:
    team = Account("team", f"team-{uuid4().hex}", "2026-11")
    limit = Limit(team, usd("1"), "stop")
    first = await ledger.reserve(Hold((team,), usd("0.7")), (limit,), REFUSING)
    second = await ledger.reserve(Hold((team,), usd("0.4")), (limit,), REFUSING)

    assert (first.allowed, second.allowed) == (True, False)
    assert second.over[0].only_held
    assert "and $0.7000 held by calls under way" in str(second.over[0])


@pytest.mark.parametrize(("at_limit", "allowed"), [("warn", True), ("downgrade", False), ("stop", False)])
async def test_a_limit_refuses_or_only_says(ledger: Ledger, at_limit: AtLimit, allowed: bool) -> None:
    team = Account("team", f"team-{uuid4().hex}", "2026-11")
    reserved = await ledger.reserve(Hold((team,), usd("2")), (Limit(team, usd("1"), at_limit),), REFUSING)
    held = (await ledger.balances((team,)))[team].held_usd

    assert (reserved.allowed, len(reserved.over)) == (allowed, 1)
    assert held == (2 if allowed else 0), "what is refused holds nothing"


@pytest.mark.parametrize("at_limit", ["warn", "downgrade", "stop"])
async def test_a_budget_of_zero_allows_nothing_also_where_it_costs_nothing(ledger: Ledger, at_limit: AtLimit) -> None:
    team = Account("team", f"team-{uuid4().hex}", "2026-11")
    reserved = await ledger.reserve(Hold((team,), usd("0")), (Limit(team, usd("0"), at_limit),), REFUSING[:1])

    assert not reserved.allowed


async def test_many_ledgers_that_spend_at_once_never_pass_the_limit_together(a_ledger_url: str) -> None:
    team = Account("team", "operations", "2026-11")
    limit = Limit(team, usd("1.00"), "stop")

    async def spend(number: int) -> int:
        async with Ledger.open(a_ledger_url) as ledger:
            run, made = await start(ledger), 0
            for _ in range(4):
                accounts = accounts_of(run.run_id, "scorecard", "operations", NOON)
                hold = Hold(accounts, usd("0.03"))
                if (await ledger.reserve(hold, (limit,), REFUSING)).allowed:
                    await ledger.record_model_call(a_call(run.run_id, usd("0.03")), hold=hold)
                    made += 1
            return made

    async with Ledger.open(a_ledger_url) as ledger:
        made = sum(await asyncio.gather(*map(spend, range(12))))
        balance = (await ledger.balances((team,)))[team]
        recorded = sum(call.cost_usd or 0 for call in await ledger.calls_since(NOON))

    assert made == 33, "as many as there is room for, and not one more"
    assert balance == Balance(usd("0.99"), usd("0"))
    assert recorded == balance.spent_usd


async def test_whoever_is_cancelled_while_it_reserves_holds_nothing(ledger: Ledger) -> None:
    team = Account("team", f"team-{uuid4().hex}", "2026-11")
    reserving = asyncio.create_task(ledger.reserve(Hold((team,), usd("0.5")), (), REFUSING))
    await asyncio.sleep(0)
    reserving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reserving

    assert (await ledger.balances((team,)))[team].taken == 0


async def test_the_newest_exchanges_of_each_node_are_left(ledger: Ledger) -> None:
    run = await start(ledger)
    call = a_call(run.run_id, usd("0.01"))
    for number in range(5):
        await ledger.record_model_call(call, exchange=ExchangeRow(request={"n": number}, answer=f"a{number}"))
    await ledger.record_model_call(replace(call, node="report"), exchange=ExchangeRow(request={}, answer="r"))
    other = replace(call, workflow="other")
    await ledger.record_model_call(other, exchange=ExchangeRow(request={}, answer="o"))
    await ledger.forget_exchanges("scorecard", keep=3)
    await ledger.forget_exchanges("other", keep=0)
    kept = await ledger.exchanges("scorecard", "risk")

    assert [exchange.answer for _, exchange in kept] == ["a4", "a3", "a2"]
    assert {row.cost_usd for row, _ in kept} == {usd("0.01")}
    assert len(await ledger.exchanges("scorecard", "report")) == 1
    assert await ledger.exchanges("other", "risk") == ()
