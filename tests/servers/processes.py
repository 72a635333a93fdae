"""Ends a program that a test started, or the program itself, with everything that it started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_SECONDS = 20


@contextmanager
def running(*words: str, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m` of these words, in a session of its own at the top of the project; stopped by its process group."""
    process = subprocess.Popen(
        (sys.executable, "-m", *words),
        cwd=Path(__file__).parent.parent.parent,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        stop(process)


@contextmanager
def worker(pool: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process worker on the pool, which is made where there is none; its runs end with it."""
    words = ("prefect", "--no-prompt", "worker", "start", "--pool", pool, "--type", "process")
    with running(*words, PREFECT_WORKER_QUERY_SECONDS="1") as process:
        yield process


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ends the process, which must have been started in a session of its own, and its group."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:  # seen of a Prefect worker (3.8)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Ends the process, which must have been started in a session of its own, and its group, with SIGKILL."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def stop_servers_when_terminated() -> None:
    """From now on SIGTERM ends this program as an exit does, so that its `with` blocks stop their servers."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
