"""A team's budget for models: a block that is called as the team, edited in the Prefect UI."""

from prefect.blocks.core import Block
from pydantic import Field

from blocks.budgets import AtLimit, Budget
from blocks.models.prices import Usd
from blocks.saved import load_saved


class TeamBudget(Block):
    """What all workflows of a team may spend on models in a calendar month."""

    _block_type_name = "Team Budget"
    _block_type_slug = "team-budget"
    _description = "What a team may spend on models in a calendar month, and what happens then."

    usd_per_month: Usd = Field(description="In US dollars, per calendar month (UTC). 0: no call is made.")
    at_limit: AtLimit = Field(
        default="stop", description="warn: it is said. downgrade: one tier down is asked. stop: no call is made."
    )


async def team_budget(team: str) -> Budget | None:
    """The team's budget per month, if one is saved.

    Raises:
        OperatorError: the block is there and its values cannot be used.
    """
    saved = await load_saved(TeamBudget, team)
    return None if saved is None else Budget(usd=saved.usd_per_month, at_limit=saved.at_limit)
