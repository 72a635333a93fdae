"""What a call costs: by a price of one's own, or by the list of the installed genai-prices; nothing is fetched."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from blocks.models.calls import Tokens

OPENAI_URL = "https://api.openai.com/v1"
_MILLION = 1_000_000

# The UI's form draws a number field for it; what comes of it is exact, because pydantic reads a float's digits.
Usd = Annotated[Decimal, Field(ge=0, allow_inf_nan=False), WithJsonSchema({"type": "number", "minimum": 0})]


class ModelPrice(BaseModel):
    """What a model costs, in USD per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sent: Usd
    answered: Usd
    cached: Usd | None = None
    """Of those that were sent and that the provider had cached; None: as the others."""

    def of(self, tokens: Tokens) -> Decimal:
        """The exact cost of a call, in USD."""
        cached = self.sent if self.cached is None else self.cached
        fresh = tokens.sent - tokens.cached
        return (fresh * self.sent + tokens.cached * cached + tokens.answered * self.answered) / _MILLION


def list_price(tokens: Tokens, model: str, url: str) -> Decimal | None:
    """The call's price in USD by the list; None where that does not have the model.

    A provider is known by its address. Behind any other address, such as a gateway's, the model's name decides.
    """
    if tokens.cached > tokens.sent:
        return None
    listed = _listed(tokens, model, url)
    return None if listed is None else Decimal(listed.total_price)


def listed_context(model: str, url: str) -> int | None:
    """How many tokens the model takes, by the list; None where that is not known."""
    listed = _listed(Tokens(0, 0, 0), model, url)
    return None if listed is None else listed.model.context_window


def _listed(tokens: Tokens, model: str, url: str) -> Any:
    found = _by_address(tokens, model, url)
    return found if found is not None or url == OPENAI_URL else _by_address(tokens, model, None)


def _by_address(tokens: Tokens, model: str, url: str | None) -> Any:
    from genai_prices import Usage, calc_price  # a quarter of a second, for a run that asks a model

    usage = Usage(input_tokens=tokens.sent, output_tokens=tokens.answered, cache_read_tokens=tokens.cached)
    try:
        return calc_price(usage, model, provider_api_url=url)
    except (LookupError, ValueError):
        return None
