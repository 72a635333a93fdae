"""Shows what a source has, and what changed in it, for the command line."""

import asyncio
from collections.abc import Iterator

import typer

from blocks.ledger import Ledger
from blocks.schemas.snapshot import Column, Relation
from blocks.settings import HoldfastSettings
from blocks.words import counted
from deployments.local_server import quiet_prefect
from deployments.places import named
from deployments.results import print_json
from tasks.context import utc_now
from tasks.drift.discover import Discovery, discover

TIMEOUT_SECONDS = 60.0


def show_schema(source: str, *, as_json: bool) -> None:
    """Prints the schema of a source by its name, or of a database by its URL or path.

    Raises:
        SourceUnknown, SourceUnavailable, CredentialsRefused, OperatorError: it cannot be read.
    """
    quiet_prefect()
    found = asyncio.run(_discovered(source))
    if as_json:
        print_json(_as_json(found))
    else:
        for line in _lines(found):
            typer.echo(line)


async def _discovered(source: str) -> Discovery:
    name, overrides = await named(source)
    async with Ledger.open(HoldfastSettings().ledger) as ledger:
        return await discover(name, overrides, ledger, utc_now(), timeout_seconds=TIMEOUT_SECONDS)


def _lines(found: Discovery) -> Iterator[str]:
    tables = sum(relation.kind == "table" for relation in found.now.relations)
    views = len(found.now.relations) - tables
    yield f"{found.source} ({found.now.dialect}): {counted(tables, 'table')}, {counted(views, 'view')}"
    width = max((len(str(relation.name)) for relation in found.now.relations), default=0)
    for relation in found.now.relations:
        yield f"{relation.name!s:<{width}}  {_columns(relation)}"
    yield ""
    yield from _history(found)


def _history(found: Discovery) -> Iterator[str]:
    if found.before is None:
        yield "It was never seen before, so there is nothing to compare it with."
        return
    since = f"{found.before.at:%Y-%m-%d %H:%M} UTC"
    if found.not_compared:
        yield found.not_compared
    elif not found.changes:
        yield f"Nothing has changed since {since}."
    else:
        yield f"Changed since {since}:"
        for change in found.changes:
            why = f" ({change.score:.0%} sure: {'; '.join(change.evidence)})" if change.evidence else ""
            yield f"- {change}{why}"


def _columns(relation: Relation) -> str:
    if not relation.columns:
        return f"{relation.kind} that its database cannot read"
    return ", ".join(_column(column, relation) for column in relation.columns)


def _column(column: Column, relation: Relation) -> str:
    key = " key" if column.name in relation.primary_key else ""
    required = " not null" if not column.nullable and not key and relation.kind == "table" else ""
    return f"{column.name} {column.type.lower()}".rstrip() + key + required


def _as_json(found: Discovery) -> dict[str, object]:
    return {
        "source": found.source,
        **found.now.model_dump(mode="json"),
        "compared_with": found.before.at.isoformat() if found.before and not found.other_database else None,
        "other_database": found.other_database,
        "changes": [{**change.model_dump(mode="json"), "said": str(change)} for change in found.changes],
    }
