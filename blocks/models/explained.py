"""A provider's errors in words of who must act; never with the key, and never with the provider's own error inside."""

from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import shorten
from urllib.parse import urlsplit

from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError, OpenAIError
from pydantic import SecretStr

from blocks.errors import (
    AuthorError,
    ContextTooLong,
    CredentialsRefused,
    CreditSpent,
    HoldfastError,
    ModelUnavailable,
    OperatorError,
)
from blocks.retry_after import retry_after_seconds

_ASKED_WRONGLY = {400, 413, 422}
_TRY_LATER = {408, 409, 425, 429}


@dataclass(frozen=True)
class Asked:
    """Who was asked, for the error's words."""

    block: str
    team: str
    model: str
    base_url: str
    key: SecretStr

    def __str__(self) -> str:
        return f"model provider {self.block!r} of team {self.team!r}"

    @property
    def place(self) -> str:
        """The address without a user, a password or a query."""
        url = urlsplit(self.base_url)
        port = f":{url.port}" if url.port else ""
        return f"{url.scheme}://{url.hostname}{port}{url.path}"

    def without_key(self, text: str) -> str:
        """The text in one line, with the key struck out."""
        return shorten(text.replace(self.key.get_secret_value(), "***"), 300, placeholder=" ...")


def explained(error: OpenAIError | ValueError, asked: Asked) -> HoldfastError:
    """The error that says who must act. A ValueError is an answer that is not JSON."""
    match error:
        case APITimeoutError():
            late = _unavailable(f"{asked} did not answer in time at {asked.place}", "try again later", billed=True)
            late.timed_out = True
            return late
        case APIConnectionError():
            cause = type(error.__cause__).__name__ if error.__cause__ else "connection error"
            billed = cause != "ConnectError"  # a connection that was made may be cut once the answer has begun
            return _unavailable(
                f"{asked} cannot be reached at {asked.place} ({cause})", "check that it is up", billed=billed
            )
        case APIStatusError():
            return _by_status(error, asked)
        case APIError():
            said = asked.without_key(error.message)
            return _unavailable(f"{asked} ended its answer with an error: {said}", "try again later", billed=True)
        case _:
            return not_a_model_server(asked)


def too_late(asked: Asked, seconds: float, first_token_seconds: float | None, *, streaming: bool) -> ModelUnavailable:
    """The error for an answer that was given up: where it streams, a provider that hangs is told from a slow one."""
    waited, mend = f"{seconds:.2g} s at {asked.place}", "give the node more time, or use a faster model"
    if not streaming:
        what = f"{asked} did not answer: {asked.model} had {waited}"
    elif first_token_seconds is None:
        what, mend = f"{asked} hangs: nothing came of {asked.model} within {waited}", "try again later"
    else:
        began = f"its first token came after {first_token_seconds:.2g} s"
        what = f"{asked} is slow: {asked.model} was still answering after {waited} ({began})"
    error = _unavailable(what, mend, billed=True)
    error.timed_out = True
    return error


def _unavailable(what: str, mend: str, *, billed: bool, wait: float | None = None) -> ModelUnavailable:
    error = ModelUnavailable(what, mend=mend)
    error.may_be_billed, error.retry_after_seconds = billed, wait
    return error


def not_a_model_server(asked: Asked) -> OperatorError:
    """The error for an address that answers, but not as Chat Completions do."""
    return OperatorError(
        f"{asked} did not answer as a chat completion at {asked.place}",
        means="the address may be another service's, or lack its /v1",
        mend=f"mend base_url in the block {asked.block!r}",
    )


def _by_status(error: APIStatusError, asked: Asked) -> HoldfastError:
    status, said = error.status_code, asked.without_key(_message(error))
    if status in (401, 403):
        # What the provider says here often quotes part of the key.
        return CredentialsRefused(
            f"{asked} refused the key (HTTP {status})",
            means="asking again cannot help",
            mend=f"mend api_key in the Model Provider block {asked.block!r}",
        )
    if status == 402 or error.code == "insufficient_quota":
        return CreditSpent(f"{asked} has no credit left: {said}", mend="mend the account at the provider")
    if status == 404:
        return OperatorError(
            f"{asked} does not have the model {asked.model!r}: {said}",
            mend=f"mend the model's name, or base_url, in the block {asked.block!r}",
        )
    if status in _ASKED_WRONGLY and _is_too_long(error):
        return ContextTooLong(
            f"{asked.model} of {asked} takes no prompt of that length: {said}",
            mend="give the node less to read, or another model",
        )
    if status in _ASKED_WRONGLY:
        return AuthorError(
            f"{asked} refused what {asked.model} was asked (HTTP {status}): {said}",
            mend="shorten or change the node's instructions and needs, or use another model",
        )
    if status in _TRY_LATER or status >= 500:
        limit = " is over its limit" if status == 429 else " failed"
        what = f"{asked}{limit} (HTTP {status}): {said}"
        wait = retry_after_seconds(error.response.headers, datetime.now(UTC))
        return _unavailable(what, "try again later", billed=False, wait=wait)
    return OperatorError(f"{asked} answered HTTP {status}: {said}", mend=f"look at the block {asked.block!r}")


def _message(error: APIStatusError) -> str:
    body = error.body
    said = body.get("message") if isinstance(body, dict) else body
    return str(said or error.response.reason_phrase or "no reason given")


def _is_too_long(error: APIStatusError) -> bool:
    # OpenAI and Azure have a code for it; vLLM, Ollama and most gateways only say so.
    return error.code == "context_length_exceeded" or "context length" in _message(error).lower()
