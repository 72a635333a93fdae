"""No secret is told in an error or a log."""

import logging
from base64 import b64encode

import pytest

from blocks.errors import CredentialsRefused, HoldfastError
from blocks.ledger import Ledger
from tests.blocks.services.asking import AT_ONCE, SECRET, client_at, send
from tests.blocks.telling import everything_about
from tests.servers.scripted_api import Says, ScriptedApi, Streams


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
