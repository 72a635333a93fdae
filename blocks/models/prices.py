"""What a call costs, from the price list of the installed genai-prices; nothing is fetched."""

from decimal import Decimal

from openai.types import CompletionUsage

OPENAI_URL = "https://api.openai.com/v1"


def cost_of(usage: CompletionUsage, model: str, base_url: str | None) -> Decimal | None:
    """The call's price in USD; None where the list does not have the model.

    A provider is known by its address. Behind any other address, such as a gateway's, the model's name decides.
    """
    from genai_prices import Usage  # a quarter of a second, for a run that asks a model

    details = usage.prompt_tokens_details
    counted = Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=details.cached_tokens if details else None,
    )
    by_provider = _price(counted, model, base_url or OPENAI_URL)
    return by_provider if by_provider is not None or base_url is None else _price(counted, model, None)


def _price(usage: object, model: str, url: str | None) -> Decimal | None:
    from genai_prices import calc_price

    try:
        return calc_price(usage, model, provider_api_url=url).total_price
    except (LookupError, ValueError):  # not in the list; a count that cannot be, such as more cached than sent
        return None
