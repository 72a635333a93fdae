"""What gates that wait cost: `uv run python -m tests.benchmarks.gates [SUSPENDED] [PAUSED]`.

So many runs of a deployment are suspended at their gate, and the memory of everything that is left is measured: the
Prefect server and a worker. Beside it so many runs wait paused, each with its process as `holdfast run` starts it; what
as many of these as of the others would hold is extrapolated, which leaves out what a machine does once it swaps.
Memory is the proportional set size of each process (Linux), so that shared pages count once. Then `watch-approvals`
looks at all the gates, with nothing due and with a reminder due at each.

It ends with status 1 where a look with nothing due takes more than 2 s, or a suspended run has left a process.
"""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from prefect.client.orchestration import get_client
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Pending

from flows.definitions import load
from flows.engine import build, run_options
from tasks.approve.pause import patiently
from tests.benchmarks.surroundings import surroundings
from tests.deployments.commands import ROOT
from tests.flows.office import Office, office
from tests.servers.processes import running, worker

GATE = """
name: waits
nodes:
  - {id: sign-off, kind: approve, approvers: [alice], timeout: 8h, remind_every: 1h}
"""
AT_ONCE = 2
LOOKS = 5
MOST_SECONDS = 2.0


def memory_mb(*pids: int) -> float:
    """The proportional set size of the processes and of all that they started."""
    total = 0
    for pid in pids:
        lines = _file(pid, "smaps_rollup").splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        children = [int(child) for child in _file(pid, f"task/{pid}/children").split()]
        total += int(memory_mb(*children) * 1024)
    return total / 1024


def processes(pid: int) -> int:
    """How many processes that one has started, and these."""
    children = [int(child) for child in _file(pid, f"task/{pid}/children").split()]
    return len(children) + sum(map(processes, children))


def _file(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def suspend(desk: Office, count: int) -> None:
    """So many runs of a deployment, each until it is suspended; the engine runs them in this process."""
    flow = build(load(GATE, "waits"))
    run_options.set(desk.options())
    async with get_client() as client:
        deployment = await client.create_deployment(await client.create_flow(flow), flow.name)
        left = iter(range(count))

        async def some() -> None:
            for _ in left:
                # Prefect's server answers 503 where its SQLite is busy for long.
                flow_run = await patiently(client.create_flow_run_from_deployment)(deployment, state=Pending())
                try:
                    await run_flow(flow, flow_run=flow_run, return_type="state")  # type: ignore[misc]
                except Pause:
                    continue
                raise RuntimeError(f"run {flow_run.id} was not suspended")

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))


async def looks(desk: Office) -> list[float]:
    """The seconds of each look of watch-approvals."""
    taken = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        await desk.watch()
        taken.append(time.perf_counter() - began)
    return taken


async def measure(folder: Path, suspended: int, paused: int) -> bool:
    """Prints the figures; whether the targets are met."""
    server = _server_pid()
    async with office({}) as desk:
        before = memory_mb(server)
        began = time.perf_counter()
        await suspend(desk, suspended)
        took = time.perf_counter() - began
        with worker("holdfast") as process:
            await asyncio.sleep(20)
            after, of_worker, left = memory_mb(server), memory_mb(process.pid), processes(process.pid)
        quiet = await looks(desk)
        desk.clock.advance(hours=1)
        told = len(desk.mail.mails)
        began = time.perf_counter()
        await desk.watch()
        reminding = time.perf_counter() - began
        reminded = len(desk.mail.mails) - told
        each = await _paused(desk, folder, paused)
    whole, other = after + of_worker, after + suspended * each
    print(f"{suspended} runs suspended at a gate in {took:.0f} s; {paused} paused, each with its process\n")
    print(f"{'memory in MB':<46}{'server':>9}{'runs':>9}{'worker':>9}{'all':>10}")
    print(f"{f'{suspended} suspended':<46}{after:>9.0f}{0:>9}{of_worker:>9.0f}{whole:>10.0f}")
    label = f"{suspended} paused, extrapolated from {paused}"
    print(f"{label:<46}{after:>9.0f}{suspended * each:>9.0f}{'':>9}{other:>10.0f}")
    print(f"the server held {before:.0f} MB before; a paused run holds {each:.0f} MB; ratio {whole / other:.4f}\n")
    print(f"watch-approvals over {suspended} gates, nothing due: {median(quiet):.2f} s (each: {_list(quiet)})")
    print(f"watch-approvals over {suspended} gates, {reminded} reminders due and sent: {reminding:.2f} s")
    targets = {
        f"a look with nothing due takes at most {MOST_SECONDS} s": median(quiet) <= MOST_SECONDS,
        "no process is left of a suspended run": left == 0,
    }
    print()
    for target, met in targets.items():
        print(f"{'met' if met else 'MISSED':<8} {target}")
    return all(targets.values())


async def _paused(desk: Office, folder: Path, count: int) -> float:
    """The MB of one run that waits with its process, on the average of so many."""
    (folder / "waits.yaml").write_text(GATE)
    told = len(desk.mail.mails)
    with ExitStack() as stack:
        command = ("deployments.cli", "run", str(folder / "waits.yaml"))
        pids = [stack.enter_context(running(*command)).pid for _ in range(count)]
        async with asyncio.timeout(60 + 30 * count):
            while len(desk.mail.mails) < told + count:
                await asyncio.sleep(0.5)
        await asyncio.sleep(5)
        return memory_mb(*pids) / count


def _server_pid() -> int:
    """The other program that this one's parent has started."""
    children = _file(os.getppid(), f"task/{os.getppid()}/children").split()
    (pid,) = (int(child) for child in children if int(child) != os.getpid())
    return pid


def _list(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def main() -> int:
    """The exit status."""
    suspended, paused = (given or usual for given, usual in zip_longest(sys.argv[1:], ("1000", "8")))
    with TemporaryDirectory() as name, surroundings(Path(name)):
        # A process of its own, because Prefect reads its settings when it is imported.
        command = (sys.executable, "-m", "tests.benchmarks.gates", "here", name, suspended, paused)
        return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:2] == ["here"]:
        sys.exit(0 if asyncio.run(measure(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))) else 1)
    sys.exit(main())
