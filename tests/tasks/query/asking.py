"""Asks a query node's task outside a Prefect flow, in a run with the session's ledger."""

import inspect
from typing import Any, cast
from uuid import uuid4

from pydantic import JsonValue

from blocks.ledger import Ledger
from blocks.settings import HoldfastSettings
from tasks.context import RunContext, enter_run, leave_run, utc_now
from tasks.drift.discover import discover
from tasks.outcome import Cell, Outcome, Scope, Table
from tasks.query.node import QueryNode
from tasks.query.task import answer_query


async def asked(url: str, sql: str, *, scope: Scope | None = None, **fields: Any) -> Outcome:
    """The outcome of one query on the database."""
    sources, node = {"shop": url}, QueryNode(id="spend", source="shop", sql=sql, **fields)
    async with Ledger.open(HoldfastSettings().ledger) as ledger:
        run = RunContext(run_id=uuid4(), workflow="test", team="test", ledger=ledger, sources=sources)
        # The schema's own task needs a flow.
        run.schemas.begin(
            "shop", lambda: discover("shop", sources, ledger, utc_now(), timeout_seconds=node.timeout_seconds)
        )
        token = enter_run(run)
        try:
            return cast(Outcome, await inspect.unwrap(answer_query.fn)(node, scope or Scope()))
        finally:
            leave_run(token)
            await run.close()


async def table(url: str, sql: str, **inputs: JsonValue) -> Table:
    """The table that the query gives."""
    found = (await asked(url, sql, scope=Scope(inputs=inputs))).table
    assert found is not None
    return found


async def row(url: str, sql: str, **inputs: JsonValue) -> tuple[Cell, ...]:
    """The one row that the query gives."""
    (only,) = (await table(url, sql, **inputs)).rows
    return only
