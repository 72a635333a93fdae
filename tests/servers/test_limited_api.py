"""The limited API holds its clients to its limit, and tells them of it as the host does whose dialect it speaks.

Most of these tests move the server's clock by hand, so that how fast the machine is makes no difference.
"""

import asyncio
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers.limited_api import Clock, Dialect, FixedWindow, LimitedApi, Stats, TokenBucket, limited_api
from tests.servers.limits import Limit
from tests.servers.processes import stop

NOON = datetime.fromisoformat("2026-11-28T12:00:00Z").timestamp()
LONG_GRACE_SECONDS = 60.0
"""Longer than a burst takes on any machine."""
SLOW = TokenBucket(4, 0.4)
"""At its end the next token comes in 2.5 s, and all of them in 10."""
SAYS_NO_TIME = (
    Dialect.BARE,
    Dialect.SLACK_BODY,
    Dialect.GOOGLE_RATE,
    Dialect.GOOGLE_USER,
    Dialect.GOOGLE_429,
    Dialect.HUBSPOT,
)
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Not used; without it httpx reads all of the machine's authorities for each client."""
buckets = pytest.mark.parametrize("began", [0.0, 0.1, 2417.123456789, 31_536_000.7])


@dataclass
class Frozen:
    """An API whose clock stands until it is moved: a quarter of a second past noon at first."""

    api: LimitedApi
    seconds: float = 0.0

    def epoch(self) -> float:
        """The time of day there."""
        return NOON + 0.25 + self.seconds


@contextmanager
def frozen(dialect: Dialect, limit: Limit = SLOW, *, used: int = 0, daily: int = 1_000_000) -> Iterator[Frozen]:
    clock = Clock(lambda: 2417.123456789 + here.seconds, lambda: here.epoch())
    with limited_api(dialect, limit, used=used, daily=daily, clock=clock) as api:
        here = Frozen(api)
        yield here


@pytest.fixture(scope="module", params=Dialect)
def _one_of_each(request: pytest.FixtureRequest) -> Iterator[Frozen]:
    with frozen(request.param) as here:
        yield here


@pytest.fixture
def each(_one_of_each: Frozen) -> Frozen:
    """For each dialect an API to which nobody has come yet."""
    _one_of_each.seconds, _one_of_each.api.grace_seconds = 0.0, 0.05
    _one_of_each.api.reset()
    return _one_of_each


def client_of(api: LimitedApi) -> httpx.Client:
    return httpx.Client(base_url=api.url, headers={"authorization": "Bearer a"}, timeout=30, verify=NO_TLS)


async def burst(api: LimitedApi, requests: int) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=api.url, timeout=30, limits=limits, verify=NO_TLS) as client:
        return await asyncio.gather(*(client.get("/things") for _ in range(requests)))


def is_refused(response: httpx.Response) -> bool:
    return response.status_code != 200 or response.json()["ok"] is False


def told(response: httpx.Response) -> dict[str, str]:
    """The headers that are of the dialect, as they were written."""
    usual = {"date", "server", "content-length", "content-type"}
    raw = [(name.decode(), value.decode()) for name, value in response.headers.raw]
    return {name: value for name, value in raw if name.lower() not in usual}


def use_up(client: httpx.Client) -> httpx.Response:
    """The first refusal."""
    for _ in range(SLOW.capacity):
        assert not is_refused(client.get("/things"))
    response = client.get("/things")
    assert is_refused(response)
    return response


def ask_until_it_counts(api: LimitedApi, client: httpx.Client) -> None:
    give_up_at = time.monotonic() + 20
    while not api.stats.while_limited and time.monotonic() < give_up_at:
        assert is_refused(client.get("/things"))


def named_wait(response: httpx.Response, now: float) -> float:
    """How long a client waits that reads the answer as its host's documentation tells it to."""
    headers = response.headers
    if (after := headers.get("retry-after")) is not None:
        return float(after) if after.isdigit() else parsedate_to_datetime(after).timestamp() - now
    if (reset := headers.get("x-ratelimit-reset")) is not None:
        return float(reset) - now
    if (limit := headers.get("ratelimit")) is not None:
        return float(limit.rpartition("t=")[2])
    return float(headers["ratelimit-reset"])


@buckets
def test_a_bucket_lets_in_its_capacity_and_then_as_fast_as_it_fills(began: float) -> None:
    bucket = TokenBucket(3, 2.0)

    assert [bucket.take(began) for _ in range(5)] == [True, True, True, False, False]
    assert bucket.seconds_to_next(began) == pytest.approx(0.5, abs=1e-6)
    assert bucket.seconds_to_full(began) == pytest.approx(1.5, abs=1e-6)
    assert not bucket.take(began + 0.4)
    assert bucket.take(began + 0.4 + bucket.seconds_to_next(began + 0.4))
    assert not bucket.take(began + 0.5)


@buckets
def test_a_bucket_never_holds_more_than_its_capacity(began: float) -> None:
    bucket = TokenBucket(3, 2.0)
    bucket.take(began)

    assert [bucket.remaining(began + later) for later in (0, 0.4, 0.5, 1000)] == [2, 2, 3, 3]
    assert bucket.seconds_to_full(began + 1000) == 0


@buckets
def test_a_bucket_owes_what_was_spent_beyond_it(began: float) -> None:
    bucket = TokenBucket(3, 2.0)
    bucket.spend(5, began)

    assert bucket.remaining(began) == 0
    assert not bucket.take(began + 1.4)
    assert bucket.take(began + 1.5)


@buckets
@pytest.mark.parametrize("limit", [TokenBucket(7, 0.3), TokenBucket(1, 49.0), FixedWindow(7, 0.7)], ids=repr)
def test_a_limit_lets_in_who_waits_as_long_as_it_says_and_not_more_than_is_possible(began: float, limit: Limit) -> None:
    now = began
    fresh = replace(limit)
    for let_in in range(1, 41):
        assert fresh.take(now)
        assert let_in <= fresh.possible(now - began)
        now += fresh.seconds_to_next(now)


@buckets
def test_a_window_begins_at_its_first_request_and_ends_by_the_clock(began: float) -> None:
    window = FixedWindow(2, 10.0)

    assert window.seconds_to_full(began) == 0
    assert [window.take(began), window.take(began + 4), window.take(began + 9.9)] == [True, True, False]
    assert window.seconds_to_full(began + 4) == pytest.approx(6)
    assert window.seconds_to_next(began + 4) == pytest.approx(6)
    assert [window.take(began + 10), window.remaining(began + 10)] == [True, 1]
    assert window.seconds_to_full(began + 10) == pytest.approx(10)
    assert window.seconds_to_next(began + 10) == 0


@pytest.mark.parametrize(
    ("limit", "used", "seconds", "possible"),
    [
        (TokenBucket(5, 2.0), 0, 0, 5),
        (TokenBucket(5, 2.0), 0, 3.6, 12),
        (TokenBucket(5, 2.0), 4, 3.6, 8),
        (TokenBucket(5, 2.0), 9, 1, 0),
        (FixedWindow(5, 2.0), 0, 1.9, 5),
        (FixedWindow(5, 2.0), 0, 4.0, 15),
        (FixedWindow(5, 2.0), 4, 2.0, 6),
        (FixedWindow(5, 2.0), 9, 2.0, 5),
    ],
)
def test_what_is_possible_is_the_capacity_and_what_comes_after_it(
    limit: Limit, used: int, seconds: float, possible: int
) -> None:
    assert limit.possible(seconds, used) == possible
    assert Stats(limit, used, daily=1000).possible(seconds) == possible
    assert Stats(limit, used, daily=used + 3).possible(seconds) == min(3, possible)


async def test_a_burst_of_three_too_many_gets_three_refusals(each: Frozen) -> None:
    each.api.grace_seconds = LONG_GRACE_SECONDS
    responses = await burst(each.api, SLOW.capacity + 3)

    assert sum(map(is_refused, responses)) == 3
    assert (each.api.stats.served, each.api.stats.refused) == (SLOW.capacity, 3)
    assert each.api.stats.while_limited == 0, "a request under way is not held against its client"


REFUSALS: dict[Dialect, tuple[int, dict[str, str], Any]] = {
    Dialect.RETRY_AFTER: (429, {"Retry-After": "3"}, None),
    Dialect.RETRY_AFTER_DATE: (429, {"Retry-After": "Sat, 28 Nov 2026 12:00:03 GMT"}, None),
    Dialect.BARE: (429, {}, None),
    Dialect.GITHUB: (
        403,
        {
            "x-ratelimit-limit": "4",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-used": "4",
            "x-ratelimit-reset": f"{NOON + 11:.0f}",
            "x-ratelimit-resource": "core",
        },
        {"message": "API rate limit exceeded for user ID 1."},
    ),
    Dialect.GITHUB_SECONDARY: (
        403,
        {"retry-after": "3"},
        {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."},
    ),
    Dialect.JIRA: (
        429,
        {
            "Retry-After": "3",
            "X-RateLimit-Limit": "4",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": "2026-11-28T12:00:11Z",
            "RateLimit-Reason": "jira-quota-tenant-based",
        },
        None,
    ),
    Dialect.IETF: (429, {"RateLimit-Policy": '"default";q=4;w=10', "RateLimit": '"default";r=0;t=10'}, None),
    Dialect.RATELIMIT_OLD: (
        429,
        {"RateLimit-Limit": "4", "RateLimit-Remaining": "0", "RateLimit-Reset": "10"},
        None,
    ),
    Dialect.SLACK: (429, {"Retry-After": "3"}, {"ok": False, "error": "ratelimited"}),
    Dialect.SLACK_BODY: (200, {}, {"ok": False, "error": "ratelimited"}),
    Dialect.GOOGLE_RATE: (
        403,
        {},
        {
            "error": {
                "code": 403,
                "message": "Rate Limit Exceeded",
                "errors": [{"domain": "usageLimits", "reason": "rateLimitExceeded", "message": "Rate Limit Exceeded"}],
            }
        },
    ),
    Dialect.GOOGLE_USER: (
        403,
        {},
        {
            "error": {
                "code": 403,
                "message": "User Rate Limit Exceeded",
                "errors": [
                    {"domain": "usageLimits", "reason": "userRateLimitExceeded", "message": "User Rate Limit Exceeded"}
                ],
            }
        },
    ),
    Dialect.GOOGLE_429: (
        429,
        {},
        {
            "error": {
                "code": 429,
                "status": "RESOURCE_EXHAUSTED",
                "message": (
                    "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user'."
                ),
            }
        },
    ),
    Dialect.HUBSPOT: (
        429,
        {},
        {
            "status": "error",
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "policyName": "TEN_SECONDLY_ROLLING",
        },
    ),
}


def test_a_refusal_looks_as_the_host_s(each: Frozen) -> None:
    with client_of(each.api) as client:
        response = use_up(client)

    body = response.json() if response.content else None
    assert (response.status_code, told(response), body) == REFUSALS[each.api.dialect]


SERVED: dict[Dialect, dict[str, str]] = {
    Dialect.GITHUB: {
        "x-ratelimit-limit": "4",
        "x-ratelimit-remaining": "3",
        "x-ratelimit-used": "1",
        "x-ratelimit-reset": f"{NOON + 3:.0f}",
        "x-ratelimit-resource": "core",
    },
    Dialect.JIRA: {
        "X-RateLimit-Limit": "4",
        "X-RateLimit-Remaining": "3",
        "X-RateLimit-Reset": "2026-11-28T12:00:03Z",
    },
    Dialect.IETF: {"RateLimit-Policy": '"default";q=4;w=10', "RateLimit": '"default";r=3;t=3'},
    Dialect.RATELIMIT_OLD: {"RateLimit-Limit": "4", "RateLimit-Remaining": "3", "RateLimit-Reset": "3"},
    Dialect.HUBSPOT: {
        "X-HubSpot-RateLimit-Max": "4",
        "X-HubSpot-RateLimit-Remaining": "3",
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        "X-HubSpot-RateLimit-Daily": "1000000",
        "X-HubSpot-RateLimit-Daily-Remaining": "999999",
    },
}


def test_a_served_answer_tells_what_the_host_s_tells(each: Frozen) -> None:
    with client_of(each.api) as client:
        response = client.get("/things")

    assert told(response) == SERVED.get(each.api.dialect, {})
    assert response.json() == {"ok": True, "path": "/things", "n": 1}


def test_who_asks_again_at_once_is_counted(each: Frozen) -> None:
    with client_of(each.api) as client:
        use_up(client)
        ask_until_it_counts(each.api, client)

    assert each.api.stats.while_limited > 0


def test_who_waits_as_long_as_it_was_told_is_served_and_not_counted(each: Frozen) -> None:
    each.api.grace_seconds = 0.0
    with client_of(each.api) as client:
        response = use_up(client)
        time.sleep(0.02)  # so that the refusal is in force, as a rule
        each.seconds += 2.5 if each.api.dialect in SAYS_NO_TIME else named_wait(response, each.epoch())
        again = client.get("/things")

    assert not is_refused(again)
    assert each.api.stats.while_limited == 0


def test_who_comes_before_the_time_that_was_named_is_counted_though_it_is_served() -> None:
    with frozen(Dialect.RETRY_AFTER) as here, client_of(here.api) as client:
        use_up(client)
        ask_until_it_counts(here.api, client)
        before = here.api.stats.while_limited
        here.seconds += 2.7
        early = client.get("/things")

        assert not is_refused(early)
        assert here.api.stats.while_limited == before + 1


@pytest.mark.parametrize("dialect", [Dialect.SLACK, Dialect.SLACK_BODY])
def test_slack_limits_each_path_by_itself(dialect: Dialect) -> None:
    with frozen(dialect) as here, client_of(here.api) as client:
        use_up(client)

        assert not is_refused(client.get("/others"))
        assert here.api.stats.scopes == 2


def test_others_limit_all_paths_together_and_each_authorization_by_itself() -> None:
    with frozen(Dialect.RETRY_AFTER) as here, client_of(here.api) as client:
        use_up(client)

        assert is_refused(client.get("/others"))
        assert not is_refused(client.get("/others", headers={"authorization": "Bearer b"}))
        del client.headers["authorization"]
        assert not is_refused(client.get("/others"))
        assert here.api.stats.scopes == 3


def test_what_somebody_else_has_used_is_gone_before_the_first_request() -> None:
    with frozen(Dialect.GITHUB, used=3) as here, client_of(here.api) as client:
        first, second = client.get("/things"), client.get("/things")

        assert (first.headers["x-ratelimit-used"], second.status_code) == ("4", 403)
        assert here.api.stats.possible(0) == 1


def test_a_fixed_window_is_full_again_at_its_reset() -> None:
    with frozen(Dialect.GITHUB, FixedWindow(2, 60.0)) as here, client_of(here.api) as client:
        client.get("/things")
        here.seconds += 59
        second, third = client.get("/things"), client.get("/things")
        here.seconds += 1
        fourth = client.get("/things")

    assert [each.status_code for each in (second, third, fourth)] == [200, 403, 200]
    assert third.headers["x-ratelimit-reset"] == f"{NOON + 61:.0f}"
    assert fourth.headers["x-ratelimit-remaining"] == "1"


def test_hubspot_refuses_by_another_name_once_the_day_is_used_up() -> None:
    with frozen(Dialect.HUBSPOT, daily=2) as here, client_of(here.api) as client:
        client.get("/things")
        second = client.get("/things")
        here.seconds += 3600
        third = client.get("/things")

        assert second.headers["x-hubspot-ratelimit-daily-remaining"] == "0"
        assert third.status_code == 429
        assert third.json()["policyName"] == "DAILY"
        assert here.api.stats.possible(3600) == 2


def test_items_are_listed() -> None:
    with frozen(Dialect.BARE) as here, client_of(here.api) as client:
        items = client.get("/v1/items").json()["items"]

    assert items[0] == {"id": 1, "name": "item 1"}


def test_a_connection_is_kept_whatever_is_asked_and_answered() -> None:
    with frozen(Dialect.BARE) as here:
        connection = HTTPConnection(here.api.url.removeprefix("http://"), timeout=30)
        ports = set()
        for method, body in [("GET", None), ("POST", b"x" * 100_000), ("DELETE", None), ("PUT", b"{}"), ("GET", None)]:
            connection.request(method, "/things", body)
            ports.add(connection.sock.getsockname()[1])
            last = connection.getresponse()
            last.read()
        connection.close()

        assert len(ports) == 1
        assert (last.status, here.api.stats.served, here.api.stats.refused) == (429, 4, 1)


async def test_slow_answers_to_hundreds_of_connections_are_under_way_together() -> None:
    async def ask() -> str:
        # httpx's pool takes most of a second for each hundred connections.
        reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
        writer.write(b"GET /things HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer.decode()

    bucket = TokenBucket(300, 0.001)
    with limited_api(Dialect.BARE, bucket, answer_seconds=0.2, grace_seconds=LONG_GRACE_SECONDS) as api:
        began = time.monotonic()
        answers = await asyncio.gather(*(ask() for _ in range(302)))

        assert time.monotonic() - began >= 0.2
        assert sum(answer.startswith("HTTP/1.1 429") for answer in answers) == 2
        served = [json.loads(answer.rpartition("\r\n")[2])["n"] for answer in answers if " 200 OK" in answer]
        assert sorted(served) == list(range(1, 301))


def test_it_stops_at_once_though_an_answer_is_under_way() -> None:
    with limited_api(Dialect.BARE, SLOW, answer_seconds=60) as api:
        connection = HTTPConnection(api.url.removeprefix("http://"), timeout=30)
        connection.request("GET", "/things")
        give_up_at = time.monotonic() + 20
        while not api.stats.served and time.monotonic() < give_up_at:
            time.sleep(0.01)
        leaving_at = time.monotonic()
    connection.close()

    assert api.stats.served == 1
    assert time.monotonic() - leaving_at < 30


@pytest.mark.parametrize("dialect", [Dialect.RETRY_AFTER, Dialect.RETRY_AFTER_DATE, Dialect.GITHUB])
async def test_by_real_time_who_waits_is_served_and_not_counted(dialect: Dialect) -> None:
    with limited_api(dialect, TokenBucket(1, 10.0), used=1) as api:
        (refused,) = await burst(api, 1)
        await asyncio.sleep(named_wait(refused, time.time()))
        (served,) = await burst(api, 1)

        assert (is_refused(refused), is_refused(served)) == (True, False)
        assert (api.stats.served, api.stats.refused, api.stats.while_limited) == (1, 1, 0)
        assert api.stats.first_at is not None
        assert api.stats.last_at is not None
        assert api.stats.last_at - api.stats.first_at >= 0.1
        assert api.stats.possible(0.0) == 0
        assert api.stats.possible(1.0) == 10


def test_as_a_program_it_prints_its_url_gives_its_statistics_and_ends_by_sigterm() -> None:
    limit = ("--dialect", "google-429", "--capacity", "3", "--per-second", "0.001", "--used", "1")
    process = subprocess.Popen(
        (sys.executable, "-m", "tests.servers.limited_api", *limit),
        cwd=Path(__file__).parent.parent.parent,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        with httpx.Client(base_url=url, timeout=30, verify=NO_TLS) as client:
            statuses = [client.get("/things").status_code for _ in range(3)]
            stats, later = client.get("/_stats").json(), client.get("/_stats?seconds=1000").json()
    finally:
        stop(process)
        if process.stdout is not None:
            process.stdout.close()

    assert statuses == [200, 200, 429]
    assert (stats["served"], stats["refused"], stats["scopes"], stats["possible"]) == (2, 1, 1, 2)
    assert stats["first_at"] <= stats["last_at"] <= time.monotonic()
    assert later["possible"] == 3
    assert process.returncode == 143
