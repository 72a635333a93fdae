"""An OpenAI-compatible provider of models on a free port of 127.0.0.1: what Holdfast expects of one, and its bad days.

It speaks Chat Completions with structured output as OpenAI does (checked 2026-11 against its API reference): a bearer
key, a `json_schema` in the strict subset, `usage` with cached tokens, a model's name that comes back with a date.
An answer satisfies the schema that it was asked for by construction. Behaviours make it fail in the ways that
providers do. It keeps what it was asked, but no header that holds a key.
"""

import asyncio
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from threading import Thread
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from tests.servers.schema_values import value_for

KEY = "sk-loopback-7f3a91c2"
MODELS = ("gpt-4.1-nano", "gpt-4.1-mini", "gpt-4.1")
DATE = "2025-04-14"
_KEPT_HEADERS = ("content-type", "user-agent", "x-stainless-retry-count")


@dataclass(frozen=True)
class Slow:
    """Answers well, but after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Fails:
    """Answers with an HTTP error; an answer to 429 or 503 may say when to ask again."""

    status: int
    message: str = "The server had an error while processing your request."
    code: str | None = None
    retry_after_seconds: float | None = None


@dataclass(frozen=True)
class Says:
    """Answers with this content, whatever the schema asks for."""

    content: str
    finish_reason: str = "stop"


@dataclass(frozen=True)
class Refuses:
    """Declines: `message.refusal` instead of a content."""

    why: str


class Odd(Enum):
    """Ways to answer that need no more than a name."""

    STOPS_AT_LENGTH = "the first half of the content, at the length limit"
    HANGS_UP = "the connection ends in the middle of the body"
    SHOWS_PAGE = "a web page, as a wrong address or a captive portal gives"


Behaviour = Slow | Fails | Says | Refuses | Odd


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
    abandoned: bool = False
    """Whether the client went away while it waited for a slow answer."""

    @property
    def prompt(self) -> str:
        """All messages' contents, in order."""
        return "\n\n".join(message["content"] for message in self.body["messages"])


class ModelServer:
    """The provider: where it is, its key, what it was asked, and how it shall behave."""

    def __init__(self, url: str) -> None:
        self.url, self.key = url, KEY
        self.reset()

    def reset(self) -> None:
        """Forgets what it was asked and how it should misbehave."""
        self.requests: list[Asked] = []
        self._next: list[Behaviour] = []
        self._always: Behaviour | None = None

    def next(self, *behaviours: Behaviour) -> None:
        """Queues one behaviour for each of the next requests."""
        self._next += behaviours

    def always(self, behaviour: Behaviour | None) -> None:
        """Sets the behaviour of all requests that have none queued; None: it behaves well."""
        self._always = behaviour

    def app(self) -> Starlette:
        """The ASGI application."""
        completions = Route("/v1/chat/completions", self._complete, methods=["POST"])
        return Starlette(routes=[Route("/v1/models", self._models), completions])

    async def _models(self, request: Request) -> Response:
        if refused := _wrong_key(request):
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
        asked = Asked(request.url.path, headers, body, time.monotonic(), port)
        self.requests.append(asked)
        behaviour = self._next.pop(0) if self._next else self._always
        if refused := _wrong_key(request) or _wrong_body(body):
            return refused
        if isinstance(behaviour, Slow):
            asked.abandoned = await _gone_within(request, behaviour.seconds)
        return _answer(behaviour, body, len(self.requests))


async def _gone_within(request: Request, seconds: float) -> bool:
    """Whether the client went away before the time was over; its body was read, so nothing else can come of it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return bool((await request.receive())["type"] == "http.disconnect")
    return False


def _answer(behaviour: Behaviour | None, body: Mapping[str, Any], number: int) -> Response:
    content = json.dumps(value_for(body["response_format"]["json_schema"]["schema"]))
    match behaviour:
        case None | Slow():
            return JSONResponse(_completion(body, number, content))
        case Fails(status, message, code, retry_after_seconds):
            headers = {} if retry_after_seconds is None else {"retry-after": f"{retry_after_seconds:g}"}
            return _error(status, message, code, headers)
        case Says(said, finish_reason):
            return JSONResponse(_completion(body, number, said, finish_reason=finish_reason))
        case Refuses(why):
            return JSONResponse(_completion(body, number, None, refusal=why))
        case Odd.STOPS_AT_LENGTH:
            return JSONResponse(_completion(body, number, content[: len(content) // 2], finish_reason="length"))
        case Odd.HANGS_UP:
            return _HalfResponse(_completion(body, number, content))
        case Odd.SHOWS_PAGE:
            return HTMLResponse("<!doctype html><html><body><h1>Welcome to nginx!</h1></body></html>")


class _HalfResponse(JSONResponse):
    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        # uvicorn closes the connection of an application that ends before its answer does.
        await send({"type": "http.response.body", "body": half, "more_body": True})


def _completion(
    body: Mapping[str, Any], number: int, content: str | None, refusal: str | None = None, finish_reason: str = "stop"
) -> dict[str, Any]:
    tokens_in = max(1, sum(len(message["content"]) for message in body["messages"]) // 4)
    tokens_out = max(1, len(content or refusal or "") // 4)
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": refusal, "annotations": []}
    return {
        "id": f"chatcmpl-{number:06}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": f"{body['model']}-{DATE}",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
            "prompt_tokens_details": {"cached_tokens": tokens_in // 2, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
    }


def _wrong_key(request: Request) -> Response | None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    # In full, as some gateways do.
    return None if given == KEY else _error(401, f"Incorrect API key provided: {given}.", "invalid_api_key")


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
    listening = socket.create_server(("127.0.0.1", 0))
    provider = ModelServer(f"http://127.0.0.1:{listening.getsockname()[1]}/v1")
    config = uvicorn.Config(provider.app(), lifespan="off", ws="none", log_config=None, log_level="critical")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([listening],), name="model-server", daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.should_exit = server.force_exit = True
        thread.join(timeout=10)
        listening.close()
        assert not thread.is_alive(), "the model server does not stop"
