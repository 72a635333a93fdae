"""A real Prefect server with its UI, on SQLite, on a free port of 127.0.0.1.

On PostgreSQL it wants the extension pg_trgm, which the wheel that the tests use does not have (checked 2026-11).
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.servers.processes import kill, stop

START_SECONDS = 120


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PrefectServer:
    """A server that keeps everything under `home` and comes back at the same address when it is started again."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.api = f"http://127.0.0.1:{self.port}/api"
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once the server answers."""
        environment = {
            **os.environ,
            "PREFECT_HOME": str(self._home),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            # The UI would otherwise call port 4200, whatever the port.
            "PREFECT_UI_API_URL": self.api,
            "PREFECT_API_URL": self.api,
        }
        log = self._home / "server.log"
        self._home.mkdir(parents=True, exist_ok=True)
        with log.open("a") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _wait_until_healthy(self.api, self._process, log)

    def kill(self) -> None:
        """Ends it with SIGKILL, with everything that it started."""
        if self._process is not None:
            kill(self._process)

    def stop(self) -> None:
        """Ends it by its own process group."""
        if self._process is not None:
            stop(self._process)


@contextmanager
def prefect_server(home: Path) -> Iterator[str]:
    """The API URL of a server that keeps everything under `home`; it is stopped by its own process group."""
    server = PrefectServer(home)
    try:
        server.start()
        yield server.api
    finally:
        server.stop()


def _wait_until_healthy(api: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the Prefect server ended with {server.returncode}: {log.read_text()[-2000:]}")
        try:
            if httpx.get(f"{api}/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"the Prefect server did not answer in {START_SECONDS} s: {log.read_text()[-2000:]}")
