"""What all runs know of services, kept in the ledger: state that nobody loses, calls that count, answers that go."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from blocks.ledger import Ledger, ServiceAnswerRow, ToolCallRow, ToolCount
from blocks.ledger import services as book_of_services
from tests.blocks.ledger_rows import NOON, start

CRM = "crm.example#1a2b3c"
State = Mapping[str, Any]


def one_more(state: State) -> tuple[State, int]:
    count = int(state.get("count", 0)) + 1
    return {**state, "count": count}, count


def answer(key: str, body: str = "{}", *, minutes: float = 0) -> ServiceAnswerRow:
    return ServiceAnswerRow(key, f'"{key}"', {"link": "</2>"}, body, NOON + timedelta(minutes=minutes))


async def record(ledger: Ledger, **changed: Any) -> ToolCallRow:
    """Records a call of a new run, unless `changed` names one."""
    run_id = changed.pop("run_id", None) or (await start(ledger)).run_id
    usual = ToolCallRow(
        run_id=run_id,
        node="issues",
        service="crm",
        method="GET",
        endpoint="/items/{{ id }}",
        status=200,
        attempts=1,
        waited_seconds=0.5,
        seconds=0.75,
        outcome="ok",
        error="",
        at=NOON,
    )
    row = replace(usual, **changed)
    await ledger.services.record(row)
    return row


# States.


async def test_what_nobody_has_written_is_nothing(ledger: Ledger) -> None:
    assert await ledger.services.state(CRM, "limit") == {}
    assert await ledger.services.states() == ()


async def test_a_state_is_read_back_as_it_was_changed(ledger: Ledger) -> None:
    written = {"left": None, "at": NOON.isoformat(), "pace": 0.1, "more": {"a": [1, True, "\u00fc"]}}
    seen: list[State] = []

    def change(state: State) -> tuple[State, str]:
        seen.append(dict(state))
        return written, "what came of it"

    first = await ledger.services.change(CRM, "limit", change)
    second = await ledger.services.change(CRM, "limit", change)

    assert (first, second) == ("what came of it", "what came of it")
    assert seen == [{}, written]
    assert await ledger.services.state(CRM, "limit") == written


async def test_parts_and_credentials_do_not_touch_each_other(ledger: Ledger) -> None:
    for credential, part in ((CRM, "limit"), (CRM, "breaker"), ("another", "limit"), (CRM, "limit")):
        await ledger.services.change(credential, part, one_more)

    assert await ledger.services.states() == (
        ("another", "limit", {"count": 1}),
        (CRM, "breaker", {"count": 1}),
        (CRM, "limit", {"count": 2}),
    )


async def test_a_change_that_changes_nothing_still_says_what_it_saw(ledger: Ledger) -> None:
    await ledger.services.change(CRM, "limit", one_more)

    seen = await ledger.services.change(CRM, "limit", lambda state: (state, state["count"]))

    assert seen == 1
    assert await ledger.services.state(CRM, "limit") == {"count": 1}


async def test_a_change_that_fails_leaves_the_state_and_the_changes_beside_it(ledger: Ledger) -> None:
    def fails(state: State) -> tuple[State, None]:
        raise ValueError(f"not from {state}")

    told, *others = await asyncio.gather(
        ledger.services.change(CRM, "limit", fails),
        ledger.services.change(CRM, "limit", one_more),
        ledger.services.change(CRM, "breaker", one_more),
        return_exceptions=True,
    )

    assert isinstance(told, ValueError)
    assert others == [1, 1]
    assert await ledger.services.state(CRM, "limit") == {"count": 1}


async def test_two_ledgers_that_change_one_state_lose_nothing(a_ledger_url: str) -> None:
    async with Ledger.open(a_ledger_url) as one, Ledger.open(a_ledger_url) as two:
        counts = await asyncio.gather(
            *(each.services.change(CRM, "limit", one_more) for _ in range(50) for each in (one, two))
        )
        state = await one.services.state(CRM, "limit")

    assert sorted(counts) == list(range(1, 101))
    assert state == {"count": 100}


async def test_one_after_another_two_ledgers_lose_nothing_either(a_ledger_url: str) -> None:
    async def often(ledger: Ledger) -> None:
        for _ in range(50):
            await ledger.services.change(CRM, "limit", one_more)

    async with Ledger.open(a_ledger_url) as one, Ledger.open(a_ledger_url) as two:
        await asyncio.gather(often(one), often(two))
        state = await two.services.state(CRM, "limit")

    assert state == {"count": 100}


async def test_ledgers_that_change_many_states_in_other_orders_do_not_block_each_other(a_ledger_url: str) -> None:
    parts = [f"limit {number}" for number in range(10)]

    async def often(ledger: Ledger, order: list[str]) -> None:
        for _ in range(10):
            await asyncio.gather(*(ledger.services.change(CRM, part, one_more) for part in order))

    async with Ledger.open(a_ledger_url) as one, Ledger.open(a_ledger_url) as two:
        await asyncio.gather(often(one, parts), often(two, parts[::-1]))
        states = await one.services.states()

    assert states == tuple((CRM, part, {"count": 20}) for part in parts)


async def test_a_state_may_hold_what_an_api_said_whatever_it_is(ledger: Ledger) -> None:
    said = {"last": "no \0answer \ud800"}

    await ledger.services.change(CRM, "breaker", lambda _: (said, None))

    assert set(await ledger.services.state(CRM, "breaker")) == {"last"}


# Calls.


async def test_calls_are_read_back_in_the_order_in_which_they_ended(ledger: Ledger) -> None:
    run_id = (await start(ledger)).run_id
    first = await record(ledger, run_id=run_id, node="late", at=NOON + timedelta(hours=1))
    second = await record(
        ledger, run_id=run_id, status=None, attempts=4, outcome="transient exhausted", error="service 'crm' is down"
    )
    await record(ledger)

    assert await ledger.services.calls(run_id) == (first, second)
    assert await ledger.services.calls(uuid4()) == ()


async def test_the_time_of_a_call_is_the_same_moment_wherever_it_was_written(ledger: Ledger) -> None:
    there = NOON.astimezone(timezone(timedelta(hours=-5)))

    written = await record(ledger, at=there)

    (read,) = await ledger.services.calls(written.run_id)
    assert read.at == NOON
    assert read.at.utcoffset() == timedelta(0)


async def test_the_error_of_a_call_may_hold_what_an_api_said_whatever_it_is(ledger: Ledger) -> None:
    written = await record(ledger, error="no \0answer \ud800", outcome="permanent")

    (read,) = await ledger.services.calls(written.run_id)
    assert read.error == "no answer ?"


async def test_a_call_of_a_run_that_is_unknown_is_refused_and_spares_the_one_beside_it(ledger: Ledger) -> None:
    run_id = (await start(ledger)).run_id

    unknown, mine = await asyncio.gather(
        record(ledger, run_id=uuid4()), record(ledger, run_id=run_id), return_exceptions=True
    )

    assert isinstance(unknown, IntegrityError)
    assert isinstance(mine, ToolCallRow)
    assert len(await ledger.services.calls(run_id)) == 1


async def test_calls_are_counted_by_endpoint_and_outcome_from_a_moment_on(ledger: Ledger) -> None:
    run_id = (await start(ledger)).run_id
    await record(ledger, run_id=run_id, at=NOON - timedelta(microseconds=1))
    await record(ledger, run_id=run_id)
    await record(ledger, run_id=run_id, node="another", waited_seconds=0.25, at=NOON + timedelta(days=1))
    await record(ledger, waited_seconds=2.0)
    await record(ledger, run_id=run_id, outcome="permanent", status=404)
    await record(ledger, run_id=run_id, method="POST", endpoint="/items")
    await record(ledger, run_id=run_id, service="billing")

    counts = await ledger.services.counts(NOON.astimezone(timezone(timedelta(hours=9))))

    assert counts == (
        ToolCount("billing", "GET", "/items/{{ id }}", "ok", 1, 0.5),
        ToolCount("crm", "GET", "/items/{{ id }}", "ok", 3, 2.75),
        ToolCount("crm", "GET", "/items/{{ id }}", "permanent", 1, 0.5),
        ToolCount("crm", "POST", "/items", "ok", 1, 0.5),
    )
    assert await ledger.services.counts(NOON + timedelta(days=2)) == ()


# Answers.


async def test_an_answer_is_kept_in_place_of_the_earlier_one(ledger: Ledger) -> None:
    nothing = await ledger.services.answer("a")
    await ledger.services.keep(answer("a", '{"n": 1}'))
    await ledger.services.keep(answer("b"))
    newer = replace(answer("a", '{"n": "\u00fc"}', minutes=5), etag='W/"2"', headers={})
    await ledger.services.keep(newer)

    assert nothing is None
    assert await ledger.services.answer("a") == newer
    assert await ledger.services.answer("b") == answer("b")


async def test_of_more_answers_than_are_kept_the_oldest_go(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_of_services, "MOST_ANSWERS", 3)
    for key, minutes in (("c", 3), ("a", 1), ("d", 4), ("b", 2), ("e", 4)):
        await ledger.services.keep(answer(key, minutes=minutes))

    kept = [key for key in "abcde" if await ledger.services.answer(key)]

    assert kept == ["c", "d", "e"]


async def test_an_answer_that_is_kept_anew_is_none_of_the_oldest(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_of_services, "MOST_ANSWERS", 2)
    for key, minutes in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        await ledger.services.keep(answer(key, minutes=minutes))

    kept = [key for key in "abc" if await ledger.services.answer(key)]

    assert kept == ["a", "c"]


async def test_two_ledgers_may_keep_the_same_answer_at_once(a_ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_of_services, "MOST_ANSWERS", 5)
    async with Ledger.open(a_ledger_url) as one, Ledger.open(a_ledger_url) as two:
        await asyncio.gather(
            *(
                each.services.keep(answer(f"{number % 7}", minutes=number))
                for number in range(40)
                for each in (one, two)
            )
        )
        kept = [number for number in range(7) if await one.services.answer(f"{number}")]

    assert len(kept) == 5
