"""What is asked of a model and what comes back, in words that no provider owns."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol

OFFLINE = "offline"
"""The name, as provider and as model, under which the ledger has the answers of the offline model."""

Tier = Literal["fast", "standard", "frontier"]
TIERS: tuple[Tier, ...] = ("fast", "standard", "frontier")
"""From the cheapest to the dearest."""


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


class Tokens(NamedTuple):
    """How many tokens a call took."""

    sent: int
    """All tokens of the prompt, the cached ones among them."""
    cached: int
    answered: int


@dataclass(frozen=True)
class ModelAnswer:
    """What a model said and what that took."""

    text: str
    model: str
    """The model that answered, as the provider names it; often more exact than what was asked for."""
    tokens: Tokens
    latency_seconds: float
    cost_usd: Decimal | None
    """None: the price is not known."""
    ended: Literal["whole", "cut", "declined"] = "whole"
    """cut: at the model's length limit. declined: the model or the provider's filter would not answer."""
    first_token_seconds: float | None = None
    """How long the first token took; None where the answer was not streamed."""


class ModelClient(Protocol):
    """The way to one provider of a team."""

    @property
    def provider(self) -> str:
        """The name under which calls are recorded."""
        ...

    @property
    def key_fingerprint(self) -> str:
        """Tells one key from another, and nothing else of it."""
        ...

    @property
    def max_concurrency(self) -> int | None:
        """How many calls it may have under way at once, from all runs; None: any number."""
        ...

    def model(self, tier: Tier) -> str:
        """The model of that tier."""
        ...

    def price(self, tier: Tier, tokens: Tokens) -> Decimal | None:
        """What a call with so many tokens costs in USD on the tier's model; None: its price is not known."""
        ...

    def context_tokens(self, tier: Tier) -> int | None:
        """How many tokens the tier's model takes, its answer among them; None: that is not known."""
        ...

    async def answer(
        self, request: ModelRequest, within_seconds: float, first_token_seconds: float | None = None
    ) -> ModelAnswer:
        """The model's answer to one request; nothing is asked twice here.

        Its first token must come within `first_token_seconds`, where that is shorter than the provider's own limit.

        Raises:
            CredentialsRefused, OperatorError: the key, the model's name or the account must be mended.
            CreditSpent: the account has none left.
            ContextTooLong: the prompt is longer than the model takes.
            AuthorError: the provider refused what was asked.
            ModelUnavailable: it is down, over its limit, cut the connection, or did not answer within the time.
        """
        ...

    async def aclose(self) -> None:
        """Closes its connections."""
        ...
