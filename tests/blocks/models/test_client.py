"""Asking a provider over HTTP with the official client: what is tried again, and who is told to act."""

import asyncio
import json
from contextlib import aclosing
from time import monotonic

import pytest

from blocks.errors import AuthorError, CredentialsRefused, HoldfastError, ModelUnavailable, OperatorError
from blocks.models.calls import Tier
from blocks.models.client import client_for
from tests.blocks.models.asking import SCHEMA, ask, provider_at, request
from tests.servers.model_server import Behaviour, Fails, ModelServer, Odd, Refuses, Says, Slow
from tests.servers.prefect_server import free_port

SOON = 0.01
"""A wait that servers may ask for, so that these tests need not sit out the client's own."""


async def test_an_answer_has_the_shape_that_was_asked_for_and_says_what_it_took(server: ModelServer) -> None:
    answer = await ask(server)

    assert json.loads(answer.text) == {"label": "low", "reason": "The reason as the loopback model sees it."}
    assert (answer.model, answer.ended) == ("gpt-4.1-nano-2025-04-14", "whole")
    assert answer.tokens_in > answer.tokens_cached > 0
    assert answer.tokens_out > 0
    assert answer.cost_usd is not None
    assert answer.cost_usd > 0
    assert 0 < answer.latency_seconds < 5


@pytest.mark.parametrize(
    ("tier", "model"), [("fast", "gpt-4.1-nano"), ("standard", "gpt-4.1-mini"), ("frontier", "gpt-4.1")]
)
async def test_the_tier_s_model_is_asked_for_strict_json(server: ModelServer, tier: Tier, model: str) -> None:
    await ask(server, tier)

    (asked,) = server.requests
    assert asked.body["model"] == model
    assert [message["role"] for message in asked.body["messages"]] == ["system", "user"]
    assert asked.body["response_format"]["json_schema"] == {"name": "classify", "strict": True, "schema": SCHEMA}


@pytest.mark.parametrize(
    "behaviour",
    [
        Fails(408, retry_after_seconds=SOON),
        Fails(429, retry_after_seconds=SOON),
        Fails(500, retry_after_seconds=SOON),
        Fails(503, retry_after_seconds=SOON),
        Odd.HANGS_UP,
        Slow(60),
    ],
)
async def test_what_may_pass_is_tried_again(server: ModelServer, behaviour: Behaviour) -> None:
    server.next(behaviour)
    answer = await ask(server, request_timeout_seconds=0.3)

    assert json.loads(answer.text)["label"] == "low"
    assert [asked.headers["x-stainless-retry-count"] for asked in server.requests] == ["0", "1"]


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (Fails(429, retry_after_seconds=SOON), "is over its limit (HTTP 429): The server had an error"),
        (Fails(500, retry_after_seconds=SOON), "failed (HTTP 500): The server had an error"),
        (Fails(529, "Overloaded", retry_after_seconds=SOON), "failed (HTTP 529): Overloaded"),
        (Odd.HANGS_UP, "cannot be reached at http://127.0.0.1:"),
        (Slow(60), "did not answer in time at http://127.0.0.1:"),
    ],
)
async def test_what_does_not_pass_is_asked_three_times(server: ModelServer, behaviour: Behaviour, said: str) -> None:
    server.always(behaviour)
    with pytest.raises(ModelUnavailable) as raised:
        await ask(server, request_timeout_seconds=0.2)

    assert str(raised.value).startswith(f"model provider 'operations' of team 'operations' {said}")
    assert raised.value.retryable
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("behaviour", "kind", "said"),
    [
        (Fails(400, "context length exceeded"), AuthorError, "refused what gpt-4.1-nano was asked (HTTP 400): context"),
        (Fails(413, "too large"), AuthorError, "refused what gpt-4.1-nano was asked (HTTP 413): too large"),
        (Fails(402, "pay first"), OperatorError, "has no credit left: pay first"),
        (Fails(403, "not your country"), CredentialsRefused, "refused the key (HTTP 403)"),
        (Fails(418, "a teapot"), OperatorError, "answered HTTP 418: a teapot"),
        (Fails(429, "in an hour", retry_after_seconds=3600), ModelUnavailable, "is over its limit (HTTP 429): in an"),
        (Odd.SHOWS_PAGE, OperatorError, "did not answer as a chat completion at http://127.0.0.1:"),
    ],
)
async def test_what_cannot_pass_is_asked_once(
    server: ModelServer, behaviour: Behaviour, kind: type[HoldfastError], said: str
) -> None:
    server.always(behaviour)
    with pytest.raises(HoldfastError) as raised:
        await ask(server)

    assert type(raised.value) is kind
    assert str(raised.value).startswith(f"model provider 'operations' of team 'operations' {said}")
    assert "\n" not in str(raised.value)
    assert len(server.requests) == 1


async def test_a_wrong_key_is_asked_once_and_names_the_block(server: ModelServer) -> None:
    with pytest.raises(
        CredentialsRefused, match=r"refused the key \(HTTP 401\).*mend api_key in .* block 'operations'"
    ):
        await ask(server, key="sk-wrong")

    assert len(server.requests) == 1


async def test_an_unknown_model_is_asked_once_and_named(server: ModelServer) -> None:
    with pytest.raises(OperatorError, match="does not have the model 'gpt-9': The model `gpt-9` does not exist"):
        await ask(server, fast="gpt-9")

    assert len(server.requests) == 1


async def test_an_account_without_credit_is_the_operator_s_not_a_limit_that_lifts(server: ModelServer) -> None:
    server.always(Fails(429, "You exceeded your quota.", code="insufficient_quota", retry_after_seconds=SOON))
    with pytest.raises(OperatorError, match="has no credit left: You exceeded your quota") as raised:
        await ask(server)

    assert not raised.value.retryable


async def test_the_wait_that_a_provider_asks_for_is_kept(server: ModelServer) -> None:
    server.next(Fails(429, retry_after_seconds=0.8))  # the client's own first wait is at most 0.5 s
    await ask(server)

    first, second = server.requests
    assert 0.8 <= second.at - first.at < 2


@pytest.mark.parametrize(
    ("behaviour", "ended", "text"),
    [
        (Refuses("I will not."), "declined", "I will not."),
        (Says("", finish_reason="content_filter"), "declined", ""),
        (Says("{not json"), "whole", "{not json"),
        (Odd.STOPS_AT_LENGTH, "cut", '{"label": "low", "reason": "The'),
    ],
)
async def test_an_answer_that_cannot_be_used_is_still_an_answer_that_was_paid_for(
    server: ModelServer, behaviour: Behaviour, ended: str, text: str
) -> None:
    server.next(behaviour)
    answer = await ask(server)

    assert answer.ended == ended
    assert answer.text.startswith(text)
    assert answer.tokens_in > 0
    assert answer.cost_usd is not None
    assert len(server.requests) == 1


async def test_a_provider_that_is_down_is_named_by_its_address_without_its_password() -> None:
    url = f"http://user:passw0rd@127.0.0.1:{free_port()}/v1?token=t0ken"
    async with aclosing(client_for(provider_at(url, "sk-any"), "operations", block="operations")) as client:
        with pytest.raises(ModelUnavailable, match=r"cannot be reached at http://127\.0\.0\.1:\d+/v1 \(") as raised:
            await client.answer(request())

    assert "passw0rd" not in str(raised.value)
    assert "t0ken" not in str(raised.value)


async def test_a_call_that_is_cancelled_ends_at_once_and_is_not_tried_again(server: ModelServer) -> None:
    server.always(Slow(60))
    began = monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await ask(server)
    ended = monotonic()
    async with asyncio.timeout(2):
        while not server.requests[0].abandoned:
            await asyncio.sleep(0.01)

    assert ended - began < 1
    assert len(server.requests) == 1


async def test_calls_after_each_other_share_a_connection_and_those_at_once_do_not_wait(server: ModelServer) -> None:
    server.next(Slow(0), Slow(0), Slow(0.2), Slow(0.2))
    async with aclosing(client_for(provider_at(server.url, server.key), "operations")) as client:
        for _ in range(2):
            await client.answer(request())
        await asyncio.gather(client.answer(request()), client.answer(request()))

    first, second, third, fourth = server.requests
    assert first.port == second.port
    assert third.port != fourth.port
    assert fourth.at - third.at < 0.2
