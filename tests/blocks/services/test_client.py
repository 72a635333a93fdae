"""Asking a service over HTTP: what is tried again, how often, for how long, and what is said where it fails."""

import asyncio
import gzip
import json
import logging
import pickle
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic
from traceback import TracebackException
from typing import Any

import pytest

from blocks.errors import (
    CredentialsRefused,
    HoldfastError,
    RequestRefused,
    ServiceLimited,
    ServiceResting,
    ServiceUnavailable,
)
from blocks.ledger import Ledger
from blocks.services.call import Answer, Call, Trace
from blocks.services.client import TRIES, ServiceClient
from tests.blocks.services.asking import ITEMS, Clock, client_at, send
from tests.servers.prefect_server import free_port
from tests.servers.scripted_api import Says, ScriptedApi, Streams, scripted_api

SECRET = "xoxb-scripted-7d20"  # noqa: S105  # it opens nothing
NEW = Call("POST", "/items", json={"name": "Mar\u00eda"})
AT_ONCE = {"Retry-After": "0"}
"""Of a failure: it is tried again without a wait, which keeps these tests short."""


@pytest.fixture
def elsewhere() -> Iterator[ScriptedApi]:
    """The API of somebody else."""
    with scripted_api() as started:
        yield started


def everything_about(error: HoldfastError) -> str:
    """All that a person or a program may print of the error, with the variables of every frame but the tests' own."""
    told = TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in told.stack if "/tests/" not in frame.filename]
    assert frames
    variables = [str(frame.locals) for frame in frames]
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # it was made the line before, as Prefect does
    return "\n".join([repr(error), repr(vars(error)), repr(again), *told.format_exception_only(), *variables])


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


# Redirects.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_read_follows_a_redirect_within_its_host(api: ScriptedApi, ledger: Ledger, status: int) -> None:
    api.on("GET", "/items", Says(status=status, headers={"Location": "/v2/items?a=1"}))
    api.on("GET", "/v2/items", Says({"n": 1}))
    trace = Trace()
    async with client_at(api.url, ledger, token=SECRET) as client:
        answer = await send(client, trace=trace)

    assert answer.body == {"n": 1}
    assert api.paths() == ["GET /items", "GET /v2/items?a=1"]
    assert [asked.headers["authorization"] for asked in api.asked] == [f"Bearer {SECRET}"] * 2
    assert trace.status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_write_follows_no_redirect_and_is_told_the_path(api: ScriptedApi, ledger: Ledger, method: str) -> None:
    api.next(Says(status=307, headers={"Location": "/v2/items"}))
    async with client_at(api.url, ledger) as client:
        with pytest.raises(RequestRefused, match=f"redirects a {method} to /v2/items, which is not followed"):
            await send(client, Call(method, "/items", json={}))

    assert len(api.asked) == 1


@pytest.mark.parametrize("call", [ITEMS, NEW])
@pytest.mark.parametrize("fields", [{"token": SECRET}, {"username": "ada", "token": SECRET}])
async def test_no_redirect_leads_to_another_host(
    api: ScriptedApi, elsewhere: ScriptedApi, ledger: Ledger, call: Call, fields: dict[str, Any]
) -> None:
    api.next(Says(status=302, headers={"Location": f"{elsewhere.url}/items"}))
    async with client_at(api.url, ledger, **fields) as client:
        with pytest.raises(RequestRefused) as raised:
            await send(client, call)

    assert f"redirects to {elsewhere.url}, another host than {api.url}; our credentials are not sent" in str(
        raised.value
    )
    assert SECRET not in everything_about(raised.value)
    assert elsewhere.asked == []
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    "target", ["//{other}/items", "http://{own}@{other}/items", "https://{own}/items", "http://{other}\\@{own}/"]
)
async def test_a_redirect_that_hides_its_host_is_not_followed(
    api: ScriptedApi, elsewhere: ScriptedApi, ledger: Ledger, target: str
) -> None:
    own, other = (each.url.removeprefix("http://") for each in (api, elsewhere))
    api.next(Says(status=302, headers={"Location": target.format(own=own, other=other)}))
    async with client_at(api.url, ledger, token=SECRET) as client:
        with pytest.raises(RequestRefused):
            await send(client)

    assert elsewhere.asked == []
    assert len(api.asked) == 1


async def test_the_next_page_of_a_list_is_not_read_at_another_host(
    api: ScriptedApi, elsewhere: ScriptedApi, ledger: Ledger
) -> None:
    api.next(Says([], headers={"Link": f'<{elsewhere.url}/items?page=2>; rel="next"'}))
    async with client_at(api.url, ledger, token=SECRET) as client:
        first = await send(client)
        with pytest.raises(RequestRefused, match="another host"):
            await send(client, Call("GET", first.next_url))

    assert elsewhere.asked == []


async def test_a_host_is_the_same_however_it_is_written(api: ScriptedApi, ledger: Ledger) -> None:
    api.next(Says(status=302, headers={"Location": "/v2/items"}), Says({"n": 1}))
    async with client_at(api.url.replace("127.0.0.1", "LocalHost"), ledger) as client:
        answer = await send(client)

    assert answer.body == {"n": 1}


async def test_a_redirect_in_a_circle_ends(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual = Says(status=302, headers={"Location": "/items"})
    async with client_at(api.url, ledger) as client:
        with pytest.raises(RequestRefused, match="redirects again and again, at last to /items"):
            await send(client)

    assert 2 < len(api.asked) < 10


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (300, {}),
        (302, {}),
        (302, {"Location": ""}),
        (302, {"Location": "http://["}),
        (302, {"Location": "http://h:port/"}),
    ],
)
async def test_a_redirect_to_nowhere_is_told_in_one_line(
    api: ScriptedApi, ledger: Ledger, status: int, headers: dict[str, str]
) -> None:
    api.usual = Says({}, status=status, headers=headers)
    async with client_at(api.url, ledger) as client:
        with pytest.raises((RequestRefused, ServiceUnavailable), match=r"^service 'crm' "):
            await send(client)

    assert len(api.asked) < 10


async def test_a_next_page_whose_address_is_none_is_no_reason_to_lose_this_one(
    api: ScriptedApi, ledger: Ledger
) -> None:
    api.next(Says([1], headers={"Link": '<http://h:port/>; rel="next"'}))
    async with client_at(api.url, ledger) as client:
        answer = await send(client)

    assert (answer.body, answer.next_url) == ([1], "")


# What has not changed is not sent again.


async def test_a_second_read_asks_by_the_etag_and_has_the_kept_body(api: ScriptedApi, ledger: Ledger) -> None:
    link = {"Link": '</items?page=2>; rel="next"'}
    api.next(Says({"n": 1}, headers={"ETag": '"a1"', **link}), Says(status=304, headers={"ETag": '"a1"'}))
    trace = Trace()
    async with client_at(api.url, ledger, token=SECRET) as client:
        first = await send(client)
        second = await send(client, trace=trace)

    assert [asked.headers.get("if-none-match") for asked in api.asked] == [None, '"a1"']
    assert not first.not_modified
    assert second.not_modified
    assert (second.status, second.body, second.next_url) == (200, {"n": 1}, f"{api.url}/items?page=2")
    assert (trace.attempts, trace.status) == (1, 304)


async def test_an_answer_that_has_changed_takes_the_place_of_the_kept_one(api: ScriptedApi, ledger: Ledger) -> None:
    api.next(Says({"n": 1}, headers={"ETag": '"a1"'}), Says({"n": 2}, headers={"ETag": '"a2"'}), Says(status=304))
    async with client_at(api.url, ledger) as client:
        answers = [await send(client) for _ in range(3)]

    assert [(answer.body, answer.not_modified) for answer in answers] == [
        ({"n": 1}, False),
        ({"n": 2}, False),
        ({"n": 2}, True),
    ]
    assert [asked.headers.get("if-none-match") for asked in api.asked] == [None, '"a1"', '"a2"']


@pytest.mark.parametrize(
    "other",
    [
        {"token": "xoxb-of-another"},
        {"token": SECRET, "username": "ada"},
        {},
    ],
)
async def test_what_was_kept_for_one_credential_is_not_another_s(
    api: ScriptedApi, ledger: Ledger, other: dict[str, Any]
) -> None:
    api.usual = Says({"n": 1}, headers={"ETag": '"a1"'})
    async with client_at(api.url, ledger, token=SECRET) as mine, client_at(api.url, ledger, **other) as theirs:
        await send(mine)
        answer = await send(theirs)

    assert not answer.not_modified
    assert [asked.headers.get("if-none-match") for asked in api.asked] == [None, None]


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (ITEMS, Says({"n": 1}, headers={"ETag": '"a1"', "Cache-Control": "private, No-Store"})),
        (ITEMS, Says({"n": 1})),
        (ITEMS, Says({"n": "x" * 1_000_001}, headers={"ETag": '"a1"'})),
        (ITEMS, Says({"n": 1}, 201, headers={"ETag": '"a1"'})),
        (Call("POST", "/items", json={}, only_reads=True), Says({"n": 1}, headers={"ETag": '"a1"'})),
    ],
)
async def test_what_must_not_or_cannot_be_kept_is_asked_for_anew(
    api: ScriptedApi, ledger: Ledger, call: Call, answer: Says
) -> None:
    api.usual = answer
    async with client_at(api.url, ledger) as client:
        await send(client, call)
        await send(client, call)

    assert [asked.headers.get("if-none-match") for asked in api.asked] == [None, None]


@pytest.mark.parametrize(
    "other",
    [
        Call("GET", "/items", params={"page": 2}),
        Call("GET", "/item"),
        Call("GET", "/items", headers={"Accept-Language": "es"}),
        Call("GET", "/items", params={"q": "1"}),
        Call("GET", "/items", params={"q": [1]}),
    ],
)
async def test_only_the_same_question_has_the_kept_answer(api: ScriptedApi, ledger: Ledger, other: Call) -> None:
    api.usual = Says({"n": 1}, headers={"ETag": '"a1"'})
    async with client_at(api.url, ledger) as client:
        await send(client)
        await send(client, Call("GET", "/items", params={"q": 1}))
        await send(client, other)

    assert [asked.headers.get("if-none-match") for asked in api.asked] == [None] * 3


async def test_an_api_whose_answers_have_no_etags_is_not_asked_by_them(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual = Says({"results": []}, headers={"ETag": '"a1"'})
    async with client_at(api.url, ledger, preset="hubspot") as client:
        await send(client)
        await send(client)

    assert [asked.headers.get("if-none-match") for asked in api.asked] == [None, None]


async def test_an_answer_of_304_that_was_not_asked_for_is_no_crash(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual = Says(status=304)
    async with client_at(api.url, ledger) as client:
        (told,) = await asyncio.gather(send(client), return_exceptions=True)

    assert isinstance(told, Answer | HoldfastError)


async def test_nothing_that_is_kept_has_a_secret_in_it(api: ScriptedApi, ledger: Ledger, tmp_path: Path) -> None:
    api.next(
        Says({"kept": "yes"}, headers={"ETag": '"a1"', "Set-Cookie": f"session={SECRET}", "Link": '</2>; rel="next"'}),
        Says({"message": "oops"}, 500),
    )
    async with client_at(api.url, ledger, token=SECRET) as client:
        await send(client)
        await fail(client)

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("ledger.db*"))
    assert b'"kept": "yes"' in written
    assert b"answered 500: oops" in written
    assert SECRET.encode() not in written


# Secrets.


@pytest.mark.parametrize(
    "answer",
    [
        Says({"message": "bad"}, 400),
        Says({"message": "who?"}, 401),
        Says({"message": "no"}, 403),
        Says({"message": "oops"}, 500, AT_ONCE),
        Says(status=429, headers={"Retry-After": "3600"}),
        Says({"n": "x" * 1000}, cut=True),
        Says({"n": 1}, delay_seconds=60),
        Says(b"<html>no", headers={"content-type": "text/html"}),
        Says(b"\x1f\x8bno gzip", headers={"content-encoding": "gzip"}),
        Says(status=302, headers={"Location": "http://elsewhere.example/"}),
        Streams(5),
        # An API may quote what it was sent.
        Says({"message": f"bad header: Bearer {SECRET}"}, 400),
        Says({"message": f"{SECRET} is no token"}, 401),
        Says({"message": f"Traceback: token={SECRET}"}, 500, AT_ONCE),
        Says(f"<p>Authorization: Bearer {SECRET}".encode(), headers={"content-type": "text/html"}),
    ],
)
async def test_the_token_is_nowhere_in_an_error_or_a_log(
    api: ScriptedApi, ledger: Ledger, caplog: pytest.LogCaptureFixture, answer: Says
) -> None:
    api.usual = answer
    async with client_at(api.url, ledger, token=SECRET, most_megabytes=1) as client:
        with caplog.at_level(logging.DEBUG), pytest.raises(HoldfastError) as raised:
            await send(client, seconds=2)

    assert api.asked[0].headers["authorization"] == f"Bearer {SECRET}"
    assert SECRET not in everything_about(raised.value)
    assert SECRET not in caplog.text
    assert "\n" not in str(raised.value)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


async def test_a_password_is_in_no_error_in_any_form(api: ScriptedApi, ledger: Ledger) -> None:
    api.usual = Says({"message": "who?"}, 401)
    async with client_at(api.url, ledger, username="ada@acme.example", token=SECRET) as client:
        with pytest.raises(CredentialsRefused) as raised:
            await send(client)

    written = b64encode(f"ada@acme.example:{SECRET}".encode()).decode()
    assert api.asked[0].headers["authorization"] == f"Basic {written}"
    assert written not in everything_about(raised.value)
    assert SECRET not in everything_about(raised.value)


# The breaker.

DOWN = Says({"message": "oops"}, 500)
FRAGILE: dict[str, Any] = {"breaker_failures": 2, "breaker_seconds": 60}


async def fail(client: ServiceClient, times: int = 1) -> None:
    """Makes a write that fails, which is one request each."""
    for _ in range(times):
        with pytest.raises(ServiceUnavailable, match="answered 500"):
            await send(client, NEW)


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


# How many at once, and which limit.


async def test_no_more_requests_are_under_way_than_the_block_allows(api: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(api.url, ledger, concurrency=3) as client:
        await send(client)
        api.usual = Says({"n": 1}, delay_seconds=0.1)
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
