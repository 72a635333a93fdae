"""Whether a call may be made, and on which tier: the budgets are asked before it, with what it may cost at most."""

from math import ceil
from typing import NamedTuple

from prefect.context import TaskRunContext
from prefect.events import emit_event

from blocks.budgets import AtLimit
from blocks.errors import BudgetHeld, BudgetSpent, HoldfastError
from blocks.ledger import Hold, Over
from blocks.models.calls import ModelClient, ModelRequest, Tier, Tokens
from tasks.context import RunContext, current_run, run_logger
from tasks.models.calls import Asking
from tasks.models.opening import accounts_of_run
from tasks.models.routing import Purpose, cheaper
from tasks.models.team import TeamModels

_BYTES_PER_TOKEN = 1.5
"""Fewer than any text has that people write: CSV of dates and amounts comes to 1.7 with OpenAI's vocabularies, English
to 4. An estimate may be too high for the moment of a call, and must not be too low."""
_ANSWERED: dict[Purpose, int] = {"classify": 400, "extract": 800, "sql": 800, "synthesise": 3000, "judge": 400}
"""Tokens that an answer may take where the node has not been answered before."""
_CALLS_LOOKED_AT = 50
_ROOM = 1.25


class Allowed(NamedTuple):
    """The tier that may be asked, what is held for it, and what must be said of it."""

    tier: Tier
    hold: Hold | None
    notes: tuple[str, ...]


async def allowed(models: TeamModels, client: ModelClient, asking: Asking, request: ModelRequest) -> Allowed:
    """The call that the budgets allow: the request's tier, or a lower one where a budget downgrades.

    Raises:
        BudgetSpent: a budget stops it, or cannot be kept because the model's price is not known.
        BudgetHeld: other calls under way hold what is left.
    """
    run = current_run()
    accounts = accounts_of_run(run)
    limits = models.limits(accounts)
    if not limits:
        return Allowed(request.tier, None, ())
    tier: Tier = request.tier
    notes: tuple[str, ...] = ()
    while True:
        tokens = Tokens(_sent(request), 0, await _answered(run, asking, tier))
        usd = client.price(tier, tokens)
        if usd is None:
            return _unpriced(client, tier, stops=any(limit.means == "stop" for limit in limits))
        hold, lower = Hold(accounts, usd), cheaper(tier)
        refusing: tuple[AtLimit, ...] = ("stop", "downgrade") if lower else ("stop",)
        reserved = await run.ledger.reserve(hold, limits, refusing)
        notes = (*notes, *_said(run, models, reserved.over, tier))
        if reserved.allowed:
            return Allowed(tier, hold, tuple(dict.fromkeys(notes)))
        stopping = [over for over in reserved.over if over.limit.means == "stop"]
        if stopping or lower is None:
            raise _refusal(stopping)
        tier = lower


def _sent(request: ModelRequest) -> int:
    """The most tokens that the prompt and its schema come to."""
    texts = [message.content for message in request.messages]
    return ceil(len("".join([*texts, str(dict(request.schema))]).encode()) / _BYTES_PER_TOKEN) + 16 * len(texts)


async def _answered(run: RunContext, asking: Asking, tier: Tier) -> int:
    """The most tokens that an answer may come to, by those before it."""
    before = await run.ledger.recent_calls(run.workflow, asking.node, tier, _CALLS_LOOKED_AT)
    longest = max((call.tokens_out for call in before), default=0)
    return ceil(longest * _ROOM) or _ANSWERED[asking.purpose]


def _unpriced(client: ModelClient, tier: Tier, *, stops: bool) -> Allowed:
    model = client.model(tier)
    if stops:
        raise BudgetSpent(
            f"what model {model!r} of provider {client.provider!r} costs is not known, so no budget can hold",
            mend=f"give its price under `prices` in the Model Provider block {client.provider!r}",
        )
    return Allowed(tier, None, (f"what {model} costs is not known, so that no budget could be asked",))


def _said(run: RunContext, models: TeamModels, passed: tuple[Over, ...], tier: Tier) -> list[str]:
    """Says that budgets are passed, in the log, and once per run as events that automations can act on."""
    notes, lower = [], cheaper(tier)
    instead = f"{lower} is asked in place of {tier}" if lower else "there is no cheaper tier"
    meaning = {"warn": "it is only said", "downgrade": instead, "stop": "no call is made"}
    for over in passed:
        notes.append(f"{over}; {meaning[over.limit.means]}")
        run_logger().warning("budget: %s", notes[-1])
        # Outside of a task run there is no server, and Prefect would start one for the event.
        if over.limit not in models.passed and TaskRunContext.get() is not None:
            models.passed.add(over.limit)
            emit_event(
                event=f"holdfast.budget.{over.limit.means}",
                resource={
                    "prefect.resource.id": f"holdfast.budget.{over.limit.account.scope}.{over.limit.account.name}",
                    "prefect.resource.name": str(over.limit.account),
                },
                payload={"workflow": run.workflow, "run": str(run.run_id), "said": notes[-1]},
            )
    return notes


def _refusal(stopping: list[Over]) -> HoldfastError:
    worst = next((over for over in stopping if not over.only_held), stopping[0])
    if worst.only_held:
        return BudgetHeld(str(worst), means="calls under way hold the rest of it", mend="try again in a minute")
    return BudgetSpent(str(worst), means="no call is made", mend="raise the budget, or wait for the next month")
