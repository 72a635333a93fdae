"""Which grade of model is asked, by what is asked for and what the node says."""

from typing import Any

import pytest

from blocks.models.calls import Tier
from tasks.models.routing import Purpose, cascade, cheaper, tier_for
from tasks.query.node import QueryNode
from tests.tasks.reason.asking import node


@pytest.mark.parametrize(
    ("purpose", "tier"), [("classify", "fast"), ("extract", "fast"), ("sql", "standard"), ("synthesise", "frontier")]
)
def test_each_purpose_has_a_tier_of_its_own(purpose: Purpose, tier: Tier) -> None:
    assert tier_for(purpose) == tier


@pytest.mark.parametrize(
    ("tier", "lower", "tiers"),
    [
        ("fast", None, ("fast", "standard")),
        ("standard", "fast", ("fast", "standard")),
        ("frontier", "standard", ("standard", "frontier")),
    ],
)
def test_a_cascade_goes_from_one_tier_to_the_next(tier: Tier, lower: Tier | None, tiers: tuple[Tier, Tier]) -> None:
    assert cheaper(tier) == lower
    assert cascade(tier) == tiers


@pytest.mark.parametrize(
    ("fields", "tiers"),
    [
        ({}, ("frontier",)),
        ({"tier": "standard"}, ("standard",)),
        ({"cascade": True}, ("standard", "frontier")),
        ({"cascade": True, "tier": "fast"}, ("fast", "standard")),
    ],
)
def test_a_node_says_otherwise(fields: dict[str, Any], tiers: tuple[Tier, ...]) -> None:
    assert node("synthesise", **fields).tiers == tiers


def test_a_question_is_put_to_the_standard_tier() -> None:
    assert QueryNode(id="spend", source="shop", question="spend per vendor").tiers == ("standard",)
