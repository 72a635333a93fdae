"""Asks the loopback provider as a node's task does."""

from contextlib import aclosing

from blocks.models.calls import Message, ModelAnswer, ModelRequest, Tier
from blocks.models.client import client_for
from blocks.models.provider import ModelProvider
from tests.servers.model_server import ModelServer

SECONDS = 30.0

SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["low", "high"]}, "reason": {"type": "string"}},
    "required": ["label", "reason"],
    "additionalProperties": False,
}


def provider_at(url: str, key: str, **fields: object) -> ModelProvider:
    return ModelProvider.model_validate(
        {
            "api_key": key,
            "base_url": url,
            "fast": "gpt-4.1-nano",
            "standard": "gpt-4.1-mini",
            "frontier": "gpt-4.1",
            **fields,
        }
    )


def request(tier: Tier = "fast") -> ModelRequest:
    messages = (Message("system", "Classify."), Message("user", "Late deliveries rose by a third."))
    return ModelRequest(tier, messages, "classify", SCHEMA)


async def ask(server: ModelServer, tier: Tier = "fast", *, key: str | None = None, **fields: object) -> ModelAnswer:
    """The answer to one question, with the server's own key unless another is given."""
    provider = provider_at(server.url, server.key if key is None else key, **fields)
    async with aclosing(client_for(provider, "operations", block="operations")) as client:
        return await client.answer(request(tier), SECONDS)
