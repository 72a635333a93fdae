"""A team's key is in no message, repr, traceback, pickle or log, whatever the provider says back."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from blocks.errors import CredentialsRefused, HoldfastError
from blocks.models.client import client_for
from tests.blocks.models.asking import SECONDS, ask, provider_at, request
from tests.blocks.telling import everything_about
from tests.servers.model_server import KEY, Behaviour, Fails, ModelServer, Odd, Slow, model_server


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as started:
        yield started


@pytest.mark.parametrize(
    "behaviour",
    [
        Fails(400, f"bad header: Bearer {KEY}"),
        Fails(402, f"no credit for {KEY}"),
        Fails(403, f"{KEY} may not"),
        Fails(404, f"no model for {KEY}"),
        Fails(429, f"{KEY} is over its limit", retry_after_seconds=0.01),
        Fails(500, f"Traceback: key={KEY}" * 50, retry_after_seconds=0.01),
        Odd.HANGS_UP,
        Odd.SHOWS_PAGE,
        Odd.BREAKS_OFF,
        Slow(60),
    ],
)
async def test_the_key_is_nowhere_in_an_error_or_a_log(
    server: ModelServer, behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    server.always(behaviour)
    with caplog.at_level(logging.DEBUG), pytest.raises(HoldfastError) as raised:
        await ask(server, request_timeout_seconds=0.2)

    assert server.requests
    assert KEY not in everything_about(raised.value)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert caplog.records, "the client logs at debug"
    assert KEY not in caplog.text


async def test_a_key_that_is_refused_is_nowhere_though_the_provider_quotes_it(
    server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "sk-another-teams-key"
    with caplog.at_level(logging.DEBUG), pytest.raises(CredentialsRefused) as raised:
        await ask(server, key=wrong)

    assert len(server.requests) == 1
    assert wrong not in everything_about(raised.value)
    assert wrong not in caplog.text


@pytest.mark.parametrize("key", ["sk-é-4711", "sk-two\nlines", "sk-tab\there", "sk-nul\0"])
async def test_a_key_that_http_cannot_carry_is_refused_before_anything_is_sent(server: ModelServer, key: str) -> None:
    with pytest.raises(CredentialsRefused, match="has no key that can be sent") as raised:
        await ask(server, key=key)

    assert server.requests == []
    assert repr(key) not in everything_about(raised.value)


async def test_a_key_that_was_pasted_with_a_line_break_works(server: ModelServer) -> None:
    answer = await ask(server, key=f"{server.key}\n")

    assert answer.ended == "whole"


async def test_the_key_is_in_no_log_of_a_call_that_works(server: ModelServer, caplog: pytest.LogCaptureFixture) -> None:
    async with aclosing(client_for(provider_at(server.url, server.key), "operations")) as client:
        with caplog.at_level(logging.DEBUG):
            await client.answer(request(), SECONDS)

        assert caplog.records
        assert KEY not in caplog.text
        assert KEY not in repr(vars(client))


async def test_calls_at_once_do_not_mix_their_keys(server: ModelServer) -> None:
    right, wrong = await asyncio.gather(ask(server), ask(server, key="sk-wrong"), return_exceptions=True)

    assert not isinstance(right, BaseException)
    assert isinstance(wrong, CredentialsRefused)
