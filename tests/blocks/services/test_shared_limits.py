"""Fifty runs in four processes share one limit; a plain retry loop on the same server does not stay within it.

How much of the limit they use is measured by tests/benchmarks/limits.py and, in no real time, test_allowance_shared.py.
"""

from pathlib import Path

import pytest

from tests.blocks.services.callers import PRESETS, Load, under_load
from tests.servers.limited_api import Dialect, FixedWindow, TokenBucket, limited_api
from tests.servers.limits import Limit

CALLS = 3


def load(kind: str, dialect: Dialect, runs: int = 13) -> Load:
    return Load(kind, PRESETS.get(dialect, "rest"), processes=4, runs=runs, calls=CALLS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("dialect", "limit"),
    [
        (Dialect.RETRY_AFTER, TokenBucket(20, 20.0)),
        # Two windows are just enough for all.
        (Dialect.IETF, FixedWindow(80, 3.0)),
    ],
    ids=str,
)
def test_after_a_refusal_nobody_asks_before_its_time(tmp_path: Path, dialect: Dialect, limit: Limit) -> None:
    with limited_api(dialect, limit) as api:
        done = under_load(api.url, f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}", load("holdfast", dialect))

    assert (done.ok, done.gave_up) == (4 * 13 * CALLS, 0)
    assert api.stats.while_limited == 0


def test_a_loop_that_asks_again_at_once_is_refused_again_and_again(tmp_path: Path) -> None:
    with limited_api(Dialect.RETRY_AFTER, TokenBucket(20, 20.0)) as api:
        done = under_load(
            api.url, f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}", load("at once", Dialect.RETRY_AFTER)
        )

    assert done.gave_up > 0
    assert api.stats.while_limited > api.stats.served
