"""Artifacts in the Prefect UI: what is told of a run beside its result."""

import asyncio
import re
from collections.abc import Awaitable

from tasks.context import run_logger


def artifact_key(*parts: str) -> str:
    """A key as Prefect takes it: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-") or "artifact"


async def show(*artifacts: Awaitable[object]) -> None:
    """Writes the artifacts at once; of one that cannot be written the run's log tells, for it may cost no answer."""
    for error in await asyncio.gather(*artifacts, return_exceptions=True):
        if isinstance(error, Exception):
            run_logger().warning("an artifact is missing in the Prefect UI: %s", error)
