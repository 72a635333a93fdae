"""Asks a team's models through the official OpenAI client, by Chat Completions with structured output.

Checked 2026-11 on openai 3.57: it tries a call up to three times on 408, 409, 429, 5xx, timeouts and cut connections,
waits what Retry-After says up to two minutes, else half a second, doubled, less up to a quarter of jitter.
"""

from time import monotonic
from typing import Any

from openai import AsyncOpenAI, OpenAIError
from openai.types.chat import ChatCompletion
from pydantic import SecretStr

from blocks.errors import CredentialsRefused
from blocks.models.calls import ModelAnswer, ModelClient, ModelRequest, Tier
from blocks.models.explained import Asked, explained, not_a_model_server
from blocks.models.prices import OPENAI_URL, cost_of
from blocks.models.provider import ModelProvider

CALL_RETRIES = 2


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

    def model(self, tier: Tier) -> str:
        return self._provider.model(tier)

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """The model's answer; the errors are those of ModelClient."""
        asked = self._asked(request)
        began = monotonic()
        try:
            completion = await self._complete(request, asked)
        except (OpenAIError, ValueError) as error:
            failure = explained(error, asked)
        else:
            return _answer(completion, self._provider.base_url, asked, monotonic() - began)
        # Raised here, so that it carries no trace of the request, whose headers have the key.
        raise failure

    async def aclose(self) -> None:
        if self._api is not None:
            api, self._api = self._api, None
            await api.close()

    def _asked(self, request: ModelRequest) -> Asked:
        # A pasted key often ends in a line break, which HTTP refuses in words that quote the header.
        key = SecretStr(self._provider.api_key.get_secret_value().strip())
        url = self._provider.base_url or OPENAI_URL
        asked = Asked(self._block, self._team, self.model(request.tier), url, key)
        if not _can_be_sent(key):
            raise CredentialsRefused(
                f"{asked} has no key that can be sent",
                means="it is empty, or has characters that HTTP does not allow",
                mend=f"mend api_key in the Model Provider block {self._block!r}",
            )
        return asked

    async def _complete(self, request: ModelRequest, asked: Asked) -> object:
        if self._api is None:
            self._api = AsyncOpenAI(
                api_key=asked.key.get_secret_value(),
                base_url=asked.base_url,
                max_retries=CALL_RETRIES,
                timeout=self._provider.request_timeout_seconds,
            )
        messages: list[Any] = [{"role": message.role, "content": message.content} for message in request.messages]
        return await self._api.chat.completions.create(
            model=asked.model,
            messages=messages,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": request.schema_name, "schema": dict(request.schema), "strict": True},
            },
        )


def _can_be_sent(key: SecretStr) -> bool:
    # Apart from where the error is raised, so that no frame of its traceback has the plain key.
    plain = key.get_secret_value()
    return bool(plain) and plain.isascii() and plain.isprintable()


def _answer(completion: object, base_url: str | None, asked: Asked, seconds: float) -> ModelAnswer:
    # The client returns what came as it came: a string for a web page, a completion without choices for `{}`.
    if not isinstance(completion, ChatCompletion) or not getattr(completion, "choices", None):
        raise not_a_model_server(asked)
    choice, usage = completion.choices[0], completion.usage
    details = usage.prompt_tokens_details if usage else None
    declined = choice.message.refusal or choice.finish_reason == "content_filter"
    return ModelAnswer(
        text=choice.message.refusal or choice.message.content or "",
        model=completion.model or asked.model,
        tokens_in=usage.prompt_tokens if usage else 0,
        tokens_cached=(details.cached_tokens or 0) if details else 0,
        tokens_out=usage.completion_tokens if usage else 0,
        latency_seconds=seconds,
        cost_usd=cost_of(usage, completion.model or asked.model, base_url) if usage else None,
        ended="declined" if declined else "cut" if choice.finish_reason == "length" else "whole",
    )
