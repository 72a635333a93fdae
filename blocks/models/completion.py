"""A chat completion as it arrives, in a stream or at once; checked 2026-11 on openai 3.57."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from openai import AsyncStream
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import ChoiceDelta


@dataclass
class Completion:
    """What has come so far. It fills as it comes, so that one that is cut short can be told of."""

    began: float = field(default_factory=monotonic)
    model: str = ""
    content: str = ""
    refusal: str = ""
    finish_reason: str | None = None
    usage: CompletionUsage | None = None
    parts: int = 0
    """How many pieces have come; none at the end: whoever answered is no model server."""
    first_token_seconds: float | None = None

    async def read(self, stream: AsyncStream[ChatCompletionChunk], on_first_token: Callable[[], None]) -> None:
        """Takes in the stream to its end, and closes it whatever comes."""
        async with stream:
            async for chunk in stream:
                self._add(chunk)
                if self.first_token_seconds is None and any(_is_token(choice.delta) for choice in chunk.choices or ()):
                    self.first_token_seconds = monotonic() - self.began
                    on_first_token()

    def _add(self, chunk: ChatCompletionChunk) -> None:
        self.parts += 1
        self.model = chunk.model or self.model
        self.usage = chunk.usage or self.usage  # it comes last, in a chunk without choices
        for choice in chunk.choices or ():
            self.content += choice.delta.content or ""
            self.refusal += choice.delta.refusal or ""
            self.finish_reason = choice.finish_reason or self.finish_reason

    def take(self, whole: object) -> None:
        """Takes in what came at once; the client returns a string for a web page, no choices for `{}`."""
        if isinstance(whole, ChatCompletion) and getattr(whole, "choices", None):
            choice = whole.choices[0]
            self.parts, self.model, self.usage = 1, whole.model, whole.usage
            self.content, self.refusal = choice.message.content or "", choice.message.refusal or ""
            self.finish_reason = choice.finish_reason


def _is_token(delta: ChoiceDelta) -> bool:
    # The first chunk has a role only. Some servers send what a model thinks, under names of their own.
    return bool(delta.content or delta.refusal or any((delta.model_extra or {}).values()))
