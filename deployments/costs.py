"""What models cost, by workflow, node, team, model, tier or day, for the command line: from the ledger alone."""

import asyncio
import csv
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias

import typer

from blocks.errors import InputRefused
from blocks.ledger import Ledger, ModelCallRow
from blocks.settings import HoldfastSettings
from deployments.results import aligned, print_json
from tasks.context import utc_now
from tasks.node import parse_duration

By: TypeAlias = Literal["workflow", "node", "team", "model", "tier", "day"]
Form: TypeAlias = Literal["text", "json", "csv"]

_KEYS: Mapping[By, tuple[tuple[str, ...], Callable[[ModelCallRow], tuple[str, ...]]]] = {
    "workflow": (("workflow",), lambda call: (call.workflow,)),
    "node": (("workflow", "node"), lambda call: (call.workflow, call.node)),
    # A team's share of the bill of each key that paid for it.
    "team": (("team", "key"), lambda call: (call.team, call.key_fingerprint)),
    "model": (("model",), lambda call: (call.model,)),
    "tier": (("tier",), lambda call: (call.tier,)),
    "day": (("day",), lambda call: (f"{call.at:%Y-%m-%d}",)),
}


@dataclass
class Spent:
    """What some calls came to. A cost that is not known is counted apart, never as zero."""

    calls: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: Decimal = field(default_factory=Decimal)
    unpriced_calls: int = 0
    compared_usd: Decimal = field(default_factory=Decimal)
    """The cost of those calls alone of which it is known what they had cost on the frontier model."""
    frontier_usd: Decimal = field(default_factory=Decimal)
    """What these had cost there."""

    def add(self, call: ModelCallRow) -> None:
        """Takes in one call."""
        self.calls += 1
        self.tokens_in += call.tokens_in
        self.tokens_cached += call.tokens_cached
        self.tokens_out += call.tokens_out
        if call.cost_usd is None:
            self.unpriced_calls += 1
            return
        self.cost_usd += call.cost_usd
        if call.frontier_cost_usd is not None:
            self.compared_usd += call.cost_usd
            self.frontier_usd += call.frontier_cost_usd

    @property
    def saved(self) -> Decimal | None:
        """The share that was saved against the frontier model for everything; None: there is nothing to compare."""
        return 1 - self.compared_usd / self.frontier_usd if self.frontier_usd else None


@dataclass(frozen=True)
class Costs:
    """All that was spent since a moment, in groups, the dearest first, and by day in their order."""

    by: By
    since: datetime
    groups: Mapping[tuple[str, ...], Spent]
    total: Spent

    def share(self, spent: Spent) -> Decimal:
        """The group's share of all known costs."""
        return spent.cost_usd / self.total.cost_usd if self.total.cost_usd else Decimal(0)


def costs_of(calls: Iterable[ModelCallRow], by: By, since: datetime) -> Costs:
    """The calls, added up."""
    groups: dict[tuple[str, ...], Spent] = {}
    total, key_of = Spent(), _KEYS[by][1]
    for call in calls:
        groups.setdefault(key_of(call), Spent()).add(call)
        total.add(call)
    dearest = sorted(groups, key=lambda key: key if by == "day" else (-groups[key].cost_usd, key))
    return Costs(by, since, {key: groups[key] for key in dearest}, total)


def show_costs(by: By, since: str, form: Form) -> None:
    """Prints what models cost since a day (YYYY-MM-DD, UTC) or for a duration (30d); empty: since this month began.

    Raises:
        InputRefused: `since` is neither.
        OperatorError: the ledger cannot be read.
    """
    began = since_when(since, utc_now())
    costs = costs_of(asyncio.run(_calls(began)), by, began)
    match form:
        case "json":
            print_json(_as_json(costs))
        case "csv":
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow([*_KEYS[by][0], *_figures(costs, costs.total)])
            writer.writerows([*key, *_figures(costs, spent).values()] for key, spent in costs.groups.items())
        case "text":
            for line in _lines(costs):
                typer.echo(line)


def since_when(written: str, now: datetime) -> datetime:
    """The moment that the words mean.

    Raises:
        InputRefused: they are neither a day nor a duration.
    """
    if not written:
        return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", written):
            return datetime.fromisoformat(written).replace(tzinfo=UTC)
        return now - timedelta(seconds=parse_duration(written).total_seconds())
    except (ValueError, OverflowError):
        raise InputRefused(
            f"--since {written}: that is no day and no duration", mend="write 2026-11-01 or 30d"
        ) from None


async def _calls(since: datetime) -> tuple[ModelCallRow, ...]:
    async with Ledger.open(HoldfastSettings().ledger) as ledger:
        return await ledger.calls_since(since)


def _figures(costs: Costs, spent: Spent) -> dict[str, object]:
    """A group's figures by name; money in USD with every digit, shares from 0 to 1."""
    saved = spent.saved
    return {
        "calls": spent.calls,
        "tokens_in": spent.tokens_in,
        "tokens_cached": spent.tokens_cached,
        "tokens_out": spent.tokens_out,
        "cost_usd": f"{spent.cost_usd:f}",
        "unpriced_calls": spent.unpriced_calls,
        "share": f"{costs.share(spent):.4f}",
        "frontier_usd": f"{spent.frontier_usd:f}",
        "saved": "" if saved is None else f"{saved:.4f}",
    }


def _as_json(costs: Costs) -> dict[str, object]:
    names = _KEYS[costs.by][0]
    return {
        "by": costs.by,
        "since": costs.since.isoformat(),
        "rows": [
            {**dict(zip(names, key, strict=True)), **_figures(costs, spent)} for key, spent in costs.groups.items()
        ],
        "total": _figures(costs, costs.total),
    }


def _lines(costs: Costs) -> Iterable[str]:
    since = f"since {costs.since:%Y-%m-%d %H:%M} UTC"
    if not costs.total.calls:
        yield f"No model was asked {since}."
        return
    names = _KEYS[costs.by][0]
    rows = [[*names, "cost", "share", "calls", "tokens in", "cached", "out", "on frontier", "saved"]]
    rows += [[*(part or "-" for part in key), *_cells(costs, spent)] for key, spent in costs.groups.items()]
    rows.append(["total", *[""] * (len(names) - 1), *_cells(costs, costs.total)])
    yield f"Costs {since}, by {costs.by}:"
    yield from aligned(rows, left=len(names))
    if unpriced := costs.total.unpriced_calls:
        yield f"{unpriced} of {costs.total.calls} calls are of unknown cost and not in it."
    if costs.total.saved is not None:
        yield (
            f"The same calls on the frontier model of each provider: ${costs.total.frontier_usd:.4f}; "
            f"{costs.total.saved:.1%} saved."
        )


def _cells(costs: Costs, spent: Spent) -> list[str]:
    unknown = f" + {spent.unpriced_calls} unknown" if spent.unpriced_calls else ""
    return [
        f"${spent.cost_usd:.4f}{unknown}",
        f"{costs.share(spent):.1%}",
        f"{spent.calls:,}",
        f"{spent.tokens_in:,}",
        f"{spent.tokens_cached:,}",
        f"{spent.tokens_out:,}",
        f"${spent.frontier_usd:.4f}",
        "-" if spent.saved is None else f"{spent.saved:.1%}",
    ]
