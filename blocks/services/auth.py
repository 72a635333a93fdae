"""Who we are at an API: the header that each request carries, and how a token that has expired is renewed.

Grants: refresh token (RFC 6749, 6), JWT bearer (RFC 7523, 2.1; Google's service accounts), GitHub's installation
tokens for a JWT of the app (docs.github.com, "Generating an installation access token"; checked 2026-11).
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

import httpx
from google.auth.crypt import RSASigner
from google.auth.jwt import encode
from pydantic import SecretStr

from blocks.errors import CredentialsRefused
from blocks.ledger import ServiceBook
from blocks.services.secrets import Secrets
from blocks.services.service import Service
from blocks.services.shared_token import RefreshedTokens
from blocks.services.tokens import Exchange, Send, Token, Tokens

_NEW = timedelta(seconds=60)
"""So long a token that was got and is refused is one that no other would be better than."""
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Header:
    """A header that says who we are. It is no dataclass: what shows a program's variables must not show it."""

    def __init__(self, name: str, value: str) -> None:
        self.name, self._value = name, value

    def is_same(self, other: "Header") -> bool:
        """Whether both carry the same."""
        return self._value == other._value

    def put_into(self, request: httpx.Request) -> None:
        """Lets the request carry it."""
        request.headers[self.name] = self._value


def _bearer(token: SecretStr) -> Header:
    return Header("Authorization", f"Bearer {token.get_secret_value()}")


class Credentials(Protocol):
    """Who we are."""

    async def header(self, send: Send) -> Header | None:
        """The header that says so; `send` asks for a token where there is none that is good.

        Raises:
            CredentialsRefused: we are given none.
            ServiceUnavailable: who gives tokens does not answer.
        """
        ...

    def was_refused(self, header: Header | None) -> bool:
        """Whether another may be had in its place, once the API has refused it."""
        ...

    def worked(self, header: Header | None) -> None:
        """The API has taken the header."""
        ...

    async def aclose(self) -> None:
        """Waits for what is under way."""
        ...


class Fixed:
    """Always the same header, or none."""

    def __init__(self, header: Header | None) -> None:
        self._header = header

    async def header(self, send: Send) -> Header | None:
        """The header."""
        return self._header

    def was_refused(self, header: Header | None) -> bool:
        """There is no other."""
        return False

    def worked(self, header: Header | None) -> None:
        """Nothing to remember."""

    async def aclose(self) -> None:
        """Nothing is under way."""


class Renewed:
    """A bearer token that is asked for when it is first needed, when it is over, and once when it is refused."""

    def __init__(self, tokens: Tokens, now: Callable[[], datetime]) -> None:
        self._tokens, self._now = tokens, now
        self._token: Token | None = None
        self._refused = SecretStr("")
        self._renewal: asyncio.Task[None] | None = None

    async def header(self, send: Send) -> Header | None:
        """The header with a token that is good by what is known."""
        token = self._token
        while token is None or (token.over_at is not None and self._now() >= token.over_at):
            # One for all who wait, and to its end also where their time is up: what it gets may be had once only.
            if self._renewal is None or self._renewal.done():
                self._renewal = asyncio.create_task(self._renew(send))
                self._renewal.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.shield(self._renewal)
            token = self._token
            if token is not None and token.new_since is not None:
                break
        return _bearer(token.value)

    def was_refused(self, header: Header | None) -> bool:
        """Whether it was one that had been good before, so that another is worth asking for."""
        token = self._token
        if header is None or token is None or not header.is_same(_bearer(token.value)):
            return True  # another request has had it renewed meanwhile
        if token.new_since is not None and self._now() < token.new_since + _NEW:
            return False
        self._token, self._refused = None, token.value
        return True

    def worked(self, header: Header | None) -> None:
        """The API has taken the token."""
        token = self._token
        if token is not None and header is not None and header.is_same(_bearer(token.value)):
            self._token = replace(token, new_since=None)

    async def aclose(self) -> None:
        """Waits for an exchange that is under way, and for nothing else."""
        if self._renewal is not None and not self._renewal.done():
            if not self._tokens.is_exchanging:
                self._renewal.cancel()
            await asyncio.wait([self._renewal])
        await self._tokens.aclose()

    async def _renew(self, send: Send) -> None:
        self._token = None
        self._token = await self._tokens.token(send, self._refused)


@dataclass(frozen=True)
class Asked:
    """Tokens that are asked for by a request of their own, and are nobody else's."""

    exchange: Exchange
    request: Callable[[datetime], httpx.Request]
    is_exchanging: bool = False

    async def aclose(self) -> None:
        """Nothing is to be saved."""

    async def token(self, send: Send, refused: SecretStr) -> Token:
        """A new one."""
        return await self.exchange.answer(send, self.request(self.exchange.now()))


def credentials_of(
    service: Service, name: str, secrets: Secrets, book: ServiceBook, now: Callable[[], datetime]
) -> Credentials:
    """Who we are at the service.

    Raises:
        CredentialsRefused: a key cannot be read.
    """
    token, exchange = service.token.get_secret_value(), Exchange(name, secrets, now)
    match service.auth:
        case "none":
            return Fixed(None)
        case "bearer":
            return Fixed(_bearer(service.token))
        case "header":
            return Fixed(Header(service.token_header, token))
        case "basic":
            pair = b64encode(f"{service.username}:{token}".encode()).decode()
            secrets.add(pair)
            return Fixed(Header("Authorization", f"Basic {pair}"))
        case "refresh token":
            return Renewed(RefreshedTokens(name, service, book, exchange, _refresh(service)), now)
        case "service account":
            return Renewed(Asked(exchange, _service_account(service, name)), now)
        case "github app":
            return Renewed(Asked(exchange, _github_app(service, name)), now)


def _refresh(service: Service) -> Callable[[SecretStr], httpx.Request]:
    def ask(refresh_token: SecretStr) -> httpx.Request:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token.get_secret_value(),
            "client_id": service.client_id,
            "client_secret": service.client_secret.get_secret_value(),
        }
        return httpx.Request("POST", service.token_url or service.api.token_url, data=form)

    return ask


def _service_account(service: Service, name: str) -> Callable[[datetime], httpx.Request]:
    try:
        account = json.loads(service.service_account.get_secret_value())
        signer = RSASigner.from_service_account_info(account)  # type: ignore[no-untyped-call]
        email, url = account["client_email"], service.token_url or account["token_uri"]
        is_usable = isinstance(email, str) and urlsplit(url).scheme in ("http", "https") and bool(_signed(signer, {}))
    except (ValueError, KeyError, TypeError, AttributeError):
        is_usable = False
    if not is_usable:  # raised here, so that it carries nothing of the key
        raise _unreadable(name, "service_account", "the JSON that Google gave for it")

    def ask(at: datetime) -> httpx.Request:
        issued = int(at.timestamp())
        claims: dict[str, str | int] = {"iss": email, "aud": url, "iat": issued, "exp": issued + 3600}
        claims["scope"] = " ".join(service.scopes)
        if service.subject:
            claims["sub"] = service.subject
        return httpx.Request("POST", url, data={"grant_type": _JWT_GRANT, "assertion": _signed(signer, claims)})

    return ask


def _github_app(service: Service, name: str) -> Callable[[datetime], httpx.Request]:
    try:
        signer = RSASigner.from_string(service.private_key.get_secret_value())  # type: ignore[no-untyped-call]
        is_usable = bool(_signed(signer, {}))
    except (ValueError, TypeError):  # a TypeError where it is a key of another kind, such as an elliptic curve's
        is_usable = False
    if not is_usable:
        raise _unreadable(name, "private_key", "the PEM file that GitHub gave for it")
    url = f"{service.address}/app/installations/{service.installation_id}/access_tokens"

    def ask(at: datetime) -> httpx.Request:
        # A minute back, because GitHub refuses a JWT from what its clock calls the future; it takes ten at most.
        issued = int(at.timestamp()) - 60
        jwt = _signed(signer, {"iat": issued, "exp": issued + 600, "iss": service.app_id})
        return httpx.Request("POST", url, headers={**service.api.headers, "Authorization": f"Bearer {jwt}"})

    return ask


def _signed(signer: RSASigner, claims: Mapping[str, str | int]) -> str:
    """The claims as a JSON Web Token."""
    token: bytes = encode(signer, claims)  # type: ignore[no-untyped-call]
    return token.decode()


def _unreadable(name: str, field: str, what: str) -> CredentialsRefused:
    return CredentialsRefused(
        f"service {name!r} has a {field} that cannot be read", mend=f"paste {what} into the Service block {name!r}"
    )
