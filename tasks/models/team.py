"""What a team's run asks its models through: the team's providers, and the budgets that bound it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from blocks.budgets import Budget
from blocks.ledger import Account, Limit
from blocks.models.calls import ModelClient


@dataclass(frozen=True)
class TeamModels:
    """A team's way to its models, for one run."""

    providers: tuple[ModelClient, ...]
    """In the order in which they are asked; none: the offline model answers."""
    budgets: Mapping[str, Budget]
    """By the scope of an account: run, workflow, team."""
    passed: set[Limit] = field(default_factory=set)
    """The budgets of which this run has told already that they are passed."""

    @property
    def first(self) -> ModelClient:
        """The provider that is asked first."""
        return self.providers[0]

    def limits(self, accounts: tuple[Account, ...]) -> tuple[Limit, ...]:
        """The budgets as limits of these accounts."""
        return tuple(
            Limit(account, budget.usd, budget.at_limit)
            for account in accounts
            if (budget := self.budgets.get(account.scope)) is not None
        )

    async def aclose(self) -> None:
        """Closes the connections of its providers."""
        for client in self.providers:
            await client.aclose()
