"""Answers a saved query for the command line, on the schema as it is now."""

import asyncio
import csv
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

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
from tasks.drift.answering import Answering, Asker
from tasks.drift.choice import OnDrift
from tasks.drift.discover import discover
from tasks.drift.saved import Prepared, Saved
from tasks.drift.story import record_expectations
from tasks.outcome import Table
from tasks.sql.guard import read_only

TIMEOUT_SECONDS = 60.0
EXIT_ANSWERED, EXIT_REPAIRED, EXIT_REFUSED = 0, 3, 4

T = TypeVar("T")


def run_query(source: str, sql: str, *, on_drift: OnDrift, as_json: bool) -> int:
    """The exit status, once the answer is on standard output and what was repaired on standard error.

    Raises:
        QueryRefused, SourceUnknown, SourceUnavailable, CredentialsRefused, OperatorError: there is no answer.
    """
    quiet_prefect()
    read_only(sql)
    try:
        answering, table, cut = asyncio.run(_answered(source, sql, on_drift))
    except DriftRefused as refused:
        typer.echo(f"holdfast: {refused}", err=True)
        return EXIT_REFUSED
    done = answering.prepared or Prepared(sql)
    for line in _notes(answering, done):
        typer.echo(line, err=True)
    if cut:
        typer.echo(f"Only the first {answering.saved.max_rows} rows.", err=True)
    if as_json:
        print_json({"rows": table.records(), "cut": cut, "repairs": list(done.repairs), "sql": done.sql})
    else:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(table.names)
        writer.writerows(table.rows)
    return EXIT_REPAIRED if done.repairs else EXIT_ANSWERED


def _notes(answering: Answering, done: Prepared) -> list[str]:
    notes = [f"{each[:1].upper()}{each[1:]}" for each in answering.evidence]
    if answering.checked:
        notes.append(f"Expectations: {len(answering.checked)} of the schema and of the answer, in the ledger.")
    return [*notes, f"Ran: {done.sql}"] if done.repairs else notes


async def _answered(source: str, sql: str, on_drift: OnDrift) -> tuple[Answering, Table, bool]:
    name, overrides = await named(source)
    async with Ledger.open(HoldfastSettings().ledger) as ledger:
        found = await discover(name, overrides, ledger, utc_now(), timeout_seconds=TIMEOUT_SECONDS)

        async def read(work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
            return await read_source(name, overrides, TIMEOUT_SECONDS, work)

        async def approve(done: Prepared) -> None:
            _approve(saved, done)

        saved = Saved(name, sql, on_drift, approvers=("terminal",))
        answering = Answering(saved, found, Asker(read, ledger, utc_now, TIMEOUT_SECONDS, approve))
        try:
            table, cut = await answering.answer()
        finally:
            await record_expectations(answering)
        return answering, table, cut


def _approve(saved: Saved, done: Prepared) -> None:
    """Asks in the terminal.

    Raises:
        DriftRefused: the answer was no, or there is no terminal.
    """
    typer.echo(f"Saved: {saved.sql}", err=True)
    typer.echo(f"Repaired: {done.sql}", err=True)
    if sys.stdin.isatty() and typer.confirm("Run it repaired?", err=True):
        return
    raise DriftRefused(
        f"source {saved.source!r} has drifted under the saved query {saved}: {'; '.join(done.repairs)}",
        means="the repair was not approved" if sys.stdin.isatty() else "there is no terminal to approve the repair in",
        mend="mend the SQL, or answer with --on-drift repair",
    )
