"""Asks a team's models through the official OpenAI client, by Chat Completions with structured output.

One request per question: who asks decides about another try (tasks/models). Checked 2026-11 on openai 3.57.
"""

import asyncio
from decimal import Decimal
from time import monotonic
from typing import Any

from openai import AsyncAzureOpenAI, AsyncOpenAI, OpenAIError
from pydantic import SecretStr

from blocks.errors import CredentialsRefused, HoldfastError
from blocks.models.calls import ModelAnswer, ModelClient, ModelRequest, Tier, Tokens
from blocks.models.completion import Completion
from blocks.models.explained import Asked, explained, not_a_model_server, too_late
from blocks.models.prices import list_price, listed_context
from blocks.models.provider import ModelProvider

_KEYLESS = "no-key"
"""What a server that wants no key is sent, because the client must send one."""


def client_for(provider: ModelProvider, team: str, *, block: str = "unsaved") -> ModelClient:
    """The client of this provider; `block` is its name in errors and in the ledger."""
    return OpenAIClient(provider, team, block)


class OpenAIClient:
    """A ModelClient over HTTP. It keeps connections from call to call, so it belongs to one event loop."""

    def __init__(self, provider: ModelProvider, team: str, block: str) -> None:
        self._provider, self._team, self._block = provider, team, block
        self._api: AsyncOpenAI | None = None

    @property
    def provider(self) -> str:
        return self._block

    @property
    def key_fingerprint(self) -> str:
        return self._provider.key_fingerprint

    @property
    def max_concurrency(self) -> int | None:
        return self._provider.max_concurrency

    def model(self, tier: Tier) -> str:
        return self._provider.model(tier)

    def price(self, tier: Tier, tokens: Tokens) -> Decimal | None:
        return self._cost(tokens, self.model(tier))

    def context_tokens(self, tier: Tier) -> int | None:
        own, model = self._provider.context_tokens, self.model(tier)
        if model in own or self._provider.is_local:
            return own.get(model)
        return listed_context(model, self._provider.address)

    async def answer(
        self, request: ModelRequest, within_seconds: float, first_token_seconds: float | None = None
    ) -> ModelAnswer:
        """The model's answer; the errors are those of ModelClient."""
        asked, said = self._asked(request), Completion()
        seconds = min(within_seconds, self._provider.request_timeout_seconds)
        first = min(seconds, first_token_seconds or seconds, self._provider.first_token_timeout_seconds)
        try:
            await self._complete(request, asked, said, seconds, first)
        except TimeoutError:
            failure: HoldfastError = too_late(
                asked, monotonic() - said.began, said.first_token_seconds, streaming=self._provider.streaming
            )
        except (OpenAIError, ValueError) as error:
            failure = explained(error, asked)
        else:
            return self._answer(said, asked)
        # Raised here, so that it carries no trace of the request, whose headers have the key.
        raise failure

    async def aclose(self) -> None:
        if self._api is not None:
            api, self._api = self._api, None
            await api.close()

    def _asked(self, request: ModelRequest) -> Asked:
        # A pasted key often ends in a line break, which HTTP refuses in words that quote the header.
        key = SecretStr(self._provider.api_key.get_secret_value().strip() or _KEYLESS)
        asked = Asked(self._block, self._team, self.model(request.tier), self._provider.address, key)
        if not _can_be_sent(key):
            raise CredentialsRefused(
                f"{asked} has no key that can be sent",
                means="it has characters that HTTP does not allow",
                mend=f"mend api_key in the Model Provider block {self._block!r}",
            )
        return asked

    async def _complete(
        self, request: ModelRequest, asked: Asked, said: Completion, seconds: float, first: float
    ) -> None:
        now = asyncio.get_running_loop().time()
        if not self._provider.streaming:
            async with asyncio.timeout_at(now + seconds):
                said.take(await self._create(request, asked))
            return
        async with asyncio.timeout_at(now + first) as clock:
            stream = await self._create(request, asked, stream=True, stream_options={"include_usage": True})
            await said.read(stream, lambda: clock.reschedule(now + seconds))

    async def _create(self, request: ModelRequest, asked: Asked, **options: Any) -> Any:
        if self._api is None:
            self._api = _api_for(self._provider, asked)
        messages: list[Any] = [{"role": message.role, "content": message.content} for message in request.messages]
        return await self._api.chat.completions.create(
            model=asked.model,
            messages=messages,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": request.schema_name, "schema": dict(request.schema), "strict": True},
            },
            **options,
        )

    def _answer(self, said: Completion, asked: Asked) -> ModelAnswer:
        if not said.parts:
            raise not_a_model_server(asked)
        details = said.usage.prompt_tokens_details if said.usage else None
        cached = (details.cached_tokens or 0) if details else 0
        tokens = Tokens(said.usage.prompt_tokens, cached, said.usage.completion_tokens) if said.usage else None
        declined = said.refusal or said.finish_reason == "content_filter"
        return ModelAnswer(
            text=said.refusal or said.content,
            model=said.model or asked.model,
            tokens=tokens or Tokens(0, 0, 0),
            latency_seconds=monotonic() - said.began,
            cost_usd=self._cost(tokens, said.model, asked.model) if tokens else None,
            ended="declined" if declined else "cut" if said.finish_reason == "length" else "whole",
            first_token_seconds=said.first_token_seconds,
        )

    def _cost(self, tokens: Tokens, *models: str) -> Decimal | None:
        """By the first of the names that has a price: a provider's own name for a model may be news to the list."""
        if tokens.cached > tokens.sent:
            return None
        for model in filter(None, models):
            if (own := self._provider.prices.get(model)) is not None:
                return own.of(tokens)
        if self._provider.is_local:
            return None
        listed = (list_price(tokens, model, self._provider.address) for model in filter(None, models))
        return next((cost for cost in listed if cost is not None), None)


def _api_for(provider: ModelProvider, asked: Asked) -> AsyncOpenAI:
    options: dict[str, Any] = {
        "api_key": asked.key.get_secret_value(),
        "organization": provider.organisation or None,
        "max_retries": 0,
        # The whole request is timed by who calls; this is for a connection that nothing comes from.
        "timeout": provider.request_timeout_seconds,
    }
    if provider.preset == "azure" and provider.api_version:
        return AsyncAzureOpenAI(azure_endpoint=provider.address, api_version=provider.api_version, **options)
    return AsyncOpenAI(base_url=provider.address, **options)


def _can_be_sent(key: SecretStr) -> bool:
    # Apart from where the error is raised, so that no frame of its traceback has the plain key.
    plain = key.get_secret_value()
    return plain.isascii() and plain.isprintable()
