"""A loopback OpenAI-compatible model provider; real clients reach it over HTTP on 127.0.0.1.

It speaks Chat Completions with structured output as OpenAI does (checked 2026-11 against its API reference), and as
Azure's dated API does: a bearer key, a `json_schema` in the strict subset, streams, `usage` with cached tokens, a
model's name that comes back with a date. An answer satisfies the schema that it was asked for by construction.
Behaviours make it fail in the ways that providers do. It counts tokens and keeps books of its own (model_tokens.py). It
keeps what it was asked, but no header that holds a key.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from tests.servers.model_behaviours import Behaviour, Dribbles, Fails, Odd, Refuses, Says, Slow
from tests.servers.model_completions import Said, chunks, completion, error_event
from tests.servers.model_tokens import PRICES, Till
from tests.servers.schema_values import value_for
from tests.servers.serving import listen, serving

__all__ = ["KEY", "MODELS", "Behaviour", "Dribbles", "Fails", "ModelServer", "Odd", "Refuses", "Says", "Slow"]

KEY = "sk-loopback-7f3a91c2"
MODELS = tuple(PRICES)
Mind = Callable[[Mapping[str, Any]], Behaviour | None]
"""What it does with a request, by the request."""
_KEPT_HEADERS = ("content-type", "user-agent", "x-stainless-retry-count", "openai-organization")


@dataclass
class Asked:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any
    """The parsed JSON; None where it was none."""
    at: float
    """time.monotonic() of its arrival."""
    port: int
    """The client's: the same for requests over the same connection."""
    key_fingerprint: str
    """The first 12 hex digits of the SHA-256 of the key that it came with."""
    abandoned: bool = False
    """Whether the client went away while it waited for a slow answer."""

    @property
    def prompt(self) -> str:
        """All messages' contents, in order."""
        return "\n\n".join(message["content"] for message in self.body["messages"])


class ModelServer:
    """The provider: where it is, its keys, what it was asked, what it billed, and how it shall behave."""

    def __init__(self, url: str) -> None:
        self.url, self.key = url, KEY
        self.reset()

    def reset(self) -> None:
        """Forgets what it was asked and how it should misbehave."""
        self.keys = {KEY}
        self.requests: list[Asked] = []
        self.till = Till()
        self.under_way = self.most_under_way = 0
        self._next: list[Behaviour] = []
        self._always: Mind = lambda body: None

    def next(self, *behaviours: Behaviour) -> None:
        """Queues one behaviour for each of the next requests."""
        self._next += behaviours

    def always(self, behaviour: Behaviour | Mind | None) -> None:
        """Sets the behaviour of all requests that have none queued; None: it behaves well."""
        self._always = behaviour if callable(behaviour) else lambda body: behaviour

    def app(self) -> Starlette:
        """The ASGI application."""
        azure = Route("/openai/deployments/{model}/chat/completions", self._complete, methods=["POST"])
        completions = Route("/v1/chat/completions", self._complete, methods=["POST"])
        return Starlette(routes=[Route("/v1/models", self._models), completions, azure])

    async def _models(self, request: Request) -> Response:
        if refused := self._wrong_key(request):
            return refused
        data = [{"id": name, "object": "model", "created": 1744588800, "owned_by": "loopback"} for name in MODELS]
        return JSONResponse({"object": "list", "data": data})

    async def _complete(self, request: Request) -> Response:
        try:
            body = await request.json()
        except ValueError:
            body = None
        headers = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
        port = request.client.port if request.client else 0
        fingerprint = sha256(_key_of(request).encode()).hexdigest()[:12]
        asked = Asked(request.url.path, headers, body, time.monotonic(), port, fingerprint)
        self.requests.append(asked)
        behaviour = self._next.pop(0) if self._next else self._always(body)
        if refused := self._wrong_key(request) or _wrong_body(body):
            return refused
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            seconds = behaviour.seconds if isinstance(behaviour, Slow | Says) else 0.0
            if seconds:
                asked.abandoned = await _gone_within(request, seconds)
            return self._answer(behaviour, body, asked)
        finally:
            self.under_way -= 1

    def _answer(self, behaviour: Behaviour | None, body: Mapping[str, Any], asked: Asked) -> Response:
        match behaviour:
            case Fails(status, message, code, retry_after_seconds):
                headers = {} if retry_after_seconds is None else {"retry-after": f"{retry_after_seconds:g}"}
                return _error(status, message, code, headers)
            case Odd.SHOWS_PAGE:
                return HTMLResponse("<!doctype html><html><body><h1>Welcome to nginx!</h1></body></html>")
        said, number = _said(behaviour, body), len(self.requests)
        if asked.abandoned:
            return Response(status_code=499)  # nobody is there to read it, or to pay
        bill = self.till.charge(body, said.content or said.refusal)
        if not body.get("stream"):
            whole = completion(said, bill, number)
            return _HalfResponse(whole) if behaviour is Odd.HANGS_UP else JSONResponse(whole)
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        over = behaviour.seconds if isinstance(behaviour, Dribbles) else 0.0
        stream = chunks(said, bill, number, over_seconds=over, usage=usage)
        return _Stream(_broken(stream, behaviour), asked)

    def _wrong_key(self, request: Request) -> Response | None:
        given = _key_of(request)
        # In full, as some gateways do.
        return None if given in self.keys else _error(401, f"Incorrect API key provided: {given}.", "invalid_api_key")


async def _gone_within(request: Request, seconds: float) -> bool:
    """Whether the client went away before the time was over; its body was read, so nothing else can come of it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return bool((await request.receive())["type"] == "http.disconnect")
    return False


def _said(behaviour: Behaviour | None, body: Mapping[str, Any]) -> Said:
    content = json.dumps(value_for(body["response_format"]["json_schema"]["schema"]))
    match behaviour:
        case Says(said, finish_reason):
            return Said(said, finish_reason=finish_reason)
        case Refuses(why):
            return Said(refusal=why)
        case Odd.STOPS_AT_LENGTH:
            return Said(content[: len(content) // 2], finish_reason="length")
        case _:
            return Said(content)


class _HangsUp(Exception):
    """Ends a stream in the middle."""


async def _broken(stream: AsyncIterator[bytes], behaviour: Behaviour | None) -> AsyncIterator[bytes]:
    """The stream, or as much of it as comes before it breaks."""
    at = 0
    async for chunk in stream:
        yield chunk
        at += 1
        if at == 2 and behaviour is Odd.BREAKS_OFF:
            yield error_event("The model is overloaded.")
            return
        if at == 2 and behaviour is Odd.HANGS_UP:
            raise _HangsUp


class _Stream(StreamingResponse):
    """A stream that notes whether its reader went away."""

    def __init__(self, content: AsyncIterator[bytes], asked: Asked) -> None:
        super().__init__(content, media_type="text/event-stream")
        self._asked, self._ended = asked, False

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        with suppress(_HangsUp):
            try:
                await super().__call__(scope, receive, send)
            finally:
                self._asked.abandoned = not self._ended

    async def stream_response(self, send: Send) -> None:
        await super().stream_response(send)
        self._ended = True


class _HalfResponse(JSONResponse):
    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        # uvicorn closes the connection of an application that ends before its answer does.
        await send({"type": "http.response.body", "body": half, "more_body": True})


def _key_of(request: Request) -> str:
    """The key, as OpenAI or as Azure's dated API is given it."""
    return request.headers.get("api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")


def _wrong_body(body: Any) -> Response | None:
    match body:
        case {"model": str(model)} if model not in MODELS:
            return _error(404, f"The model `{model}` does not exist.", "model_not_found")
        case {
            "model": str(),
            "messages": [{"role": str(), "content": str()}, *_],
            "response_format": {"type": "json_schema", "json_schema": {"name": str(name), "schema": dict(schema)}},
        }:
            try:
                value_for(schema)
            except (LookupError, ValueError) as error:
                return _error(400, f"Invalid schema for response_format {name!r}: {error}")
            return None
        case _:
            return _error(400, "Missing or wrong: model, messages or response_format.")


def _error(status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    return JSONResponse({"error": error}, status, headers=headers)


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """A provider that runs until the block ends, also where a slow answer is under way then."""
    listening, url = listen()
    provider = ModelServer(f"{url}/v1")
    with serving(provider.app(), listening, "model server"):
        yield provider
