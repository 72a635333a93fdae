"""Refresh tokens that are good for one exchange: the next one is found in the saved block, by every process."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest

from blocks.ledger import Ledger
from blocks.saved import load_saved
from blocks.services.client import ServiceClient
from blocks.services.opening import open_service
from blocks.services.service import Service
from tests.blocks.services.asking import SECRET, client_at, send
from tests.servers.scripted_api import ScriptedApi, TokenDesk, scripted_api

REFRESH = "scripted-refresh-81ac"


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


async def block_of(name: str) -> Service:
    block = await load_saved(Service, name)
    assert block is not None
    return block


async def once(client: ServiceClient) -> None:
    """One answer, of a client that is used for nothing else."""
    try:
        await send(client)
    finally:
        await client.aclose()


async def test_the_next_process_finds_the_new_token_in_the_block(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger
) -> None:
    name = await saved(desk)
    for _ in range(3):
        await once(await open_service(name, ledger.services))

    exchanged = [asked.form["refresh_token"] for asked in desk.asked if asked.path == "/token"]
    block = await block_of(name)
    assert exchanged == [REFRESH, f"{REFRESH} 1", f"{REFRESH} 2"]
    assert block.refresh_token.get_secret_value() == f"{REFRESH} 3"
    assert block.client_secret.get_secret_value() == SECRET


async def test_processes_that_need_a_token_at_once_use_one_each(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger, sqlite_ledger_url: str
) -> None:
    name = await saved(desk)
    async with AsyncExitStack() as stack:
        books = [await stack.enter_async_context(Ledger.open(sqlite_ledger_url)) for _ in range(4)]
        clients = [await open_service(name, book.services) for book in books]
        await asyncio.gather(*(once(client) for client in clients))

    exchanged = [asked.form["refresh_token"] for asked in desk.asked if asked.path == "/token"]
    assert sorted(exchanged) == [REFRESH, *(f"{REFRESH} {number}" for number in (1, 2, 3))]


async def test_with_another_token_it_is_the_same_credential(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger
) -> None:
    name = await saved(desk)
    before = (await block_of(name)).credential
    await once(await open_service(name, ledger.services))

    assert (await block_of(name)).credential == before
    assert {credential for credential, _, _ in await ledger.services.states()} == {before}


async def test_a_block_that_is_not_saved_keeps_it_as_long_as_it_is_used(desk: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(desk.url, ledger, **fields(desk)) as client:
        await send(client)
        assert desk.desk is not None
        desk.desk.expire()
        await send(client)

    assert [asked.form["refresh_token"] for asked in desk.asked if asked.path == "/token"] == [REFRESH, f"{REFRESH} 1"]


async def test_who_dies_with_the_lease_keeps_others_waiting_for_no_longer_than_it_lasts(
    desk: ScriptedApi, ledger: Ledger
) -> None:
    async with client_at(desk.url, ledger, **fields(desk)) as client:
        state = {"by": "the dead", "until": "2026-11-24T12:00:00+00:00"}
        await ledger.services.change(client.service.credential, "renewal", lambda _: (state, None))
        await send(client)

    assert [part for _, part, state in await ledger.services.states() if state] == ["limit"]


async def test_a_token_that_cannot_be_saved_is_used_and_that_is_said(
    prefect_api: str, desk: ScriptedApi, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    name = await saved(desk)
    client = await open_service(name, ledger.services)
    await Service.adelete(name)
    with caplog.at_level(logging.ERROR):
        await once(client)

    assert f"service '{name}' has a new refresh token, which could not be saved in its block" in caplog.text
    assert REFRESH not in caplog.text
    assert desk.paths() == ["POST /token", "GET /items"]
