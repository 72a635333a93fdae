"""What has been spent of each budget, and what calls under way hold of it: reserve before a call, settle after it.

An account is one row that both writes lock, so however many runs spend at once, no two see the same room. A hold that
is never settled, because its process was killed, stays: the provider may have billed the call.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.budgets import AtLimit
from blocks.ledger.statements import change_accounts, lock_accounts, open_accounts


class Account(NamedTuple):
    """What is counted together. Their order is that in which they are locked."""

    scope: Literal["run", "team", "workflow"]
    name: str
    month: str
    """As YYYY-MM, in UTC; empty for a run."""

    def __str__(self) -> str:
        return "this run" if self.scope == "run" else f"{self.scope} {self.name!r} in {self.month}"


@dataclass(frozen=True)
class Limit:
    """A budget: at most so much on that account."""

    account: Account
    usd: Decimal
    at_limit: AtLimit

    @property
    def means(self) -> AtLimit:
        """What being over it means; a budget of zero allows no call, whatever it says."""
        return self.at_limit if self.usd else "stop"


class Balance(NamedTuple):
    """What an account has paid, and what calls under way may cost it yet, in USD."""

    spent_usd: Decimal
    held_usd: Decimal

    @property
    def taken(self) -> Decimal:
        """Both together."""
        return self.spent_usd + self.held_usd


@dataclass(frozen=True)
class Hold:
    """What a call under way may cost, on each of its accounts."""

    accounts: tuple[Account, ...]
    usd: Decimal


@dataclass(frozen=True)
class Over:
    """A budget that a call would pass."""

    limit: Limit
    balance: Balance
    usd: Decimal
    """What the call may cost."""

    @property
    def only_held(self) -> bool:
        """Whether there would be room but for what other calls hold."""
        return self.limit.usd > 0 and self.balance.spent_usd + self.usd <= self.limit.usd

    def __str__(self) -> str:
        spent, held = self.balance
        holding = f" and ${held:.4f} held by calls under way" if held else ""
        return (
            f"the budget of {self.limit.account} is ${self.limit.usd}, with ${spent:.4f} spent{holding}; "
            f"this call may cost ${self.usd:.4f}"
        )


class Reserved(NamedTuple):
    """Whether the call may be made, and the budgets that it passes."""

    allowed: bool
    over: tuple[Over, ...]


def accounts_of(run_id: UUID, workflow: str, team: str, at: datetime) -> tuple[Account, ...]:
    """The accounts that a run's call at that time is counted on."""
    month = f"{at.astimezone(UTC):%Y-%m}"
    return (Account("run", str(run_id), ""), Account("team", team, month), Account("workflow", workflow, month))


async def reserve(
    connection: AsyncConnection, hold: Hold, limits: Sequence[Limit], refusing: Collection[AtLimit]
) -> Reserved:
    """Adds the hold to its accounts, unless a limit that it passes is of those that refuse."""
    balances = await _locked(connection, hold.accounts)
    over = tuple(
        Over(limit, balances[limit.account], hold.usd)
        for limit in limits
        if not limit.usd or balances[limit.account].taken + hold.usd > limit.usd
    )
    allowed = not any(each.limit.means in refusing for each in over)
    if allowed:
        await _change(connection, balances, Balance(Decimal(0), hold.usd))
    return Reserved(allowed, over)


async def settle(connection: AsyncConnection, hold: Hold, cost_usd: Decimal | None) -> None:
    """Puts what the call cost in place of its hold; where that is not known, all that was held counts as spent."""
    spent = hold.usd if cost_usd is None else cost_usd
    if spent or hold.usd:
        balances = await _locked(connection, hold.accounts)
        await _change(connection, balances, Balance(spent, -hold.usd))


async def _locked(connection: AsyncConnection, wanted: Sequence[Account]) -> Mapping[Account, Balance]:
    """The accounts' balances, which nobody else changes until this transaction ends."""
    keys = sorted(wanted)
    found = await _read_locked(connection, keys)
    if len(found) < len(keys):
        zero = {"spent_usd": Decimal(0), "held_usd": Decimal(0)}
        await connection.execute(open_accounts(connection.dialect.name), [{**key._asdict(), **zero} for key in keys])
        found = await _read_locked(connection, keys)
    return found


async def _read_locked(connection: AsyncConnection, keys: Sequence[Account]) -> Mapping[Account, Balance]:
    rows = await connection.execute(lock_accounts, {"keys": keys})
    return {Account(row.scope, row.name, row.month): Balance(row.spent_usd, row.held_usd) for row in rows}


async def _change(connection: AsyncConnection, balances: Mapping[Account, Balance], by: Balance) -> None:
    # Added up here, because SQLite would add up floats.
    rows = [
        {
            **{f"the_{name}": value for name, value in account._asdict().items()},
            "spent": balance.spent_usd + by.spent_usd,
            "held": balance.held_usd + by.held_usd,
        }
        for account, balance in balances.items()
    ]
    await connection.execute(change_accounts, rows)
