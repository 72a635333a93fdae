"""Which database and folder each source of a run means: an override, a saved block, or the sample company."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from prefect_sqlalchemy import AsyncSqlAlchemyConnector

from blocks.documents import DocumentCollection
from blocks.errors import DefinitionRefused, Problem
from blocks.samples import SAMPLE_SOURCES, make_samples
from blocks.saved import is_saved
from blocks.settings import HoldfastSettings
from flows.workflow import Workflow
from tasks.context import utc_now
from tasks.query.node import QueryNode


async def source_overrides(
    workflow: Workflow, given: Mapping[str, str], settings: HoldfastSettings
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The sources of a run that are not blocks, by name, and what its documents must say of them.

    Raises:
        DefinitionRefused: a node names a source that is nowhere; names them all.
    """
    unknown = await _unknown(workflow, given)
    sampled = [name for name in unknown if workflow.samples and name in SAMPLE_SOURCES]
    problems = tuple(
        Problem(
            "unknown-source",
            f"node {node}, field source",
            f"there is no source {name!r}; save a Prefect block of that name, or run with --source {name}=URL",
        )
        for name, node in unknown.items()
        if name not in sampled
    )
    if problems:
        raise DefinitionRefused.because(workflow.name, problems)
    if not sampled:
        return given, ()
    last_month = utc_now().replace(day=1) - timedelta(days=1)
    samples = await asyncio.to_thread(make_samples, settings.home / "samples", f"{last_month:%Y-%m}")
    places = {**samples.sources, "documents": str(samples.documents)}
    note = f"Sample data, not your company's: {', '.join(sampled)}."
    return {**{name: places[name] for name in sampled}, **given}, (note,)


async def _unknown(workflow: Workflow, given: Mapping[str, str]) -> dict[str, str]:
    """The sources with neither override nor block, with the first node that names each."""
    missing = {}
    for name, node in workflow.sources.items():
        if name not in given:
            block = AsyncSqlAlchemyConnector if isinstance(node, QueryNode) else DocumentCollection
            if not await is_saved(block, name):
                missing[name] = node.id
    return missing
