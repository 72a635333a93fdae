"""Answers a saved query for the command line, on the schema as it is now."""

import asyncio
import csv
import sys
from dataclasses import dataclass

import typer
from sqlalchemy import text
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

TIMEOUT_SECONDS = 60.0
MAX_ROWS = 50_000
EXIT_ANSWERED, EXIT_REPAIRED, EXIT_REFUSED = 0, 3, 4


@dataclass(frozen=True)
class _Answer:
    table: Table
    cut: bool
    prepared: Prepared
    other_database: str
    """The database that the source's name meant until now; empty where it still means the same."""


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
    if answer.other_database:
        typer.echo(f"Not compared: until now this name meant another database, {answer.other_database}.", err=True)
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
        seen = await ledger.schema(name)
        last = await _last_good(ledger, saved)

        async def work(connection: AsyncConnection) -> _Answer:
            done = await prepared(connection, saved, found.now, last, seen.at if seen else at)
            table, cut = await _rows(connection, done.sql)
            await ledger.record_good_answer(await remembered(connection, saved, found.now, done, at))
            return _Answer(table, cut, done, _other_database(found))

        return await read_source(name, overrides, TIMEOUT_SECONDS, work)


def _other_database(found: Discovery) -> str:
    return found.before.snapshot.database if found.before and found.other_database else ""


async def _last_good(ledger: Ledger, saved: Saved) -> LastGood | None:
    answer = await ledger.good_answer(saved.source, saved.sql)
    sampled_in = await ledger.schema(saved.source, answer.sampled_fingerprint) if answer else None
    return LastGood(answer, sampled_in.snapshot) if answer and sampled_in else None


async def _rows(connection: AsyncConnection, sql: str) -> tuple[Table, bool]:
    from tasks.frames import table_of_rows  # pandas is slow to import

    # The SQL has no parameters here, so each of its colons is its own.
    async with connection.stream(text(sql.replace(":", r"\:"))) as result:
        rows = await result.fetchmany(MAX_ROWS + 1)
        return table_of_rows(list(result.keys()), rows[:MAX_ROWS]), len(rows) > MAX_ROWS
