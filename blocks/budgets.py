"""What may be spent on models, and what it means that it is spent, as definitions say it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from blocks.models.prices import Usd

AtLimit = Literal["warn", "downgrade", "stop"]
"""What a budget that is spent means: it is said, a model of one tier down is asked, or no call is made."""


class Budget(BaseModel):
    """At most so much, and what is done then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd: Usd
    at_limit: AtLimit = "stop"


def _written_short(value: Any) -> Any:
    # `run: 0.50` means as much as `run: {usd: 0.50}`.
    return {"usd": value} if isinstance(value, int | float | str) and not isinstance(value, bool) else value


AnyBudget = Annotated[Budget, BeforeValidator(_written_short)]


class Budgets(BaseModel):
    """What one run, and all runs of the workflow in a calendar month (UTC), may spend on models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: AnyBudget | None = None
    month: AnyBudget | None = None
