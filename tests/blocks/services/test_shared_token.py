"""Refresh tokens that are good for one exchange: what was got for one is kept for every process."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from threading import Event
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.errors import CredentialsRefused, ServiceUnavailable
from blocks.ledger import Ledger
from blocks.saved import load_saved
from blocks.services.call import Call
from blocks.services.client import ServiceClient
from blocks.services.opening import open_service
from blocks.services.service import Service
from blocks.services.shared_token import ServiceToken, grant_of
from tests.blocks.services.asking import SECRET, client_at, send
from tests.blocks.telling import everything_about
from tests.servers.forwarder import forwarder
from tests.servers.prefect_server import free_port
from tests.servers.scripted_api import Says, ScriptedApi, TokenDesk, scripted_api

REFRESH, ANEW = "scripted-refresh-81ac", "scripted-refresh-d0e2"


@pytest.fixture
def desk() -> Iterator[ScriptedApi]:
    with scripted_api(TokenDesk(refresh_token=REFRESH, client=("holdfast", SECRET), rotates=True)) as started:
        yield started


def fields(desk: ScriptedApi) -> dict[str, Any]:
    return {
        "token_url": f"{desk.url}/token",
        "client_id": "holdfast",
        "client_secret": SECRET,
        "refresh_token": REFRESH,
    }


async def saved(desk: ScriptedApi) -> str:
    name = f"rotating-{uuid4().hex[:8]}"
    await Service(base_url=desk.url, **fields(desk)).asave(name)
    return name


async def kept_under(name: str) -> ServiceToken:
    service = await load_saved(Service, name)
    assert service is not None
    kept = await load_saved(ServiceToken, grant_of(service))
    assert kept is not None
    return kept


async def once(client: ServiceClient) -> None:
    """One answer, of a client that is used for nothing else."""
    try:
        await send(client)
    finally:
        await client.aclose()


def exchanged(desk: ScriptedApi) -> list[str]:
    return [asked.form["refresh_token"] for asked in desk.asked if asked.path == "/token"]


async def test_the_next_process_uses_the_token_that_this_one_got(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger
) -> None:
    name = await saved(desk)
    for _ in range(3):
        await once(await open_service(name, ledger.services))

    assert exchanged(desk) == [REFRESH]
    assert [asked.headers["authorization"] for asked in desk.asked[1:]] == ["Bearer given-1"] * 3


async def test_the_next_process_exchanges_the_new_refresh_token(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger
) -> None:
    name = await saved(desk)
    for _ in range(3):
        await once(await open_service(name, ledger.services))
        desk.tokens.expire()

    assert exchanged(desk) == [REFRESH, f"{REFRESH} 1", f"{REFRESH} 2"]
    assert (await kept_under(name)).refresh_token.get_secret_value() == f"{REFRESH} 3"


async def test_processes_that_need_a_token_at_once_make_one_exchange(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger, sqlite_ledger_url: str
) -> None:
    name = await saved(desk)
    async with AsyncExitStack() as stack:
        books = [await stack.enter_async_context(Ledger.open(sqlite_ledger_url)) for _ in range(4)]
        clients = [await open_service(name, book.services) for book in books]
        await asyncio.gather(*(once(client) for client in clients))

    assert exchanged(desk) == [REFRESH]


async def test_another_refresh_token_in_the_block_takes_the_place_of_what_was_kept(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger
) -> None:
    name = await saved(desk)
    await once(await open_service(name, ledger.services))
    desk.tokens.refresh_token = ANEW
    await Service(base_url=desk.url, **{**fields(desk), "refresh_token": ANEW}).asave(name, overwrite=True)
    await once(await open_service(name, ledger.services))

    assert exchanged(desk) == [REFRESH, ANEW]


async def test_another_block_with_the_same_refresh_token_uses_what_was_got_for_it(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger
) -> None:
    for name in (await saved(desk), await saved(desk)):
        await once(await open_service(name, ledger.services))

    assert exchanged(desk) == [REFRESH]


async def test_a_client_that_gets_another_secret_keeps_its_refresh_token(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger
) -> None:
    name = await saved(desk)
    await once(await open_service(name, ledger.services))
    desk.tokens.client = ("holdfast", ANEW)
    desk.tokens.expire()
    await Service(base_url=desk.url, **{**fields(desk), "client_secret": ANEW}).asave(name, overwrite=True)
    await once(await open_service(name, ledger.services))

    assert exchanged(desk) == [REFRESH, f"{REFRESH} 1"]


async def test_an_exchange_may_take_longer_than_other_requests(desk: ScriptedApi, ledger: Ledger) -> None:
    slow = Says({"access_token": "given-0", "expires_in": 3600}, delay_seconds=5.5)
    desk.on("POST", "/token", slow)
    desk.on("GET", "/items", Says({"n": 1}))
    async with client_at(desk.url, ledger, **fields(desk)) as client:
        answer = await send(client)

    assert answer.body == {"n": 1}
    assert exchanged(desk) == [REFRESH]


async def test_a_request_that_is_always_refused_renews_once_while_others_go_well(
    desk: ScriptedApi, ledger: Ledger
) -> None:
    desk.on("GET", "/secret", *[Says({"message": "not for you"}, 401)] * 9)
    async with client_at(desk.url, ledger, **fields(desk)) as client:
        await send(client)
        going = [asyncio.create_task(send(client)) for _ in range(20)]
        with pytest.raises(CredentialsRefused, match="not for you"):
            await send(client, Call("GET", "/secret"))
        await asyncio.gather(*going)

    assert len(exchanged(desk)) == 2


async def test_a_block_that_is_not_saved_keeps_it_as_long_as_it_is_used(desk: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(desk.url, ledger, **fields(desk)) as client:
        await send(client)
        desk.tokens.expire()
        await send(client)

    assert exchanged(desk) == [REFRESH, f"{REFRESH} 1"]


@pytest.mark.parametrize("rotated", ["", " ", "with a break\n", 5, None])
async def test_a_refresh_token_that_is_none_does_not_take_the_place_of_the_good_one(
    desk: ScriptedApi, ledger: Ledger, rotated: object
) -> None:
    desk.tokens.rotates = False
    said = {"access_token": "no-good", "expires_in": 3600, "refresh_token": rotated}
    desk.on("GET", "/items", Says({"n": 1}), Says({"message": "expired"}, 401))
    desk.on("POST", "/token", Says(said))
    async with client_at(desk.url, ledger, **fields(desk)) as client:
        await send(client)
        await send(client)

    assert exchanged(desk) == [REFRESH, REFRESH]


@pytest.mark.parametrize(
    "until", ["2026-11-24T12:00:00+00:00", "2099-01-01T00:00:00+00:00"], ids=["died", "has another clock"]
)
async def test_who_has_the_lease_and_died_or_has_another_clock_keeps_nobody_waiting(
    desk: ScriptedApi, ledger: Ledger, until: str
) -> None:
    async with client_at(desk.url, ledger, **fields(desk)) as client:
        state = {"by": "the dead", "until": until}
        await ledger.services.change(grant_of(client.service), "renewal", lambda _: (state, None))
        await send(client)

    assert [part for _, part, state in await ledger.services.states() if state] == ["limit"]


async def test_who_is_stopped_while_another_has_the_lease_leaves_it_to_others(
    desk: ScriptedApi, ledger: Ledger
) -> None:
    held = Event()
    desk.on("POST", "/token", Says({"access_token": "given-0", "expires_in": 3600}, held_by=held))
    desk.on("GET", "/items", Says({"n": 1}))
    async with (
        client_at(desk.url, ledger, **fields(desk)) as first,
        client_at(desk.url, ledger, **fields(desk)) as late,
    ):
        going = asyncio.create_task(send(first))
        while not desk.asked:
            await asyncio.sleep(0.01)
        with pytest.raises(ServiceUnavailable, match="who gives tokens for service 'crm' did not answer in time"):
            await send(late, seconds=0.3)
        held.set()
        await going

    assert [state for _, part, state in await ledger.services.states() if part == "renewal"] == [{}]


async def test_a_token_is_kept_also_where_the_time_of_who_asked_for_it_is_up(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger
) -> None:
    name, held = await saved(desk), Event()
    said = {"access_token": "late", "expires_in": 3600, "refresh_token": "the next one"}
    desk.on("POST", "/token", Says(said, held_by=held))
    client = await open_service(name, ledger.services)
    with pytest.raises(ServiceUnavailable, match="did not answer in time"):
        await send(client, seconds=1.0)
    held.set()
    await client.aclose()

    kept = await kept_under(name)
    assert (kept.access_token.get_secret_value(), kept.refresh_token.get_secret_value()) == ("late", "the next one")


async def test_a_token_that_prefect_does_not_save_is_used_and_saved_later(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    name, held = await saved(desk), Event()
    said = {"access_token": "unsaved", "expires_in": 3600, "refresh_token": f"{REFRESH} 1"}
    desk.on("POST", "/token", Says(said, held_by=held))
    desk.on("GET", "/items", Says({"n": 1}))
    client = await open_service(name, ledger.services)
    async with forwarder(urlsplit(prefect_api).port or 0) as way:
        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{way.port}/api"}):
            going = asyncio.create_task(send(client))
        while not desk.asked:
            await asyncio.sleep(0.01)
        way.cut()
        held.set()
        await going
    await client.aclose()

    assert f"service '{name}' has a new refresh token, which Prefect did not save" in caplog.text
    assert REFRESH not in caplog.text
    assert (await kept_under(name)).refresh_token.get_secret_value() == f"{REFRESH} 1"


async def test_a_prefect_that_is_away_is_a_failure_that_may_pass(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger
) -> None:
    client = await open_service(await saved(desk), ledger.services)
    away = f"http://127.0.0.1:{free_port()}/api"
    with (
        temporary_settings({PREFECT_API_URL: away}),
        pytest.raises(ServiceUnavailable, match="Prefect did not give the token of service 'rotating-") as raised,
    ):
        await send(client, seconds=15)
    await client.aclose()

    assert raised.value.retryable
    assert exchanged(desk) == []


async def test_no_refresh_token_is_in_an_error(desk: ScriptedApi, ledger: Ledger) -> None:
    desk.tokens.refresh_token = ANEW
    async with client_at(desk.url, ledger, **fields(desk)) as client:
        with pytest.raises(CredentialsRefused) as raised:
            await send(client)

    assert REFRESH not in everything_about(raised.value)
    assert SECRET not in everything_about(raised.value)
