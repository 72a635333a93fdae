"""Ends a program that a test started, with everything that it started itself."""

import os
import signal
import subprocess

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
