"""Answers a saved query for the command line, on the schema as it is now."""

import asyncio
import csv
import sys
from dataclasses import dataclass

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import DriftRefused
from blocks.ledger import Ledger
from blocks.settings import HoldfastSettings
from blocks.sources import read_source
from deployments.local_server import quiet_prefect
from deployments.places import named
from deployments.results import print_json
from tasks.context import utc_now
from tasks.drift.answering import LastGood, OnDrift, Prepared, Saved, prepared, remembered
from tasks.drift.discover import Discovery, discover
from tasks.outcome import Table
from tasks.query.guard import read_only
from tasks.query.statement import fetch, statement

TIMEOUT_SECONDS = 60.0
MAX_ROWS = 50_000
EXIT_ANSWERED, EXIT_REPAIRED, EXIT_REFUSED = 0, 3, 4


@dataclass(frozen=True)
class _Answer:
    table: Table
    cut: bool
    prepared: Prepared
    not_compared: str
    """Why the schema was not compared with what was seen before; empty where it was."""


def run_query(source: str, sql: str, *, on_drift: OnDrift, as_json: bool) -> int:
    """The exit status, once the answer is on standard output and what was repaired on standard error.

    Raises:
        QueryRefused, SourceUnknown, SourceUnavailable, CredentialsRefused, OperatorError: there is no answer.
    """
    quiet_prefect()
    read_only(sql)
    try:
        answer = asyncio.run(_answered(source, sql, on_drift))
    except DriftRefused as refused:
        typer.echo(f"holdfast: {refused}", err=True)
        return EXIT_REFUSED
    done = answer.prepared
    if answer.not_compared:
        typer.echo(answer.not_compared, err=True)
    for repair in done.repairs:
        typer.echo(f"Repaired: {repair}", err=True)
    if done.repairs:
        typer.echo(f"Ran: {done.sql}", err=True)
    if answer.cut:
        typer.echo(f"Only the first {MAX_ROWS} rows.", err=True)
    if as_json:
        print_json({"rows": answer.table.records(), "cut": answer.cut, "repairs": list(done.repairs), "sql": done.sql})
    else:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(answer.table.names)
        writer.writerows(answer.table.rows)
    return EXIT_REPAIRED if done.repairs else EXIT_ANSWERED


async def _answered(source: str, sql: str, on_drift: OnDrift) -> _Answer:
    name, overrides = await named(source)
    saved, at = Saved(name, sql, on_drift), utc_now()
    async with Ledger.open(HoldfastSettings().ledger) as ledger:
        found = await discover(name, overrides, ledger, at, timeout_seconds=TIMEOUT_SECONDS)
        last = await _last_good(ledger, saved, found)

        async def work(connection: AsyncConnection) -> _Answer:
            done = await prepared(connection, saved, found.now, last, found.since)
            # Here it has no parameters: each of its colons is its own.
            table, cut = await fetch(connection, statement(done.sql, {}), MAX_ROWS)
            await ledger.record_good_answer(await remembered(connection, saved, found.now, done, at))
            return _Answer(table, cut, done, found.not_compared)

        return await read_source(name, overrides, TIMEOUT_SECONDS, work)


async def _last_good(ledger: Ledger, saved: Saved, found: Discovery) -> LastGood | None:
    answer = await ledger.good_answer(saved.source, saved.sql)
    if answer is None:
        return None
    # A large schema takes a while to read back, and it is mostly one of these.
    for seen in (found.now, found.before.snapshot if found.before else found.now):
        if seen.fingerprint == answer.sampled_fingerprint:
            return LastGood(answer, seen)
    sampled_in = await ledger.schema(saved.source, answer.sampled_fingerprint)
    return LastGood(answer, sampled_in.snapshot) if sampled_in else None
