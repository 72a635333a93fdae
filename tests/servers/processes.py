"""Ends a program that a test started, or the program itself, with everything that it started."""

import os
import signal
import subprocess
import sys

PATIENCE_SECONDS = 20


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
