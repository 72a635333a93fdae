"""What is asked of a model and what comes back, in words that no provider owns."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol

OFFLINE = "offline"
"""The name, as provider and as model, under which the ledger has the answers of the offline model."""

Tier = Literal["fast", "standard", "frontier"]


@dataclass(frozen=True)
class Message:
    """One turn of the conversation with a model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ModelRequest:
    """One question: who said what so far, and the JSON Schema that the answer must have."""

    tier: Tier
    messages: tuple[Message, ...]
    schema_name: str
    schema: Mapping[str, Any]
    """In OpenAI's strict subset: every property required, no additional ones."""


@dataclass(frozen=True)
class ModelAnswer:
    """What a model said and what that took."""

    text: str
    model: str
    """The model that answered, as the provider names it; often more exact than what was asked for."""
    tokens_in: int
    """All tokens of the prompt, the cached ones among them."""
    tokens_cached: int
    tokens_out: int
    latency_seconds: float
    """With the client's own retries and their waits."""
    cost_usd: Decimal | None
    """None: the price is not known."""
    ended: Literal["whole", "cut", "declined"] = "whole"
    """cut: at the model's length limit. declined: the model or the provider's filter would not answer."""


class ModelClient(Protocol):
    """The way to one team's models."""

    @property
    def provider(self) -> str:
        """The name under which calls are recorded."""
        ...

    def model(self, tier: Tier) -> str:
        """The model of that tier."""
        ...

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """The model's answer, after as many tries of the call as the client makes.

        Raises:
            CredentialsRefused, OperatorError: the key, the model's name or the account must be mended.
            AuthorError: the provider refused what was asked, such as a prompt that is too long.
            ModelUnavailable: the provider is down, over its limit, or cut the connection.
        """
        ...

    async def aclose(self) -> None:
        """Closes its connections."""
        ...
