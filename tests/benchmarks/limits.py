"""What 52 concurrent runs make of a limited API: `uv run python -m tests.benchmarks.limits [DIALECT ...]`.

In four processes, each against a loopback server that enforces the limit and speaks one dialect (all of them where
none is named): Holdfast's client, one that asks again at once, one that waits one second, and that one behind a global
concurrency limit of Prefect with the server's own figures; these give a call up after ten tries. Said of each: calls
made and given up, requests wasted (refused), of these how many were sent although the API had said to wait, the time
to the end, and the share of what the limit allowed in that time.

It ends with status 1 where Holdfast's client sent one of those, gave a call up, or used less than 90 % of the limit.
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.exceptions import ObjectNotFound

from tests.benchmarks.surroundings import surroundings
from tests.blocks.services.callers import PREFECT_LIMIT, PRESETS, Kind, Load, under_load
from tests.servers.limited_api import Dialect, FixedWindow, TokenBucket, limited_api
from tests.servers.limits import Limit

KINDS: tuple[Kind, ...] = ("holdfast", "at once", "fixed", "prefect")
CALLS = 11
WINDOWS = (Dialect.GITHUB, Dialect.JIRA, Dialect.IETF, Dialect.RATELIMIT_OLD)
LEAST_SHARE = 0.9


def limit_for(dialect: Dialect) -> Limit:
    """What the server enforces: where answers say when a window ends, a window; HubSpot's by its own figures."""
    if dialect is Dialect.HUBSPOT:
        return FixedWindow(100, 10.0)
    return FixedWindow(200, 10.0) if dialect in WINDOWS else TokenBucket(20, 20.0)


async def set_prefect_limit(limit: Limit) -> None:
    """Makes Prefect's limit what the server enforces: of a window, spread over it, so that none is ever passed."""
    spread = isinstance(limit, FixedWindow)
    slots = 1 if spread else limit.capacity
    per_second = limit.capacity / limit.window_seconds if isinstance(limit, FixedWindow) else limit.per_second
    async with get_client() as client:
        with suppress(ObjectNotFound):
            await client.delete_global_concurrency_limit_by_name(PREFECT_LIMIT)
        await client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name=PREFECT_LIMIT, limit=slots, slot_decay_per_second=per_second)
        )


def measured(dialect: Dialect, kind: Kind) -> bool:
    """Prints how it went; False where Holdfast's client fell short."""
    limit = limit_for(dialect)
    asyncio.run(set_prefect_limit(limit))
    with TemporaryDirectory() as folder, limited_api(dialect, limit) as api:
        ledger = f"sqlite+aiosqlite:///{Path(folder) / 'ledger.db'}"
        done = under_load(api.url, ledger, Load(kind, PRESETS.get(dialect, "rest"), 4, 13, CALLS))
        said = api.stats.as_json()
    share = said["served"] / said["possible"]
    print(
        f"{dialect:18} {kind:9} {done.ok:4} made {done.gave_up:4} given up {said['refused']:7} wasted "
        f"{said['while_limited']:7} while limited {done.seconds:6.1f} s {share:5.0%} of the limit",
        flush=True,
    )
    return kind != "holdfast" or (said["while_limited"] == 0 and done.gave_up == 0 and share >= LEAST_SHARE)


def main() -> None:
    """Measures the dialects that are named, or all."""
    dialects = [Dialect(name) for name in sys.argv[1:]] or list(Dialect)
    with TemporaryDirectory() as folder, surroundings(Path(folder)):
        well = [measured(dialect, kind) for dialect in dialects for kind in KINDS]
    sys.exit(0 if all(well) else 1)


if __name__ == "__main__":
    main()
