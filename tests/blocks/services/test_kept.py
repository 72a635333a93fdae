"""Answers that are kept: what has not changed is not sent again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from blocks.errors import HoldfastError
from blocks.ledger import Ledger
from blocks.services.call import Answer, Call, Trace
from tests.blocks.services.asking import ITEMS, SECRET, client_at, fail, send
from tests.servers.scripted_api import Says, ScriptedApi


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
