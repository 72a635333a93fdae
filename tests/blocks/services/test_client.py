"""Asking a service over HTTP: what is tried again, how often, for how long, and what is said where it fails."""

import asyncio
import gzip
from threading import Event
from time import monotonic

import pytest

from blocks.errors import CredentialsRefused, RequestRefused, ServiceLimited, ServiceUnavailable
from blocks.ledger import Ledger
from blocks.services.call import Call, Trace
from blocks.services.client import TRIES
from tests.blocks.services.asking import AT_ONCE, ITEMS, NEW, SECRET, Clock, client_at, send
from tests.servers.prefect_server import free_port
from tests.servers.scripted_api import Says, ScriptedApi, Streams

# What comes back, and what is asked.


async def test_an_answer_has_its_json_and_headers_and_took_one_request(api: ScriptedApi, ledger: Ledger) -> None:
    api.next(Says({"items": [{"id": 1}]}, headers={"X-Total": "1", "Link": '</items?page=2>; rel="next"'}))
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        answer = await send(
            client, Call("GET", "/items", params={"q": "a&b", "tag": ["x", "y"], "none": None}), trace=trace
        )

    assert (answer.status, answer.body) == (200, {"items": [{"id": 1}]})
    assert answer.headers["x-total"] == "1"
    assert answer.next_url == f"{api.url}/items?page=2"
    assert not answer.not_modified
    assert (trace.attempts, trace.status, trace.waited_seconds, trace.notes) == (1, 200, 0.0, [])
    (asked,) = api.asked
    assert asked.path == "/items?q=a%26b&tag=x&tag=y"
    assert asked.headers["user-agent"] == "holdfast"
    assert "authorization" not in asked.headers


async def test_a_write_carries_its_json_once_and_an_empty_answer_is_well(api: ScriptedApi, ledger: Ledger) -> None:
    api.next(Says(status=204))
    async with client_at(api.url, ledger) as client:
        answer = await send(client, NEW)

    assert (answer.status, answer.body) == (204, None)
    (asked,) = api.asked
    assert (asked.method, asked.json) == ("POST", {"name": "Mar\u00eda"})
    assert asked.headers["content-type"] == "application/json"


async def test_a_form_and_bytes_are_sent_as_they_are(api: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(api.url, ledger) as client:
        await send(client, Call("POST", "/form", form={"text": "a&b"}))
        await send(client, Call("PUT", "/file", content=b"\0\xff", headers={"Content-Type": "image/png"}))

    form, file = api.asked
    assert form.form == {"text": "a&b"}
    assert (file.body, file.headers["content-type"]) == (b"\0\xff", "image/png")


async def test_the_path_of_the_address_begins_every_path(api: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(f"{api.url}/rest/v3/", ledger) as client:
        await send(client)

    assert api.paths() == ["GET /rest/v3/items"]


# Failures for good.


@pytest.mark.parametrize("call", [ITEMS, NEW])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"message": "no such\n  field"}),
        (404, {"error": {"message": "no such field"}}),
        (422, {"detail": "no such field"}),
        (409, {"error": "no such field"}),
    ],
)
async def test_a_request_that_is_wrong_is_made_once_and_the_api_says_why(
    api: ScriptedApi, ledger: Ledger, call: Call, status: int, body: object
) -> None:
    api.next(Says(body, status))
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        with pytest.raises(RequestRefused) as raised:
            await send(client, call, trace=trace)

    assert str(raised.value) == f"service 'crm' answered {status}: no such field; mend the request in the definition"
    assert not raised.value.retryable
    assert len(api.asked) == 1
    assert (trace.attempts, trace.status) == (1, status)


@pytest.mark.parametrize("status", [401, 403])
async def test_who_is_not_let_in_is_told_so_after_one_request(api: ScriptedApi, ledger: Ledger, status: int) -> None:
    api.next(Says({"message": "not you"}, status))
    async with client_at(api.url, ledger, token=SECRET) as client:
        with pytest.raises(CredentialsRefused, match=f"^service 'crm' answered {status}: not you; ") as raised:
            await send(client)

    assert not raised.value.retryable
    assert len(api.asked) == 1


@pytest.mark.parametrize("status", [200, 404])
async def test_a_page_where_json_was_due_is_told_by_its_first_words(
    api: ScriptedApi, ledger: Ledger, status: int
) -> None:
    page = b"<!DOCTYPE html><style>p { color: red }</style><h1>Sign in</h1>\n<p>" + b"to see this page " * 50
    api.next(Says(page, status, {"content-type": "text/html"}))
    async with client_at(api.url, ledger) as client:
        with pytest.raises(RequestRefused) as raised:
            await send(client)

    assert "Sign in to see this page to see" in str(raised.value)
    assert "color" not in str(raised.value)
    assert "<" not in str(raised.value)
    assert len(str(raised.value)) < 220
    assert len(api.asked) == 1


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000])
async def test_json_that_is_nested_without_end_is_refused_as_an_answer(
    api: ScriptedApi, ledger: Ledger, body: bytes
) -> None:
    api.next(Says(body))
    async with client_at(api.url, ledger) as client:
        with pytest.raises(RequestRefused):
            await send(client)

    assert len(api.asked) == 1


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("megabytes", [500, float("inf")])
async def test_an_answer_is_read_up_to_its_bound_only(
    api: ScriptedApi, ledger: Ledger, status: int, megabytes: float
) -> None:
    api.next(Streams(megabytes, status))
    async with client_at(api.url, ledger, most_megabytes=2) as client:
        with pytest.raises(RequestRefused, match="the answer is longer than 2 MB, and was not read further"):
            await send(client)

    assert len(api.asked) == 1
    # Beside what was read: what the sockets of both sides hold.
    assert api.sent_bytes < 30e6


async def test_a_small_answer_that_unpacks_to_a_large_one_is_read_up_to_the_bound(
    api: ScriptedApi, ledger: Ledger
) -> None:
    packed = gzip.compress(b"0" * 50_000_000)
    api.next(Says(packed, headers={"content-encoding": "gzip"}))
    async with client_at(api.url, ledger, most_megabytes=2) as client:
        with pytest.raises(RequestRefused, match="longer than 2 MB"):
            await send(client)

    assert len(packed) < 100_000


# Failures that may pass.


async def test_a_failure_that_passes_costs_one_more_request(api: ScriptedApi, ledger: Ledger) -> None:
    api.next(Says({"message": "oops"}, 500, AT_ONCE), Says({"n": 1}))
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        answer = await send(client, trace=trace)

    assert answer.body == {"n": 1}
    assert (trace.attempts, trace.status) == (2, 200)
    assert len(api.asked) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 423, 425])
async def test_a_service_that_stays_down_is_asked_a_few_times(api: ScriptedApi, ledger: Ledger, status: int) -> None:
    api.usual = Says({"message": "oops"}, status, AT_ONCE)
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        with pytest.raises(ServiceUnavailable) as raised:
            await send(client, trace=trace)

    assert type(raised.value) is ServiceUnavailable
    assert str(raised.value) == f"service 'crm' answered {status}: oops"
    assert not raised.value.may_be_done
    assert len(api.asked) == trace.attempts == TRIES
    assert trace.status == status


async def test_a_server_that_is_not_there_is_tried_again_also_for_a_write(ledger: Ledger) -> None:
    trace = Trace()
    async with client_at(f"http://127.0.0.1:{free_port()}", ledger, token=SECRET) as client:
        with pytest.raises(ServiceUnavailable) as raised:
            await send(client, NEW, trace=trace)

    assert str(raised.value) == "service 'crm' does not answer: ConnectError"
    assert not raised.value.may_be_done
    assert (trace.attempts, trace.status) == (TRIES, None)
    assert trace.waited_seconds > 0


async def test_a_connection_that_is_cut_in_the_body_is_tried_again_for_a_read(api: ScriptedApi, ledger: Ledger) -> None:
    api.next(Says({"n": "x" * 1000}, cut=True), Says({"n": 1}))
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        answer = await send(client, trace=trace)

    assert answer.body == {"n": 1}
    assert trace.attempts == len(api.asked) == 2


async def test_a_write_whose_answer_is_cut_is_not_made_again_and_may_be_done(api: ScriptedApi, ledger: Ledger) -> None:
    api.next(Says({"id": "x" * 1000}, cut=True))
    async with client_at(api.url, ledger) as client:
        with pytest.raises(ServiceUnavailable, match="service 'crm' does not answer: RemoteProtocolError") as raised:
            await send(client, NEW)

    assert raised.value.may_be_done
    assert len(api.asked) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_write_that_fails_is_not_made_again_and_may_be_done(
    api: ScriptedApi, ledger: Ledger, method: str
) -> None:
    api.next(Says({"message": "oops"}, 500, AT_ONCE))
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        with pytest.raises(ServiceUnavailable, match="answered 500: oops") as raised:
            await send(client, Call(method, "/items", json={}), trace=trace)

    assert raised.value.may_be_done
    assert trace.attempts == len(api.asked) == 1


@pytest.mark.parametrize(
    "call",
    [
        Call("PUT", "/items/1", json={"n": 1}),
        Call("DELETE", "/items/1"),
        Call("POST", "/search", json={"q": 1}, only_reads=True),
    ],
)
async def test_a_call_that_does_the_same_twice_is_made_again(api: ScriptedApi, ledger: Ledger, call: Call) -> None:
    api.next(Says({"message": "oops"}, 500, AT_ONCE), Says({"n": 1}))
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        answer = await send(client, call, trace=trace)

    first, second = api.asked
    assert answer.body == {"n": 1}
    assert trace.attempts == 2
    assert (first.method, first.path, first.body) == (second.method, second.path, second.body)


async def test_a_write_that_a_limit_refuses_is_made_again(api: ScriptedApi, ledger: Ledger) -> None:
    api.next(Says({"message": "slow down"}, 429, {"Retry-After": "1"}), Says({"id": 7}, 201))
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        answer = await send(client, NEW, trace=trace)

    first, second = api.asked
    assert (answer.status, answer.body) == (201, {"id": 7})
    assert second.at - first.at > 0.9
    assert first.body == second.body
    assert trace.attempts == 2
    assert trace.waited_seconds > 0.9


async def test_refusals_do_not_count_among_the_tries(api: ScriptedApi, ledger: Ledger) -> None:
    refusals = [Says(status=429, headers={"Retry-After": "0.02"})] * (TRIES + 2)
    api.next(*refusals, Says({"n": 1}))
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        answer = await send(client, trace=trace)

    assert answer.body == {"n": 1}
    assert trace.attempts == len(refusals) + 1


async def test_an_api_that_says_to_come_at_once_and_refuses_again_is_not_asked_without_a_pause(
    api: ScriptedApi, ledger: Ledger
) -> None:
    api.usual = Says(status=429, headers={"Retry-After": "0"})
    async with client_at(api.url, ledger) as client:
        with pytest.raises(ServiceUnavailable):  # at its limit, or the time was up in between
            await send(client, seconds=1.5)

    assert len(api.asked) <= 15, "ten requests a second that are refused are a flood"


async def test_the_wait_that_a_service_which_is_down_asks_for_is_kept(api: ScriptedApi, ledger: Ledger) -> None:
    api.next(Says(status=503, headers={"Retry-After": "1"}), Says({"n": 1}))
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        await send(client, trace=trace)

    first, second = api.asked
    assert second.at - first.at > 0.9
    assert trace.waited_seconds == pytest.approx(1.0)
    assert trace.notes == []


@pytest.mark.parametrize(("status", "lie"), [(503, "-5"), (503, "soon"), (429, "-5")])
async def test_a_wait_that_cannot_be_meant_is_noted_and_taken_as_none(
    api: ScriptedApi, ledger: Ledger, status: int, lie: str
) -> None:
    api.next(Says(status=status, headers={"Retry-After": lie}), Says({"n": 1}))
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        answer = await send(client, trace=trace)

    assert answer.body == {"n": 1}
    assert trace.notes == [f"Retry-After: {lie}"]
    assert 0 <= trace.waited_seconds < 5


@pytest.mark.parametrize("year", ["31536000", "Thu, 24 Nov 2033 12:00:00 GMT"])
async def test_a_wait_of_a_year_is_bounded_to_a_day_and_noted(api: ScriptedApi, ledger: Ledger, year: str) -> None:
    api.usual = Says(status=429, headers={"Retry-After": year})
    trace, clock = Trace(), Clock()
    async with client_at(api.url, ledger, clock) as client:
        with pytest.raises(ServiceLimited, match="is at its limit until 2026-11-25 12:00:00 UTC") as raised:
            await send(client, trace=trace)

    assert raised.value.retry_after_seconds == 24 * 60 * 60
    assert trace.notes == [f"Retry-After: {year}"]
    assert len(api.asked) == 1


async def test_a_service_that_is_down_for_a_year_by_its_own_words_is_not_waited_for(
    api: ScriptedApi, ledger: Ledger
) -> None:
    api.usual = Says(status=503, headers={"Retry-After": "31536000"})
    trace = Trace()
    async with client_at(api.url, ledger) as client:
        with pytest.raises(ServiceUnavailable) as raised:
            await send(client, trace=trace)

    assert raised.value.retry_after_seconds == 24 * 60 * 60
    assert trace.notes == ["Retry-After: 31536000"]
    assert (trace.attempts, trace.waited_seconds) == (1, 0.0)


# The time that a call has.


async def test_a_wait_for_a_limit_that_outlasts_the_node_is_not_begun(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual = Says(status=429, headers={"Retry-After": "600"})
    trace, clock, began = Trace(), Clock(), monotonic()
    async with client_at(api.url, ledger, clock) as client:
        with pytest.raises(ServiceLimited) as raised:
            await send(client, seconds=300, trace=trace)
        with pytest.raises(ServiceLimited):
            await send(client, seconds=300)

    assert str(raised.value) == (
        "service 'crm' is at its limit until 2026-11-24 12:10:00 UTC; that is longer than the node can wait; "
        "run it again after that, or give the node more time"
    )
    assert raised.value.retry_after_seconds == 600
    assert not raised.value.may_be_done
    assert len(api.asked) == 1, "who knows of the limit does not ask"
    assert trace.waited_seconds == 0
    assert monotonic() - began < 60


async def test_a_slow_answer_ends_with_the_time_of_the_node(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual = Says({"n": 1}, delay_seconds=60)
    trace, began = Trace(), monotonic()
    async with client_at(api.url, ledger) as client:
        with pytest.raises(ServiceUnavailable, match="service 'crm' did not answer in time") as raised:
            await send(client, seconds=0.4, trace=trace)
        with pytest.raises(ServiceUnavailable, match="did not answer in time") as of_a_write:
            await send(client, NEW, seconds=0.4)

    assert 0.8 <= monotonic() - began < 20
    assert not raised.value.may_be_done
    assert of_a_write.value.may_be_done
    assert trace.attempts == 1


async def test_a_body_that_comes_slowly_ends_with_the_time_of_the_node(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual = Streams()
    began = monotonic()
    async with client_at(api.url, ledger, most_megabytes=1e6) as client:
        with pytest.raises(ServiceUnavailable, match="did not answer in time"):
            await send(client, seconds=0.3)

    assert monotonic() - began < 20


async def test_another_try_that_would_begin_too_late_is_not_begun(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual = Says({"message": "oops"}, 503, {"Retry-After": "30"})
    trace, began = Trace(), monotonic()
    async with client_at(api.url, ledger) as client:
        with pytest.raises(ServiceUnavailable, match="answered 503: oops") as raised:
            await send(client, seconds=20, trace=trace)

    assert raised.value.retry_after_seconds == 30
    assert (trace.attempts, trace.waited_seconds) == (1, 0.0)
    assert monotonic() - began < 15


async def test_the_time_of_the_node_counts_also_while_other_calls_are_under_way(
    api: ScriptedApi, ledger: Ledger
) -> None:
    held = Event()
    async with client_at(api.url, ledger, concurrency=1) as client:
        await send(client)
        api.next(Says({"n": 1}, held_by=held))
        first = asyncio.create_task(send(client))
        while len(api.asked) < 2:
            await asyncio.sleep(0.01)
        second = asyncio.create_task(send(client, seconds=0.2))
        done, _ = await asyncio.wait((second,), timeout=5)
        held.set()
        await first
        (told,) = await asyncio.gather(second, return_exceptions=True)

    assert done, "it waits for the other call, and not to the end of its own time"
    assert isinstance(told, ServiceUnavailable)


async def test_a_call_without_time_is_not_told_of_a_limit_that_there_is_not(api: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(api.url, ledger) as client:
        await send(client)
        with pytest.raises(ServiceUnavailable) as raised:
            await send(client, seconds=-1)

    assert len(api.asked) == 1
    assert "at its limit" not in str(raised.value)


# How many at once, and which limit.


async def test_no_more_requests_are_under_way_than_the_block_allows(api: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(api.url, ledger, concurrency=3) as client:
        await send(client)
        api.usual = Says({"n": 1}, delay_seconds=0.3)
        answers = await asyncio.gather(*(send(client) for _ in range(12)))

    assert len(answers) == 12
    assert api.most_at_once == 3


async def test_the_next_page_counts_against_the_limit_of_the_first(api: ScriptedApi, ledger: Ledger) -> None:
    link = {"Link": '</search/code?page=2>; rel="next"'}
    api.next(Says({"items": []}, headers=link), Says({"items": []}))
    async with client_at(api.url, ledger, preset="github") as client:
        first = await send(client, Call("GET", "/search/code"))
        await send(client, Call("GET", first.next_url))

    assert [(part, state["sent"]) for _, part, state in await ledger.services.states()] == [("limit code_search", 2)]
