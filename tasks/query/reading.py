"""How a query node reads its source: the schema that its run found, and connections that are bounded in time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.sources import Read, read_source
from tasks.context import current_run
from tasks.drift.discover import Discovery
from tasks.drift.task import schema_of
from tasks.outcome import Gap
from tasks.query.node import QueryNode

T = TypeVar("T")


async def schema_for(node: QueryNode) -> Discovery:
    """The schema of the node's source as this run found it.

    Raises:
        SourceUnknown, SourceUnavailable, CredentialsRefused, QueryRefused, OperatorError: it cannot be read.
    """
    async with asyncio.timeout(node.timeout_seconds):
        return await schema_of(node.source, node.timeout_seconds)


def reader(node: QueryNode) -> Read:
    """Reads the node's source, each time within the node's timeout: one that may wait for a person has no other."""
    run = current_run()

    async def read(work: Callable[[AsyncConnection], Coroutine[Any, Any, T]], /) -> T:
        async with asyncio.timeout(node.timeout_seconds):
            return await read_source(node.source, run.sources, node.timeout_seconds, work, run.connectors)

    return read


def cut_gaps(node: QueryNode, cut: bool) -> tuple[Gap, ...]:
    """The gap of an answer that was cut at the node's most rows."""
    reason = f"only the first {node.max_rows} rows were read"
    return (Gap(node=node.id, reason=reason, since=current_run().now()),) if cut else ()
