"""Serves an ASGI application on 127.0.0.1 from a thread of the test's own process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from starlette.applications import Starlette

BACKLOG = 2048
STOP_SECONDS = 10


def listen(port: int = 0) -> tuple[socket.socket, str]:
    """A socket that listens, on a free port where none is named, and its URL."""
    listening = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
    # asyncio sets it only where a socket's `proto` says TCP, which this one's does not (3.11); without it each answer
    # on a kept connection takes 40 ms, as uvicorn sends its head and its body apart.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def serving(app: Starlette, listening: socket.socket, name: str) -> Iterator[None]:
    """Runs it until the block ends, also where an answer is under way then."""
    config = uvicorn.Config(
        app, http="h11", ws="none", lifespan="off", log_config=None, log_level="critical", access_log=False,
        timeout_keep_alive=600,  # a client that waits for its limit finds its connection as it left it
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([listening],), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        thread.join(timeout=STOP_SECONDS)
        listening.close()
        assert not thread.is_alive(), f"the {name} does not stop"
