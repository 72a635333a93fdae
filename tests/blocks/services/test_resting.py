"""A service that fails again and again is left alone, and tested by one request."""

import asyncio
import json
from threading import Event
from typing import Any

import pytest

from blocks.errors import HoldfastError, ServiceResting, ServiceUnavailable
from blocks.ledger import Ledger
from blocks.services.call import Trace
from tests.blocks.services.asking import AT_ONCE, SECRET, Clock, client_at, fail, send
from tests.servers.scripted_api import Says, ScriptedApi

DOWN = Says({"message": "oops"}, 500)
FRAGILE: dict[str, Any] = {"breaker_failures": 2, "breaker_seconds": 60, "requests": 1000, "per_seconds": 1}
"""With a quota that lets all go at once: where none is known, turns have times, which a clock that stands never has."""


async def test_a_service_that_fails_again_and_again_is_left_alone(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual, clock = DOWN, Clock()
    async with client_at(api.url, ledger, clock, **FRAGILE) as client:
        await fail(client)
        clock.on(10)
        await fail(client)
        clock.on(20)
        trace = Trace()
        with pytest.raises(ServiceResting) as raised:
            await send(client, trace=trace)

    assert str(raised.value) == (
        "service 'crm' has been down since 2026-11-24 12:00:00 UTC: service 'crm' answered 500: oops; "
        "after 2 failures in a row it is left alone until 12:01:10 UTC"
    )
    assert raised.value.retry_after_seconds == 40
    assert not raised.value.retryable
    assert not raised.value.may_be_done
    assert len(api.asked) == 2
    assert (trace.attempts, trace.status) == (0, None)


async def test_a_call_whose_own_tries_are_the_failures_stops_there(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual = Says({"message": "oops"}, 500, AT_ONCE)
    async with client_at(api.url, ledger, **FRAGILE) as client:
        with pytest.raises(ServiceUnavailable):
            await send(client)

    assert len(api.asked) == 2


async def test_other_processes_leave_the_service_alone_too(
    api: ScriptedApi, ledger: Ledger, sqlite_ledger_url: str
) -> None:
    api.usual = DOWN
    async with (
        Ledger.open(sqlite_ledger_url) as other_ledger,
        client_at(api.url, ledger, **FRAGILE) as client,
        client_at(api.url, other_ledger, **FRAGILE) as other,
        client_at(api.url, ledger, token=SECRET, **FRAGILE) as with_other_credential,
    ):
        await fail(client, 2)
        with pytest.raises(ServiceResting, match="after 2 failures in a row"):
            await send(other)
        asked = len(api.asked)
        api.usual = Says({"n": 1})
        await send(with_other_credential)

    assert asked == 2
    assert len(api.asked) == 3


async def test_one_request_tests_a_service_that_was_left_alone_and_lets_all_in_again(
    api: ScriptedApi, ledger: Ledger, sqlite_ledger_url: str
) -> None:
    api.usual, clock, held = DOWN, Clock(), Event()
    async with (
        Ledger.open(sqlite_ledger_url) as other_ledger,
        client_at(api.url, ledger, clock, **FRAGILE) as client,
        client_at(api.url, other_ledger, clock, **FRAGILE) as other,
    ):
        await fail(client, 2)
        clock.on(61)
        api.usual = Says({"n": 1}, held_by=held)
        probe = asyncio.create_task(send(client))
        while len(api.asked) < 3:
            await asyncio.sleep(0.01)
        with pytest.raises(ServiceResting):
            await send(other, seconds=0.2)
        asked = len(api.asked)
        held.set()
        answers = [await probe, await send(other), await send(client)]

    assert asked == 3
    assert [answer.body for answer in answers] == [{"n": 1}] * 3


async def test_of_many_that_come_at_once_when_the_time_is_over_one_is_let_through(
    api: ScriptedApi, ledger: Ledger
) -> None:
    api.usual, clock, held = DOWN, Clock(), Event()
    async with client_at(api.url, ledger, clock, concurrency=10, **FRAGILE) as client:
        await fail(client, 2)
        clock.on(61)
        api.usual = Says({"n": 1}, held_by=held)
        calls = [asyncio.create_task(send(client)) for _ in range(10)]
        while len(api.asked) < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        asked = len(api.asked)
        held.set()
        told = await asyncio.gather(*calls)

    assert asked == 3
    assert [each.body for each in told] == [{"n": 1}] * 10


async def test_a_service_that_fails_its_test_is_left_alone_for_longer(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual, clock = DOWN, Clock()
    async with client_at(api.url, ledger, clock, **FRAGILE) as client:
        await fail(client, 2)
        clock.on(61)
        await fail(client)
        with pytest.raises(ServiceResting, match=r"down since 2026-11-24 12:00:00 .* until 12:03:01 UTC"):
            await send(client)
        clock.on(119)
        with pytest.raises(ServiceResting):
            await send(client)
        clock.on(2)
        api.usual = Says({"n": 1})
        await send(client)
        api.usual = DOWN
        await fail(client)

    assert len(api.asked) == 5


async def test_a_test_that_is_given_up_does_not_keep_others_from_testing(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual, clock, held = DOWN, Clock(), Event()
    async with client_at(api.url, ledger, clock, **FRAGILE) as client:
        await fail(client, 2)
        clock.on(61)
        api.next(Says({"n": 1}, held_by=held))
        probe = asyncio.create_task(send(client))
        while len(api.asked) < 3:
            await asyncio.sleep(0.01)
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        api.usual = Says({"n": 2})
        answer = await send(client)

    assert probe.cancelled()
    assert answer.body == {"n": 2}


async def test_a_success_in_between_begins_the_count_again(api: ScriptedApi, ledger: Ledger) -> None:
    api.next(DOWN, Says({"n": 1}), DOWN, Says({"n": 2}))
    async with client_at(api.url, ledger, **FRAGILE) as client:
        await fail(client)
        await send(client)
        await fail(client)
        answer = await send(client)

    assert answer.body == {"n": 2}


@pytest.mark.parametrize("status", [400, 401, 404])
async def test_what_the_service_says_of_a_wrong_request_is_no_failure_of_it(
    api: ScriptedApi, ledger: Ledger, status: int
) -> None:
    api.usual = Says({"message": "not so"}, status)
    async with client_at(api.url, ledger, **FRAGILE) as client:
        for _ in range(4):
            with pytest.raises(HoldfastError, match=f"answered {status}"):
                await send(client)

    assert len(api.asked) == 4


async def test_by_the_real_clock_a_service_is_asked_again_when_its_time_is_over(
    api: ScriptedApi, ledger: Ledger
) -> None:
    api.usual = DOWN
    async with client_at(api.url, ledger, breaker_failures=1, breaker_seconds=0.3) as client:
        await fail(client)
        api.usual = Says({"n": 1})
        await asyncio.sleep(0.35)
        answer = await send(client)

    assert answer.body == {"n": 1}


async def test_words_that_no_database_takes_are_no_reason_to_lose_the_failure(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual = Says(json.dumps({"message": "no \0answer \ud800"}).encode(), 500)
    async with client_at(api.url, ledger, **FRAGILE) as client:
        await fail(client, 2)
        with pytest.raises(ServiceResting):
            await send(client)

    assert len(api.asked) == 2


async def test_a_request_that_comes_while_another_tests_the_service_waits_for_what_comes_of_it(
    api: ScriptedApi, ledger: Ledger
) -> None:
    clock = Clock()
    async with client_at(api.url, ledger, clock, **FRAGILE) as client:
        api.next(*[Says(status=500, headers={"Retry-After": "0"})] * 2)
        with pytest.raises(ServiceUnavailable):
            await send(client)
        clock.on(61)
        held = Event()
        api.next(Says({"n": 1}, held_by=held))
        probe = asyncio.create_task(send(client))
        while len(api.asked) < 3:
            await asyncio.sleep(0.01)
        second = asyncio.create_task(send(client))
        with pytest.raises(ServiceResting):
            await send(client, seconds=0.2)
        held.set()
        answers = [await probe, await second]

    assert [answer.body for answer in answers] == [{"n": 1}, {"ok": True}]
