"""The settings of a reason node."""

from typing import Any

import pytest
from pydantic import ValidationError

from blocks.models.calls import Tier
from tasks.node import Produces
from tasks.reason.node import Purpose
from tests.tasks.reason.asking import node


@pytest.mark.parametrize(
    ("purpose", "tier", "seconds", "produces"),
    [("classify", "fast", 30, "fields"), ("extract", "fast", 30, "fields"), ("synthesise", "frontier", 60, "text")],
)
def test_each_purpose_has_its_tier_its_time_and_its_kind_of_answer(
    purpose: Purpose, tier: Tier, seconds: float, produces: Produces
) -> None:
    asked = node(purpose)

    assert (asked.model_tier, asked.timeout_seconds) == (tier, seconds)
    assert set(asked.produces_now()) == {produces}
    assert (asked.retries, asked.degrades) == (2, False)


def test_a_node_may_say_otherwise() -> None:
    asked = node("synthesise", tier="standard", timeout="2s", retry=0, on_failure="degrade")

    assert (asked.model_tier, asked.timeout_seconds, asked.retries, asked.degrades) == ("standard", 2, 0, True)


@pytest.mark.parametrize(
    ("purpose", "fields", "names"),
    [
        ("classify", {}, {"label", "reason"}),
        ("extract", {"fields": {"penalty": "number", "due": "date"}}, {"penalty", "due"}),
        ("synthesise", {}, set()),
    ],
)
def test_other_nodes_may_use_the_fields_that_the_purpose_gives(
    purpose: Purpose, fields: dict[str, Any], names: set[str]
) -> None:
    assert node(purpose, **fields).field_names() == names


def test_the_instructions_are_a_template() -> None:
    asked = node("synthesise", instructions="Spend in {{ month }}")

    assert dict(asked.templates()) == {"instructions": "Spend in {{ month }}"}


@pytest.mark.parametrize(
    ("purpose", "fields", "said"),
    [
        ("classify", {"labels": ()}, "at least 2 labels, not 0"),
        ("classify", {"labels": ("low",)}, "at least 2 labels, not 1"),
        ("classify", {"labels": ("low", "low")}, "each label must be another"),
        ("classify", {"labels": ("low", " ")}, "and none empty"),
        ("classify", {"fields": {"a": "string"}}, "only extract has fields"),
        ("extract", {"fields": {}}, "at least one field"),
        ("extract", {"labels": ("low", "high")}, "only classify has labels"),
        ("extract", {"fields": {"rows": "number"}}, "'rows' cannot be a field"),
        ("extract", {"fields": {"two words": "number"}}, "'two words' cannot be a field"),
        ("extract", {"fields": {"spend": "money"}}, "fields.spend"),
        ("synthesise", {"labels": ("low", "high")}, "only classify has labels"),
        ("synthesise", {"tier": "huge"}, "tier"),
    ],
)
def test_what_does_not_fit_the_purpose_is_refused(purpose: Purpose, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        node(purpose, **fields)
