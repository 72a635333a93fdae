"""An HTTP API on 127.0.0.1 that answers what a test has queued, keeps every request, and gives out tokens.

It runs in a thread of the test. Answers are queued for one method and path, or in the order of requests whatever they
ask for; after them the usual one comes. With a TokenDesk it is an OAuth server and GitHub's for apps as well, and
answers 401 to who has no good token. It keeps headers, bodies and tokens, so it is for tests' own secrets alone.
"""

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from threading import Event
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from google.auth import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.servers.serving import listen, serving

__all__ = ["Asked", "Says", "ScriptedApi", "Streams", "TokenDesk", "scripted_api"]

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PIECE = b"[" + b"0," * 32_768


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes
    at: float
    """time.monotonic()."""

    @property
    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The body, which is a form."""
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Says:
    """One answer."""

    body: Any = None
    """Bytes are sent as they are, anything else as JSON; None: an empty body."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    """Before its first byte."""
    held_by: Event | None = None
    """It is not sent before this is set."""
    cut: bool = False
    """Half of the body is sent, then the connection is closed."""

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()

    @property
    def kind(self) -> str:
        """Its type, where the headers do not say."""
        return "application/octet-stream" if isinstance(self.body, bytes) else "application/json"


@dataclass(frozen=True)
class Streams:
    """A body of that size, of which no more than a piece is ever in memory; usually it has no end."""

    megabytes: float = inf
    status: int = 200


Answer: TypeAlias = Says | Streams | Callable[[Asked], Says | Streams]


@dataclass
class TokenDesk:
    """Who may have a token, what they must show for it, and which tokens are good."""

    refresh_token: str = ""
    client: tuple[str, str] = ("", "")
    """Its id and secret."""
    public_key: bytes = b""
    """Of who signs, in PEM."""
    issuer: str = ""
    """The service account's email, or the id of the GitHub app."""
    rotates: bool = False
    """Whether each exchange gives another refresh token, and only that one is good then."""
    lasts_seconds: float = 3600.0
    """By what it says; for how long a token is good is `expire`'s to say."""
    given: list[str] = field(default_factory=list)
    claims: list[Mapping[str, Any]] = field(default_factory=list)
    """Of each assertion that was good."""
    _good: set[str] = field(default_factory=set)

    def expire(self) -> None:
        """No token is good any more that was given out until now."""
        self._good.clear()

    def lets_in(self, asked: Asked) -> bool:
        """Whether the request carries a good token."""
        return asked.headers.get("authorization", "").removeprefix("Bearer ") in self._good

    def answer(self, asked: Asked, url: str) -> Says | None:
        """The answer to who asks for a token; None: the request is for something else."""
        if asked.method != "POST":
            return None
        if asked.path == "/token":
            return self._oauth(asked.form, f"{url}/token")
        if asked.path.startswith("/app/installations/") and asked.path.endswith("/access_tokens"):
            return self._github(asked)
        return None

    def _oauth(self, form: Mapping[str, str], audience: str) -> Says:
        match form.get("grant_type"):
            case "refresh_token":
                if (form.get("client_id"), form.get("client_secret")) != self.client:
                    return Says({"error": "invalid_client"}, 401)
                if form.get("refresh_token") != self.refresh_token:
                    return Says({"error": "invalid_grant", "error_description": "The token has been revoked."}, 400)
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                if why := self._wrong(form.get("assertion", ""), 3600, audience):
                    return Says({"error": "invalid_grant", "error_description": why}, 400)
            case _:
                return Says({"error": "unsupported_grant_type"}, 400)
        said = {"access_token": self._new(), "token_type": "Bearer", "expires_in": self.lasts_seconds}
        if self.rotates:
            said["refresh_token"] = self.refresh_token = f"{self.refresh_token.partition(' ')[0]} {len(self.given)}"
        return Says(said)

    def _github(self, asked: Asked) -> Says:
        if why := self._wrong(asked.headers.get("authorization", "").removeprefix("Bearer "), 600, None):
            return Says({"message": why}, 401)
        ends_at = datetime.now(UTC) + timedelta(seconds=self.lasts_seconds)
        return Says({"token": self._new(), "expires_at": f"{ends_at:%Y-%m-%dT%H:%M:%SZ}"}, 201)

    def _wrong(self, assertion: str, most_seconds: float, audience: str | None) -> str:
        """What is wrong with the assertion, by its signature and its claims; nothing: it is kept."""
        try:
            claims = jwt.decode(assertion, self.public_key, audience=audience)  # type: ignore[no-untyped-call]
        except ValueError as error:
            return f"{error}"
        if claims.get("iss") != self.issuer:
            return "unknown issuer"
        # GitHub's bound, and Google's, count from their own clocks.
        if claims["exp"] - time.time() > most_seconds:
            return "the expiration time is too far in the future"
        self.claims.append(claims)
        return ""

    def _new(self) -> str:
        token = f"given-{len(self.given) + 1}"
        self.given.append(token)
        self._good.add(token)
        return token


@dataclass
class ScriptedApi:
    """The API: where it is, what it answers, and what came."""

    url: str = ""
    usual: Answer = field(default_factory=lambda: Says({"ok": True}))
    """What is answered where nothing is queued."""
    desk: TokenDesk | None = None
    asked: list[Asked] = field(default_factory=list)
    sent_bytes: int = 0
    """Of all bodies."""
    most_at_once: int = 0
    """How many requests were under way at most."""

    @property
    def tokens(self) -> TokenDesk:
        """The desk, of an API that has one."""
        assert self.desk is not None
        return self.desk

    def __post_init__(self) -> None:
        self._in_order: deque[Answer] = deque()
        self._by_route: dict[tuple[str, str], deque[Answer]] = defaultdict(deque)
        self._under_way = 0

    def next(self, *answers: Answer) -> None:
        """Queues answers to whatever is asked for next."""
        self._in_order += answers

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Queues answers to requests of that method and path, whose query is any."""
        self._by_route[method, path] += answers

    def paths(self) -> list[str]:
        """What was asked for, as method and path with query."""
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=list(_METHODS))])

    async def _answer(self, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        headers = {name.lower(): value for name, value in request.headers.items()}
        # As it was written: Starlette's own has what was quoted undone.
        path = request.scope["raw_path"].decode()
        asked = Asked(request.method, path + query, headers, await request.body(), time.monotonic())
        self.asked.append(asked)
        answer = self._chosen(asked, path)
        return _Played(self, answer(asked) if callable(answer) else answer)

    def _chosen(self, asked: Asked, path: str) -> Answer:
        if queued := self._by_route.get((asked.method, path)):
            return queued.popleft()
        if self.desk is not None:
            token = self.desk.answer(asked, self.url)
            if token is not None:
                return token
            if not self.desk.lets_in(asked):
                return Says({"message": "the token is not known here, or has expired"}, 401)
        return self._in_order.popleft() if self._in_order else self.usual

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts a request while it is under way."""
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            yield
        finally:
            self._under_way -= 1


class _Played(Response):
    """Sends one answer as it was written."""

    def __init__(self, api: ScriptedApi, answer: Says | Streams) -> None:
        super().__init__()
        self._api, self._answer = api, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called by Starlette."""
        with self._api.counted():
            if isinstance(self._answer, Streams):
                await self._stream(self._answer, receive, send)
            else:
                await self._say(self._answer, send)

    async def _say(self, answer: Says, send: Send) -> None:
        await asyncio.sleep(answer.delay_seconds)
        while answer.held_by is not None and not answer.held_by.is_set():
            await asyncio.sleep(0.005)
        content = answer.content
        headers = {"content-type": answer.kind, "content-length": str(len(content)), **answer.headers}
        await self._head(answer.status, headers, send)
        # What ends before its end is taken by uvicorn as a reason to close the connection.
        await self._body(content[: len(content) // 2] if answer.cut else content, send, more=answer.cut)

    async def _stream(self, answer: Streams, receive: Receive, send: Send) -> None:
        await self._head(answer.status, {"content-type": "application/json"}, send)
        gone = asyncio.ensure_future(receive())  # the request's body has been read, so this ends when its client leaves
        left = answer.megabytes * 1e6
        while left > 0 and not gone.done():
            left -= len(_PIECE)
            await self._body(_PIECE, send, more=True)
            await asyncio.sleep(0)
        gone.cancel()
        await self._body(b"", send, more=False)

    async def _head(self, status: int, headers: Mapping[str, str], send: Send) -> None:
        written = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": written})

    async def _body(self, content: bytes, send: Send, *, more: bool) -> None:
        await send({"type": "http.response.body", "body": content, "more_body": more})
        self._api.sent_bytes += len(content)


@contextmanager
def scripted_api(desk: TokenDesk | None = None) -> Iterator[ScriptedApi]:
    """An API that runs in a thread of its own until the block ends, also where an answer is under way then."""
    listening, url = listen()
    api = ScriptedApi(url, desk=desk)
    with serving(api.app(), listening, "scripted API"):
        yield api
