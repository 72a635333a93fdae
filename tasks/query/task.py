"""Runs a saved query and returns its rows as a typed table."""

from sqlalchemy import TextClause

from blocks.errors import InputRefused
from blocks.sources import read_source
from tasks.context import current_run
from tasks.node_task import node_task
from tasks.outcome import Gap, Outcome, Scope
from tasks.query.guard import parameter_names, read_only
from tasks.query.node import QueryNode
from tasks.query.statement import fetch, statement
from tasks.templates import render


@node_task
async def answer_query(node: QueryNode, scope: Scope) -> Outcome:
    """The rows of the node's SQL, read in a read-only transaction.

    Raises:
        QueryRefused: the SQL writes, or the database refuses it.
        InputRefused: a `:name` has no value.
        SourceUnknown, SourceUnavailable, CredentialsRefused: the database cannot be read.
    """
    read_only(node.sql)
    bound = _bound(node, scope)
    run = current_run()
    table, cut = await read_source(
        node.source,
        run.sources,
        node.timeout_seconds,
        lambda connection: fetch(connection, bound, node.max_rows),
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
    return statement(node.sql, {name: values[name] for name in names})
