"""Which grade of model a step asks: by what it asks for, by what the node says, and one up or down from there."""

from typing import Literal, assert_never

from blocks.models.calls import TIERS, Tier

Purpose = Literal["classify", "extract", "sql", "synthesise", "judge"]
"""What a model is asked for; a judge compares the answers of two others. To route is to classify: others' `when` reads
the label."""


def tier_for(purpose: Purpose) -> Tier:
    """The grade that the purpose needs where the node does not say."""
    match purpose:
        case "classify" | "extract":
            return "fast"
        case "sql":
            return "standard"
        case "synthesise" | "judge":
            return "frontier"
        case _:
            assert_never(purpose)


def cheaper(tier: Tier) -> Tier | None:
    """One tier down; None: this is the lowest."""
    at = TIERS.index(tier)
    return TIERS[at - 1] if at else None


def cascade(tier: Tier) -> tuple[Tier, Tier]:
    """The two tiers of a cascade: one down from the node's and that one, or fast and one up from there."""
    at = max(1, TIERS.index(tier))
    return TIERS[at - 1], TIERS[at]
