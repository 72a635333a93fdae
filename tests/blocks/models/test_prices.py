"""What a call costs, exactly, from the price list that is installed."""

from decimal import Decimal

import pytest

from blocks.models.calls import Tokens
from blocks.models.prices import OPENAI_URL, ModelPrice, list_price, listed_context

GATEWAY = "https://models.example.com/v1"


@pytest.mark.parametrize("url", [OPENAI_URL, GATEWAY])
@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-4.1-2025-04-14"])
def test_a_call_s_price_is_exact_to_the_token(model: str, url: str) -> None:
    # $2 a million tokens in, $0.50 where they were cached, $8 out: the model's price since April 2025.
    assert list_price(Tokens(1001, 1000, 7), model, url) == Decimal("0.000558")
    assert list_price(Tokens(1001, 0, 7), model, url) == Decimal("0.002058")


def test_a_call_without_tokens_costs_nothing_which_is_a_known_price() -> None:
    assert list_price(Tokens(0, 0, 0), "gpt-4.1", OPENAI_URL) == Decimal(0)


@pytest.mark.parametrize("url", [OPENAI_URL, GATEWAY])
def test_a_model_that_the_list_does_not_have_has_no_price_rather_than_none_to_pay(url: str) -> None:
    assert list_price(Tokens(1000, 0, 10), "our-own-llama-tuned", url) is None
    assert listed_context("our-own-llama-tuned", url) is None


def test_a_model_of_another_maker_has_its_price_behind_a_gateway_only() -> None:
    assert list_price(Tokens(1000, 0, 10), "claude-sonnet-4-5", GATEWAY) is not None
    assert list_price(Tokens(1000, 0, 10), "claude-sonnet-4-5", OPENAI_URL) is None


def test_a_count_that_cannot_be_has_no_price() -> None:
    assert list_price(Tokens(10, 1000, 10), "gpt-4.1", OPENAI_URL) is None


def test_the_list_knows_how_much_a_model_takes() -> None:
    assert listed_context("gpt-4.1", OPENAI_URL) == 1_000_000


def test_a_price_of_one_s_own_is_exact_and_counts_cached_tokens_as_it_says() -> None:
    price = ModelPrice.model_validate({"sent": 0.3, "answered": "1.1"})

    assert price.of(Tokens(1000, 400, 10)) == Decimal("0.000311")
    assert price.model_copy(update={"cached": Decimal("0.1")}).of(Tokens(1000, 400, 10)) == Decimal("0.000231")
    assert ModelPrice.model_validate({"sent": 0, "answered": 0}).of(Tokens(1000, 0, 10)) == 0
