"""A chat completion as OpenAI sends it, at once or as a stream of chunks; checked 2026-11 with its API reference."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.model_tokens import Bill

DATE = "2025-04-14"
_PIECE = 40


@dataclass(frozen=True)
class Said:
    """What the model says, and how it ends."""

    content: str = ""
    refusal: str = ""
    finish_reason: str = "stop"


def completion(said: Said, bill: Bill, number: int) -> dict[str, Any]:
    """The whole answer as one object."""
    message = {"role": "assistant", "content": said.content or None, "refusal": said.refusal or None}
    return {
        **_head(bill, number, "chat.completion"),
        "choices": [{"index": 0, "message": message, "finish_reason": said.finish_reason, "logprobs": None}],
        "usage": _usage(bill),
    }


async def chunks(said: Said, bill: Bill, number: int, *, over_seconds: float, usage: bool) -> AsyncIterator[bytes]:
    """The answer as server-sent events, spread over so many seconds."""
    head = _head(bill, number, "chat.completion.chunk")
    field = "refusal" if said.refusal else "content"
    text = said.refusal or said.content
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    yield _event(head, {"role": "assistant", "content": ""})
    for piece in pieces:
        yield _event(head, {field: piece})
        if over_seconds:
            await asyncio.sleep(over_seconds / len(pieces))
    yield _event(head, {}, said.finish_reason)
    if usage:
        yield _line({**head, "choices": [], "usage": _usage(bill)})
    yield b"data: [DONE]\n\n"


def error_event(message: str) -> bytes:
    """An error in the middle of a stream."""
    return _line({"error": {"message": message, "type": "server_error", "param": None, "code": None}})


def _event(head: Mapping[str, Any], delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    return _line({**head, "choices": [choice], "usage": None})


def _line(event: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(event)}\n\n".encode()


def _head(bill: Bill, number: int, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{number:06}",
        "object": kind,
        "created": int(time.time()),
        "model": f"{bill.model}-{DATE}",
    }


def _usage(bill: Bill) -> dict[str, Any]:
    return {
        "prompt_tokens": bill.sent,
        "completion_tokens": bill.answered,
        "total_tokens": bill.sent + bill.answered,
        "prompt_tokens_details": {"cached_tokens": bill.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
