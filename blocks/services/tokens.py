"""A bearer token from who gives them: the exchange over HTTP, and what is kept of its answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
from pydantic import SecretStr

from blocks.errors import CredentialsRefused, HoldfastError, ServiceUnavailable
from blocks.services.reading import read_bounded
from blocks.services.secrets import Secrets

MOST_TOKEN_BYTES = 1_000_000
EXCHANGE_SECONDS = 30.0
"""How long an exchange may take; who gives up earlier may lose what he was to get."""
_EARLY = timedelta(seconds=60)
"""A token is renewed so long before its end: clocks differ."""
_NOTHING = SecretStr("")

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]


@dataclass(frozen=True)
class Token:
    """A bearer token."""

    value: SecretStr
    over_at: datetime | None
    """From when on it is not to be used; None: nobody has said."""
    new_since: datetime | None = None
    """When it was got, as long as the API has not taken it; None: it has, or another process got it."""
    refresh_token: SecretStr = _NOTHING
    """What takes the place of the refresh token that it was got for; empty: that one stays good."""


class Tokens(Protocol):
    """Gives tokens."""

    @property
    def is_exchanging(self) -> bool:
        """Whether something would be lost if it were stopped now."""
        ...

    async def token(self, send: Send, refused: SecretStr) -> Token:
        """One that is none which the API has refused; `send` sends a request.

        Raises:
            CredentialsRefused: we are given none.
            ServiceUnavailable: who gives tokens does not answer.
        """
        ...

    async def aclose(self) -> None:
        """Saves what could not be saved before."""
        ...


@dataclass(frozen=True)
class Exchange:
    """Asks for tokens. Errors are raised where no frame has a token among its variables."""

    name: str
    """The service, as errors name it."""
    secrets: Secrets
    now: Callable[[], datetime]

    async def answer(self, send: Send, request: httpx.Request) -> Token:
        """The token that the request is answered with; the errors are those of Tokens."""
        request.extensions["timeout"] = httpx.Timeout(EXCHANGE_SECONDS).as_dict()
        try:
            async with asyncio.timeout(EXCHANGE_SECONDS):
                got = await self._answer(send, request)
        except TimeoutError:
            got = too_late(self.name)
        if isinstance(got, HoldfastError):
            raise got
        return got

    async def _answer(self, send: Send, request: httpx.Request) -> Token | HoldfastError:
        not_renewed = f"the token of service {self.name!r} could not be renewed"
        try:
            response = await send(request)
            try:
                content = await read_bounded(response, MOST_TOKEN_BYTES)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return ServiceUnavailable(f"{not_renewed}: {type(error).__name__}")
        except HoldfastError as error:
            return error
        if response.status_code == 429 or response.status_code >= 500:
            return ServiceUnavailable(f"{not_renewed}: {response.status_code}")
        said = _object(content)
        token = said.get("access_token") or said.get("token")
        if response.status_code >= 400 or not _can_be_sent(token):
            why = said.get("error_description") or said.get("error") or said.get("message") or response.status_code
            return CredentialsRefused(
                f"{not_renewed}: {self.secrets.hidden(str(why))[:200]}", mend=f"mend the Service block {self.name!r}"
            )
        rotated = said.get("refresh_token")
        return Token(
            self._secret(str(token)),
            self._end_of(said),
            new_since=self.now(),
            refresh_token=self._secret(str(rotated)) if _can_be_sent(rotated) else _NOTHING,
        )

    def _secret(self, value: str) -> SecretStr:
        self.secrets.add(value)
        return SecretStr(value)

    def _end_of(self, said: Mapping[str, Any]) -> datetime | None:
        try:
            if "expires_in" in said:
                return self.now() + timedelta(seconds=float(said["expires_in"])) - _EARLY
            if "expires_at" in said:
                at = datetime.fromisoformat(str(said["expires_at"]))
                return (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EARLY
        except (ValueError, TypeError, OverflowError):
            return None
        return None


def too_late(name: str) -> ServiceUnavailable:
    """What is said where who gives tokens has not answered in time."""
    return ServiceUnavailable(f"who gives tokens for service {name!r} did not answer in time")


def _can_be_sent(token: object) -> bool:
    return isinstance(token, str) and bool(token) and token.isascii() and token.isprintable() and token == token.strip()


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
