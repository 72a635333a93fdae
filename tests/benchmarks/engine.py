"""What the engine costs beside what it stands on: `uv run python -m tests.benchmarks.engine [--quick]`.

Compared are this engine, bare Prefect tasks with the options that the engine gives to its own (the ratio that counts),
bare Prefect tasks with default options, and plain asyncio with no Prefect at all. Each reads `SELECT 1 AS one` per
node (ways.py says what that is), so the difference to bare Prefect is the scope, the ledger, the events, the walk, and
once per run the two artifacts. A time is from the call of a warm flow to its end on a warm, idle server.

Everything runs on a Prefect server, a PostgreSQL, a model server and homes of its own, in a temporary folder. It
asserts nothing: how long things take is the machine's matter too.
"""

import json
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any

from tests.benchmarks.surroundings import surroundings
from tests.servers.model_server import Slow, model_server
from tests.servers.postgres import postgres
from tests.servers.processes import stop_servers_when_terminated

ROOT = Path(__file__).parent.parent.parent
SHAPES = ("chain", "fan")
WAYS = {
    "engine": "engine",
    "prefect": "bare Prefect, same options",
    "prefect_defaults": "bare Prefect, defaults",
    "asyncio": "asyncio",
}
WAITS = {
    "models_engine": "engine, reason nodes (a model's answer)",
    "models_prefect": "bare Prefect, same (a model's answer)",
    "postgresql_engine": "engine, query nodes (PostgreSQL)",
    "postgresql_prefect": "bare Prefect, same (PostgreSQL)",
    "postgresql_asyncio": "asyncio, same (PostgreSQL)",
}
MEMORY_NODES = 100
STARTS = 5
MOST_RATIO, MOST_WAITING_SECONDS, MOST_HELP_SECONDS = 1.15, 1.5, 0.5
ONE_NODE = """
    name: one-node
    nodes: [{id: one, kind: query, source: small, sql: SELECT 1 AS one}]
    outputs: {one: {from: one, columns: {one: integer}}}
"""


def main() -> None:
    """Prints the tables and, per target, whether it is met."""
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only 10 and 100 nodes")
    stop_servers_when_terminated()
    nodes = ("10", "100") if parser.parse_args().quick else ("10", "100", "500")
    with TemporaryDirectory(prefix="holdfast-benchmark-") as name, surroundings(Path(name)) as folder:
        targets = [_timings(folder, nodes), _waiting(folder), _starts(folder)]
        _memory(folder)
    print("\nTargets")
    print("\n".join(line for lines in targets for line in lines))


def _timings(folder: Path, nodes: Sequence[str]) -> list[str]:
    print("Milliseconds per node: median (least to most), CPU of this process, times bare Prefect's with same options")
    targets = []
    for shape in SHAPES:
        for count, taken in _measured("timings", folder, shape, *nodes).items():
            base = _medians(taken["prefect"])
            for way, label in WAYS.items():
                wall, cpu = _medians(taken[way])
                each = [seconds * 1000 / int(count) for seconds, _ in taken[way]]
                print(
                    f"{shape:6} {count:>4} nodes  {label:27} {median(each):6.2f} ({min(each):.2f} to {max(each):.2f})"
                    f"  CPU {cpu * 1000 / int(count):6.2f}  x{wall / base[0]:.2f}, CPU x{cpu / base[1]:.2f}",
                    flush=True,
                )
            if count == "100":
                ratio = _medians(taken["engine"])[0] / base[0]
                targets.append(_target(f"{shape} of 100 nodes, times bare Prefect", ratio, MOST_RATIO))
    return targets


def _waiting(folder: Path) -> list[str]:
    print(
        "\nSeconds of 50 nodes beside each other that each wait one second: median (least to most), beyond the second"
    )
    targets = []
    with model_server() as models, _postgres(folder / "postgres") as database:
        models.always(Slow(1.0))
        for way, taken in _measured("waiting", folder, models.url, database).items():
            each = [seconds for seconds, _ in taken]
            print(f"{WAITS[way]:40} {median(each):.2f} ({min(each):.2f} to {max(each):.2f})  {median(each) - 1:+.2f}")
            if "engine" in WAITS[way]:
                targets.append(_target(f"50 waiting nodes, {WAITS[way]}, s", median(each), MOST_WAITING_SECONDS))
    return targets


def _starts(folder: Path) -> list[str]:
    file, database = folder / "one-node.yaml", folder / "small.db"
    file.write_text(dedent(ONE_NODE))
    modules = "deployments.runs, flows.engine, tasks.query.task, tasks.frames"
    starts = {
        "python -c pass": ("-c", "pass"),
        "holdfast --help": ("-m", "deployments.cli", "--help"),
        "import flows.engine": ("-c", "import flows.engine"),
        "import all of a run": ("-c", f"import {modules}"),
        "holdfast run, one node": ("-m", "deployments.cli", "run", str(file), "--source", f"small={database}"),
    }
    print("\nSeconds of a process from its start to its end: median (least to most)")
    taken: dict[str, list[float]] = {name: [] for name in starts}
    for _ in range(STARTS):
        for name, arguments in starts.items():
            began = time.perf_counter()
            _python(*arguments)
            taken[name].append(time.perf_counter() - began)
    for name, each in taken.items():
        print(f"{name:24} {median(each):.2f} ({min(each):.2f} to {max(each):.2f})")
    return [_target("holdfast --help, s", median(taken["holdfast --help"]), MOST_HELP_SECONDS)]


def _memory(folder: Path) -> None:
    print(f"\nMB of memory at the most, of a process that runs {MEMORY_NODES} nodes one way")
    for shape in SHAPES:
        for way, label in WAYS.items():
            print(f"{shape:6} {label:27} {_measured('memory', folder, shape, str(MEMORY_NODES), way):6.0f}", flush=True)


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """The URL of a PostgreSQL of its own; empty where there is none."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres(folder))
        except ImportError:
            yield ""
        else:
            yield server.get_uri(driver="asyncpg")


def _measured(*arguments: object) -> Any:
    """What tests.benchmarks.measure finds in a process of its own."""
    return json.loads(_python("-m", "tests.benchmarks.measure", *map(str, arguments)).splitlines()[-1])


def _python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _medians(taken: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Of wall time and of CPU time."""
    return median(wall for wall, _ in taken), median(cpu for _, cpu in taken)


def _target(what: str, figure: float, most: float) -> str:
    return f"{'met    ' if figure <= most else 'NOT met'}  {what}: {figure:.2f}, at most {most:g}"


if __name__ == "__main__":
    main()
