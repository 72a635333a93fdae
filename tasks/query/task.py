"""Runs a saved query and returns its rows as a typed table."""

import re
from collections.abc import Collection
from itertools import pairwise

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import InputRefused, QueryRefused
from blocks.sources import read_source
from tasks.context import current_run
from tasks.node_task import node_task
from tasks.outcome import Gap, Outcome, Scope, Table
from tasks.query.guard import parameter_names, read_only
from tasks.query.node import QueryNode
from tasks.templates import render

_BEFORE_SLICE = re.compile(r"[\w)\]]")


@node_task
async def answer_query(node: QueryNode, scope: Scope) -> Outcome:
    """The rows of the node's SQL, read in a read-only transaction.

    Raises:
        QueryRefused: the SQL writes, or the database refuses it.
        InputRefused: a `:name` has no value.
        SourceUnknown, SourceUnavailable, CredentialsRefused: the database cannot be read.
    """
    read_only(node.sql)
    statement = _bound(node, scope)
    run = current_run()
    table, cut = await read_source(
        node.source,
        run.sources,
        node.timeout_seconds,
        lambda connection: _fetch(connection, statement, node.max_rows),
        run.connectors,
    )
    gaps = scope.gaps
    if cut:
        gaps += (Gap(node=node.id, reason=f"only the first {node.max_rows} rows were read", since=run.now()),)
    evidence = (f"{len(table.rows)} rows from {node.source}",)
    return Outcome(table=table, gaps=gaps, evidence=evidence, confidence=1.0)


def _bound(node: QueryNode, scope: Scope) -> TextClause:
    values: dict[str, object] = {name: render(template, scope) for name, template in node.parameters.items()}
    names = parameter_names(node.sql)
    for name in names:
        if name not in values and name not in scope.inputs:
            raise InputRefused(
                f"the SQL's :{name} has no value",
                mend=f"add an input named {name}, or parameters: {{{name}: ...}}",
            )
        values.setdefault(name, scope.inputs.get(name))
    colons = _colons(node.sql, names)
    bound = dict.fromkeys(colons.values())
    # SQLAlchemy would take a colon in a literal, a comment or before `::type` for a parameter's, so those are escaped.
    sql = "".join(char if char != ":" or at in colons else r"\:" for at, char in enumerate(node.sql))
    return text(sql).bindparams(*(bindparam(name, values[name]) for name in bound))


def _colons(sql: str, names: Collection[str]) -> dict[int, str]:
    """The place of every colon that begins a parameter, with the parameter's name."""
    if not names:
        return {}
    from sqlglot import TokenError, TokenType, tokenize  # slow to import

    try:
        tokens = tokenize(sql)
    except TokenError:  # such as a literal in dollars; the guard has parsed it, so one dialect knows it
        tokens = tokenize(sql, dialect="postgres")
    return {
        colon.start: name.text
        for colon, name in pairwise(tokens)
        if colon.token_type is TokenType.COLON
        and name.start == colon.end + 1
        and name.text in names
        and name.text.isidentifier()
        # In `prices[1:last]` the colon is a slice's.
        and not _BEFORE_SLICE.match(sql, colon.start - 1)
    }


async def _fetch(connection: AsyncConnection, statement: TextClause, max_rows: int) -> tuple[Table, bool]:
    from tasks.frames import table_of_rows  # pandas is slow to import; a run without rows never needs it

    async with connection.stream(statement) as result:
        names = list(result.keys())
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise QueryRefused(f"the SQL gives two columns called {', '.join(twice)}", mend="name each with AS")
        rows = await result.fetchmany(max_rows + 1)
    try:
        return table_of_rows(names, rows[:max_rows]), len(rows) > max_rows
    except TypeError as error:
        raise QueryRefused(f"the SQL's {error}", mend="give it as text or as a number, with CAST") from error
