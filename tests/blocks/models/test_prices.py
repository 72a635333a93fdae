"""What a call costs, exactly, from the price list that is installed."""

from decimal import Decimal

import pytest
from openai.types import CompletionUsage
from openai.types.completion_usage import PromptTokensDetails

from blocks.models.prices import cost_of

GATEWAY = "https://models.example.com/v1"


def usage(tokens_in: int, tokens_out: int, cached: int | None = None) -> CompletionUsage:
    details = None if cached is None else PromptTokensDetails(cached_tokens=cached)
    return CompletionUsage(
        prompt_tokens=tokens_in,
        completion_tokens=tokens_out,
        total_tokens=tokens_in + tokens_out,
        prompt_tokens_details=details,
    )


@pytest.mark.parametrize("url", [None, "https://api.openai.com/v1", GATEWAY])
@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-4.1-2025-04-14"])
def test_a_call_s_price_is_exact_to_the_token(model: str, url: str | None) -> None:
    # $2 a million tokens in, $0.50 where they were cached, $8 out: the model's price since April 2025.
    assert cost_of(usage(1001, 7, cached=1000), model, url) == Decimal("0.000558")
    assert cost_of(usage(1001, 7, cached=0), model, url) == Decimal("0.002058")
    assert cost_of(usage(1001, 7), model, url) == Decimal("0.002058")


def test_a_call_without_tokens_costs_nothing_which_is_a_known_price() -> None:
    assert cost_of(usage(0, 0, cached=0), "gpt-4.1", None) == Decimal(0)


@pytest.mark.parametrize("url", [None, GATEWAY])
def test_a_model_that_the_list_does_not_have_has_no_price_rather_than_none_to_pay(url: str | None) -> None:
    assert cost_of(usage(1000, 10), "our-own-llama-tuned", url) is None


def test_a_model_of_another_maker_has_its_price_behind_a_gateway_only() -> None:
    assert cost_of(usage(1000, 10), "claude-sonnet-4-5", GATEWAY) is not None
    assert cost_of(usage(1000, 10), "claude-sonnet-4-5", None) is None


def test_a_count_that_cannot_be_has_no_price() -> None:
    assert cost_of(usage(10, 10, cached=1000), "gpt-4.1", None) is None
