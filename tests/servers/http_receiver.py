"""An HTTP server on 127.0.0.1 that keeps what is posted to it: Slack's chat.postMessage, and any webhook."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "xoxb-loopback-41c9"  # noqa: S105  # it opens nothing but this server


@dataclass(frozen=True)
class Posted:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any
    """The parsed JSON; the bytes where it is none."""


@dataclass
class Receiver:
    """Where it is, what came, and what it answers in place of taking it."""

    url: str
    posted: list[Posted] = field(default_factory=list)
    answers: list[tuple[int, Mapping[str, str], Any]] = field(default_factory=list)
    """Status, headers and JSON of the next answers, in order; after them all is well."""

    def to(self, member: str) -> list[str]:
        """The texts of the Slack messages for that member, in the order in which they came."""
        mine = [each.body for each in self.posted if each.path.endswith("/chat.postMessage")]
        return [block["text"] for body in mine if body["channel"] == member for block in body["blocks"]]


@contextmanager
def http_receiver(port: int = 0) -> Iterator[Receiver]:
    """A receiver whose server runs in a thread of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    server.receiver = receiver  # type: ignore[attr-defined]  # the handler's only way to it
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Called by the server, which wants that name."""
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            body = json.loads(content)
        except ValueError:
            body = content
        wrong = receiver.answers.pop(0) if receiver.answers else None
        status, headers, answer = wrong or (200, {}, self._usual(body))
        if wrong is None and answer["ok"]:
            receiver.posted.append(Posted(self.path, dict(self.headers.items()), body))
        said = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(said)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)

    def _usual(self, body: Any) -> dict[str, Any]:
        if self.path.endswith("/chat.postMessage"):
            if self.headers.get("authorization") != f"Bearer {TOKEN}":
                return {"ok": False, "error": "invalid_auth"}
            return {"ok": True, "channel": body["channel"], "ts": "1.1"}
        return {"ok": True}

    def log_message(self, format: str, *args: object) -> None:  # the base class names it so
        """Says nothing: a test's output is its own."""
