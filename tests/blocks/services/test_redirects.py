"""Where a redirect or the next page of a list leads: nowhere else with our credentials."""

from collections.abc import Iterator
from typing import Any

import pytest

from blocks.errors import RequestRefused, ServiceUnavailable
from blocks.ledger import Ledger
from blocks.services.call import Call, Trace
from tests.blocks.services.asking import ITEMS, NEW, SECRET, client_at, send
from tests.blocks.telling import everything_about
from tests.servers.scripted_api import Says, ScriptedApi, scripted_api


@pytest.fixture
def elsewhere() -> Iterator[ScriptedApi]:
    """The API of somebody else."""
    with scripted_api() as started:
        yield started


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
