"""What a run asks its models through, opened once, and what it has spent through it until now."""

import asyncio

from blocks.ledger import Account, RunCost, accounts_of
from blocks.models.opening import open_models
from blocks.models.slots import set_limit
from blocks.team_budget import team_budget
from tasks.context import RunContext, current_run
from tasks.models.team import TeamModels


async def models_of_run() -> TeamModels:
    """The models of the calling task's run, opened when they are first asked for.

    Raises:
        OperatorError: a block of the team's cannot be used, or is another team's.
    """
    run = current_run()
    return await run.models.get(run.team, lambda: open_team(run))


async def open_team(run: RunContext) -> TeamModels:
    """The models of the run's team; the errors are those of models_of_run."""
    providers = await open_models(run.team)
    if not providers:
        return TeamModels((), {})
    team, *_ = await asyncio.gather(team_budget(run.team), *map(set_limit, providers))
    given = {"run": run.budgets.run, "workflow": run.budgets.month, "team": team}
    return TeamModels(providers, {scope: budget for scope, budget in given.items() if budget is not None})


def accounts_of_run(run: RunContext) -> tuple[Account, ...]:
    """What a call of this run is counted on now."""
    return accounts_of(run.run_id, run.workflow, run.team, run.now())


async def spent_so_far(run: RunContext, cost: RunCost) -> str:
    """What the run has spent until now, and how much of its budgets is spent, for a person."""
    if not cost.calls:
        return str(cost)
    models = await run.models.get(run.team, lambda: open_team(run))
    limits = models.limits(accounts_of_run(run))
    balances = await run.ledger.balances([limit.account for limit in limits])
    of = [f"{limit.account} ${balances[limit.account].spent_usd:.4f} of ${limit.usd}" for limit in limits]
    return f"{cost}; budgets: {', '.join(of)}" if of else str(cost)
