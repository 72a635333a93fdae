"""Reads a source's schema before a run's first query on it, as a task of its own in the Prefect UI."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.context import current_run
from tasks.drift.discover import Discovery, discover
from tasks.drift.story import write_changes


async def schema_of(source: str, timeout_seconds: float) -> Discovery:
    """The source's schema as this run found it; the first that asks has it read."""

    async def read() -> Discovery:
        found: Discovery = await read_schema.with_options(task_run_name=f"schema of {source}")(source, timeout_seconds)
        return found

    return await current_run().schemas.get(source, read)


@task(persist_result=False, cache_policy=NO_CACHE)
async def read_schema(source: str, timeout_seconds: float) -> Discovery:
    """The source's schema as it is now; what changed since it was last seen is an artifact.

    Raises:
        SourceUnknown, SourceUnavailable, CredentialsRefused, QueryRefused, OperatorError: as discover says.
    """
    run = current_run()
    found = await discover(
        source,
        run.sources,
        run.ledger,
        run.now(),
        timeout_seconds=timeout_seconds,
        run_id=run.run_id,
        opened=run.connectors,
    )
    if found.changes:
        await write_changes(found)
    return found
