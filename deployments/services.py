"""What the ledger knows of services, for the command line: how calls end, and which limit or failure holds now."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import typer

from blocks.ledger import Ledger, ToolCount, ToolOutcome
from blocks.services.turns import BREAKER, allowance_of, breaker_of
from blocks.settings import HoldfastSettings
from blocks.words import counted
from deployments.costs import since_when
from deployments.results import aligned, print_json
from tasks.context import utc_now

OUTCOMES: tuple[ToolOutcome, ...] = get_args(ToolOutcome)


@dataclass(frozen=True)
class Held:
    """What holds requests to a host back now."""

    host: str
    what: str
    until: datetime


def show_services(since: str, *, as_json: bool) -> None:
    """Prints how the calls of services have ended since a day, or for a duration; and what holds them back now.

    Raises:
        InputRefused: `since` is neither.
        OperatorError: the ledger cannot be read.
    """
    now = utc_now()
    began = since_when(since, now)
    counts, states = asyncio.run(_known(began))
    calls, held = calls_of(counts), tuple(held_back(states, now))
    if as_json:
        print_json({"since": began.isoformat(), "calls": calls, "held": [_held_as_json(each) for each in held]})
        return
    for line in (*_lines(calls, began), *map(_held_line, held)):
        typer.echo(line)


def calls_of(counts: Iterable[ToolCount]) -> list[dict[str, Any]]:
    """The calls of each endpoint by how they ended, with the share that failed, those that fail most first."""
    by_endpoint: dict[tuple[str, str, str], dict[str, Any]] = defaultdict(
        lambda: dict.fromkeys(OUTCOMES, 0) | {"waited_seconds": 0.0}
    )
    for count in counts:
        row = by_endpoint[count.service, count.method, count.endpoint]
        row[count.outcome] += count.calls
        row["waited_seconds"] += count.waited_seconds
    rows = [
        {"service": service, "method": method, "endpoint": endpoint, **row, "failed": _share_failed(row)}
        for (service, method, endpoint), row in by_endpoint.items()
    ]
    return sorted(rows, key=lambda row: (-row["failed"], row["service"], row["endpoint"]))


def held_back(states: Sequence[tuple[str, str, Mapping[str, Any]]], now: datetime) -> Iterable[Held]:
    """The limits and breakers because of which nothing is sent at this moment."""
    for credential, part, state in states:
        host = credential.partition("#")[0]
        if part == BREAKER:
            breaker = breaker_of(state)
            if breaker.opens_until > now:
                since = f"{breaker.since:%Y-%m-%d %H:%M} UTC"
                failures = counted(breaker.failures, "failure")
                yield Held(host, f"down since {since}, {failures} in a row: {breaker.last}", breaker.opens_until)
        elif (until := allowance_of(state).blocked_until) > now:
            limit = part.removeprefix("limit").strip()
            yield Held(host, f"at its limit{f' for {limit}' if limit else ''}", until)


async def _known(since: datetime) -> tuple[tuple[ToolCount, ...], tuple[tuple[str, str, Mapping[str, Any]], ...]]:
    async with Ledger.open(HoldfastSettings().ledger) as ledger:
        return await ledger.services.counts(since), await ledger.services.states()


def _share_failed(row: Mapping[str, Any]) -> float:
    return float((row["transient exhausted"] + row["permanent"]) / sum(row[outcome] for outcome in OUTCOMES))


def _lines(calls: Sequence[Mapping[str, Any]], since: datetime) -> Iterable[str]:
    when = f"since {since:%Y-%m-%d %H:%M} UTC"
    if not calls:
        yield f"No service was called {when}."
        return
    rows = [["service", "call", *OUTCOMES, "failed", "waited"]]
    rows += [
        [
            call["service"],
            f"{call['method']} {call['endpoint']}",
            *(f"{call[outcome]:,}" for outcome in OUTCOMES),
            f"{call['failed']:.1%}",
            f"{call['waited_seconds']:.1f} s",
        ]
        for call in calls
    ]
    yield f"Calls {when}:"
    yield from aligned(rows, left=2)


def _held_line(held: Held) -> str:
    return f"{held.host}: {held.what}; asked again from {held.until:%Y-%m-%d %H:%M:%S} UTC"


def _held_as_json(held: Held) -> dict[str, str]:
    return {"host": held.host, "what": held.what, "until": held.until.isoformat()}
