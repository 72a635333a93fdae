"""Asking a provider over HTTP with the official client: what is tried again, and who is told to act."""

import asyncio
import json
from contextlib import aclosing
from decimal import Decimal
from time import monotonic

import pytest

from blocks.errors import (
    AuthorError,
    ContextTooLong,
    CredentialsRefused,
    CreditSpent,
    HoldfastError,
    ModelUnavailable,
    OperatorError,
)
from blocks.models.calls import Tier
from blocks.models.client import client_for
from tests.blocks.models.asking import SCHEMA, SECONDS, ask, provider_at, request
from tests.servers.model_server import Behaviour, Dribbles, Fails, ModelServer, Odd, Refuses, Says, Slow
from tests.servers.prefect_server import free_port


async def test_an_answer_has_the_shape_that_was_asked_for_and_says_what_it_took(server: ModelServer) -> None:
    answer = await ask(server)

    assert json.loads(answer.text) == {"label": "low", "reason": "The reason as the loopback model sees it."}
    assert (answer.model, answer.ended) == ("gpt-4.1-nano-2025-04-14", "whole")
    (bill,) = server.till.bills
    assert answer.tokens == (bill.sent, bill.cached, bill.answered)
    assert answer.cost_usd == bill.usd > 0
    assert answer.first_token_seconds is not None
    assert 0 < answer.first_token_seconds <= answer.latency_seconds < 5


@pytest.mark.parametrize(
    ("tier", "model"), [("fast", "gpt-4.1-nano"), ("standard", "gpt-4.1-mini"), ("frontier", "gpt-4.1")]
)
async def test_the_tier_s_model_is_asked_for_strict_json(server: ModelServer, tier: Tier, model: str) -> None:
    await ask(server, tier)

    (asked,) = server.requests
    assert asked.body["model"] == model
    assert [message["role"] for message in asked.body["messages"]] == ["system", "user"]
    assert asked.body["response_format"]["json_schema"] == {"name": "classify", "strict": True, "schema": SCHEMA}


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize(
    ("behaviour", "said", "billed"),
    [
        (Fails(408), "failed (HTTP 408): The server had an error", False),
        (Fails(429), "is over its limit (HTTP 429): The server had an error", False),
        (Fails(500), "failed (HTTP 500): The server had an error", False),
        (Fails(529, "Overloaded"), "failed (HTTP 529): Overloaded", False),
        (Odd.HANGS_UP, "cannot be reached at http://127.0.0.1:", True),
        (Slow(60), "", True),
    ],
)
async def test_what_may_pass_is_asked_once_here_and_says_whether_it_may_be_billed(
    server: ModelServer, behaviour: Behaviour, said: str, billed: bool, streaming: bool
) -> None:
    server.always(behaviour)
    with pytest.raises(ModelUnavailable) as raised:
        await ask(server, request_timeout_seconds=0.2, streaming=streaming)

    assert str(raised.value).startswith(f"model provider 'operations' of team 'operations' {said}".rstrip())
    assert raised.value.retryable
    assert raised.value.may_be_billed is billed
    assert len(server.requests) == 1


async def test_an_error_in_the_middle_of_a_stream_is_the_provider_s(server: ModelServer) -> None:
    server.next(Odd.BREAKS_OFF)
    with pytest.raises(ModelUnavailable, match="ended its answer with an error: The model is overloaded") as raised:
        await ask(server)

    assert raised.value.may_be_billed


async def test_a_provider_that_hangs_is_told_from_one_that_is_slow(server: ModelServer) -> None:
    server.next(Slow(60), Dribbles(60), Dribbles(0.5))
    began = monotonic()
    with pytest.raises(ModelUnavailable, match=r"hangs: nothing came of gpt-4\.1-nano within 0\.2 s") as hung:
        await ask(server, first_token_timeout_seconds=0.2)
    hung_for = monotonic() - began
    with pytest.raises(
        ModelUnavailable, match=r"is slow: gpt-4\.1-nano was still answering after 0.\d+ s .* first token came after"
    ) as slow:
        await ask(server, first_token_timeout_seconds=0.2, request_timeout_seconds=0.6)
    answer = await ask(server, first_token_timeout_seconds=0.2)

    assert hung_for < 1
    assert hung.value.timed_out
    assert slow.value.timed_out
    assert answer.latency_seconds > 0.4, "an answer that has begun may take longer than its first token may"
    assert all(asked.abandoned for asked in server.requests[:2])


async def test_a_server_that_cannot_stream_is_asked_for_the_whole_answer(server: ModelServer) -> None:
    answer = await ask(server, streaming=False)

    assert json.loads(answer.text)["label"] == "low"
    assert answer.first_token_seconds is None
    assert answer.tokens.sent > 0
    assert "stream" not in server.requests[0].body
    server.next(Slow(60))
    with pytest.raises(ModelUnavailable, match=r"did not answer: gpt-4\.1-nano had 0\.2 s at http"):
        await ask(server, streaming=False, request_timeout_seconds=0.2)


@pytest.mark.parametrize(("written", "seconds"), [(2.0, 2.0), (None, None)])
async def test_the_wait_that_a_provider_asks_for_is_told(
    server: ModelServer, written: float | None, seconds: float | None
) -> None:
    server.next(Fails(429, retry_after_seconds=written))
    with pytest.raises(ModelUnavailable) as raised:
        await ask(server)

    assert raised.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("behaviour", "kind", "said"),
    [
        (Fails(400, "no such field"), AuthorError, "refused what gpt-4.1-nano was asked (HTTP 400): no such"),
        (Fails(413, "too large"), AuthorError, "refused what gpt-4.1-nano was asked (HTTP 413): too large"),
        (Fails(400, "too long", code="context_length_exceeded"), ContextTooLong, ""),
        (Fails(400, "This model's maximum context length is 10 tokens."), ContextTooLong, ""),
        (Fails(402, "pay first"), CreditSpent, "has no credit left: pay first"),
        (Fails(403, "not your country"), CredentialsRefused, "refused the key (HTTP 403)"),
        (Fails(418, "a teapot"), OperatorError, "answered HTTP 418: a teapot"),
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
    assert f"model provider 'operations' of team 'operations' {said}".strip() in str(raised.value)
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
    server.always(Fails(429, "You exceeded your quota.", code="insufficient_quota"))
    with pytest.raises(CreditSpent, match="has no credit left: You exceeded your quota") as raised:
        await ask(server)

    assert not raised.value.retryable


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
    assert answer.tokens.sent > 0
    assert answer.cost_usd is not None
    assert len(server.requests) == 1


async def test_a_provider_that_is_down_is_named_by_its_address_without_its_password() -> None:
    url = f"http://user:passw0rd@127.0.0.1:{free_port()}/v1?token=t0ken"
    async with aclosing(client_for(provider_at(url, "sk-any"), "operations", block="operations")) as client:
        with pytest.raises(ModelUnavailable, match=r"cannot be reached at http://127\.0\.0\.1:\d+/v1 \(") as raised:
            await client.answer(request(), SECONDS)

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
            await client.answer(request(), SECONDS)
        await asyncio.gather(client.answer(request(), SECONDS), client.answer(request(), SECONDS))

    first, second, third, fourth = server.requests
    assert first.port == second.port
    assert third.port != fourth.port
    assert fourth.at - third.at < 0.2


async def test_azure_s_dated_api_is_asked_at_its_own_path_with_its_own_header(server: ModelServer) -> None:
    azure = server.url.removesuffix("/v1")
    provider = provider_at(azure, server.key, preset="azure", api_version="2024-10-21")
    async with aclosing(client_for(provider, "operations", block="operations")) as client:
        answer = await client.answer(request(), SECONDS)

    assert answer.model == "gpt-4.1-nano-2025-04-14"
    assert server.requests[0].path == "/openai/deployments/gpt-4.1-nano/chat/completions"


async def test_the_organisation_that_is_billed_is_told_to_the_provider(server: ModelServer) -> None:
    await ask(server, organisation="org-4711")

    assert server.requests[0].headers["openai-organization"] == "org-4711"


async def test_a_server_of_one_s_own_needs_no_key_and_has_no_price_but_the_block_s(server: ModelServer) -> None:
    server.keys.add("no-key")
    listed = await ask(server, key="", preset="compatible")
    unknown = await ask(server, key="", preset="vllm")
    priced = await ask(server, key="", preset="ollama", prices={"gpt-4.1-nano": {"sent": 0, "answered": 10}})

    assert listed.cost_usd is not None
    assert unknown.cost_usd is None, "a hosted model's price is not what one's own costs"
    assert priced.cost_usd == priced.tokens.answered * Decimal(10) / 1_000_000


async def test_a_block_s_own_price_goes_before_the_list_s(server: ModelServer) -> None:
    answer = await ask(server, prices={"gpt-4.1-nano": {"sent": 1000, "answered": 0}})

    assert answer.cost_usd == Decimal(answer.tokens.sent) / 1000
