"""Fifty runs in four processes share one limit; a plain retry loop on the same server does not stay within it."""

from pathlib import Path

import pytest

from tests.blocks.services.callers import PRESETS, Load, under_load
from tests.servers.limited_api import Dialect, FixedWindow, TokenBucket, limited_api
from tests.servers.limits import Limit

CALLS = 3
UNDER_WAY = 4 * 4
"""How many requests four processes have under way at most, by the block's concurrency."""


def load(kind: str, dialect: Dialect, runs: int = 13) -> Load:
    return Load(kind, PRESETS.get(dialect, "rest"), processes=4, runs=runs, calls=CALLS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("dialect", "limit"),
    [
        (Dialect.RETRY_AFTER, TokenBucket(10, 10.0)),
        # Three windows are just enough for all.
        (Dialect.IETF, FixedWindow(54, 5.0)),
    ],
    ids=str,
)
def test_after_a_refusal_nobody_asks_before_its_time_and_the_limit_is_used_up(
    tmp_path: Path, dialect: Dialect, limit: Limit
) -> None:
    with limited_api(dialect, limit) as api:
        done = under_load(api.url, f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}", load("holdfast", dialect))

    assert (done.ok, done.gave_up) == (4 * 13 * CALLS, 0)
    # Where only a refusal tells of the limit, what was under way when the first one came could not know; on a machine
    # that is short of processors it takes longer to arrive than the server's grace.
    assert api.stats.while_limited <= (UNDER_WAY if dialect is Dialect.RETRY_AFTER else 0)
    said = api.stats.as_json()
    assert said["served"] / said["possible"] >= 0.9


def test_a_loop_that_asks_again_at_once_is_refused_again_and_again(tmp_path: Path) -> None:
    with limited_api(Dialect.RETRY_AFTER, TokenBucket(20, 20.0)) as api:
        done = under_load(
            api.url, f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}", load("at once", Dialect.RETRY_AFTER)
        )

    assert done.gave_up > 0
    assert api.stats.while_limited > api.stats.served
