"""Who we are at an API: the header that each request carries, and how a token that has expired is renewed.

Grants: refresh token (RFC 6749, 6), JWT bearer (RFC 7523, 2.1; Google's service accounts), GitHub's installation
tokens for a JWT of the app (docs.github.com, "Generating an installation access token"; checked 2026-11).
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from google.auth.crypt import RSASigner
from google.auth.jwt import encode

from blocks.errors import CredentialsRefused, ServiceUnavailable
from blocks.ledger import ServiceBook
from blocks.services.reading import read_bounded
from blocks.services.rotation import EXCHANGE_SECONDS, RefreshToken
from blocks.services.secrets import Secrets
from blocks.services.service import Service

MOST_TOKEN_BYTES = 1_000_000
_EARLY = timedelta(seconds=60)
"""A token is renewed so long before its end: clocks differ."""
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Header:
    """A header that says who we are. It is no dataclass: what shows a program's variables must not show it."""

    def __init__(self, name: str, value: str) -> None:
        self.name, self._value = name, value

    def is_same(self, value: str) -> bool:
        """Whether it carries that."""
        return self._value == value

    def put_into(self, request: httpx.Request) -> None:
        """Lets the request carry it."""
        request.headers[self.name] = self._value


Send = Callable[[httpx.Request], Awaitable[httpx.Response]]


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

    def worked(self) -> None:
        """The API has taken the last header."""
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

    def worked(self) -> None:
        """Nothing to remember."""


class Renewed:
    """A bearer token that is asked for when it is first needed, when it is over, and once when it is refused."""

    def __init__(
        self,
        ask: Callable[[datetime, str], httpx.Request],
        name: str,
        secrets: Secrets,
        now: Callable[[], datetime],
        refresh_token: RefreshToken | None = None,
    ) -> None:
        """`ask` makes the request for a token, from the time and the refresh token, which is empty where none is."""
        self._ask, self._name, self._secrets, self._now, self._refresh_token = ask, name, secrets, now, refresh_token
        self._token = ""
        self._over_at: datetime | None = None
        self._is_new = False
        self._asking = asyncio.Lock()

    async def header(self, send: Send) -> Header | None:
        """The header with a token that is good by what is known."""
        async with self._asking:
            if not self._token or (self._over_at is not None and self._now() >= self._over_at):
                await self._renew(send)
                self._is_new = True
            return Header("Authorization", f"Bearer {self._token}")

    def was_refused(self, header: Header | None) -> bool:
        """Whether it was one that had been good before, so that another is worth asking for."""
        if header is None or not header.is_same(f"Bearer {self._token}"):
            return True  # another request has had it renewed meanwhile
        if self._is_new:
            return False
        self._token = ""
        return True

    def worked(self) -> None:
        """The API has taken the token."""
        self._is_new = False

    async def _renew(self, send: Send) -> None:
        if self._refresh_token is None:
            await self._exchange(send, "")
            return
        async with self._refresh_token.in_use() as refresh_token:
            self._secrets.add(refresh_token)
            async with asyncio.timeout(EXCHANGE_SECONDS):
                said = await self._exchange(send, refresh_token)
            if isinstance(rotated := said.get("refresh_token"), str) and rotated != refresh_token:
                self._secrets.add(rotated)
                await self._refresh_token.replace(rotated)

    async def _exchange(self, send: Send, refresh_token: str) -> Mapping[str, Any]:
        """Gets a token; returns all that was said beside it."""
        not_renewed = f"the token of service {self._name!r} could not be renewed"
        self._token, failure = "", ServiceUnavailable("")
        try:
            response = await send(self._ask(self._now(), refresh_token))
            try:
                content = await read_bounded(response, MOST_TOKEN_BYTES)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = ServiceUnavailable(f"{not_renewed}: {type(error).__name__}")
        else:
            if response.status_code == 429 or response.status_code >= 500:
                raise ServiceUnavailable(f"{not_renewed}: {response.status_code}")
            said = _object(content)
            self._take(response.status_code, said)
            return said
        # Raised here, so that it carries no trace of the request.
        raise failure

    def _take(self, status: int, said: Mapping[str, Any]) -> None:
        token = said.get("access_token") or said.get("token")
        if status >= 400 or not isinstance(token, str) or not token.isascii() or not token.isprintable():
            why = said.get("error_description") or said.get("error") or said.get("message") or status
            raise CredentialsRefused(
                f"the token of service {self._name!r} could not be renewed: {self._secrets.hidden(str(why))[:200]}",
                mend=f"mend the Service block {self._name!r}",
            )
        self._secrets.add(token)
        self._token, self._over_at = token, self._end_of(said)

    def _end_of(self, said: Mapping[str, Any]) -> datetime | None:
        try:
            if "expires_in" in said:
                return self._now() + timedelta(seconds=float(said["expires_in"])) - _EARLY
            if "expires_at" in said:
                at = datetime.fromisoformat(str(said["expires_at"]))
                return (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EARLY
        except (ValueError, TypeError, OverflowError):
            return None
        return None


def credentials_of(
    service: Service, name: str, secrets: Secrets, book: ServiceBook, now: Callable[[], datetime]
) -> Credentials:
    """Who we are at the service.

    Raises:
        CredentialsRefused: a key cannot be read.
    """
    token = service.token.get_secret_value()
    match service.auth:
        case "none":
            return Fixed(None)
        case "bearer":
            return Fixed(Header("Authorization", f"Bearer {token}"))
        case "header":
            return Fixed(Header(service.token_header, token))
        case "basic":
            pair = b64encode(f"{service.username}:{token}".encode()).decode()
            secrets.add(pair)
            return Fixed(Header("Authorization", f"Basic {pair}"))
        case "refresh token":
            return Renewed(_refresh(service), name, secrets, now, RefreshToken(name, service, book, now))
        case "service account":
            return Renewed(_service_account(service, name), name, secrets, now)
        case "github app":
            return Renewed(_github_app(service, name), name, secrets, now)


def _refresh(service: Service) -> Callable[[datetime, str], httpx.Request]:
    def ask(at: datetime, refresh_token: str) -> httpx.Request:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": service.client_id,
            "client_secret": service.client_secret.get_secret_value(),
        }
        return httpx.Request("POST", service.token_url or service.api.token_url, data=form)

    return ask


def _service_account(service: Service, name: str) -> Callable[[datetime, str], httpx.Request]:
    try:
        account = json.loads(service.service_account.get_secret_value())
        signer = RSASigner.from_service_account_info(account)  # type: ignore[no-untyped-call]
        email, url = account["client_email"], service.token_url or account["token_uri"]
        is_usable = isinstance(email, str) and urlsplit(url).scheme in ("http", "https") and bool(_signed(signer, {}))
    except (ValueError, KeyError, TypeError, AttributeError):
        is_usable = False
    if not is_usable:  # raised here, so that it carries nothing of the key
        raise _unreadable(name, "service_account", "the JSON that Google gave for it")

    def ask(at: datetime, _: str) -> httpx.Request:
        issued = int(at.timestamp())
        claims: dict[str, str | int] = {"iss": email, "aud": url, "iat": issued, "exp": issued + 3600}
        claims["scope"] = " ".join(service.scopes)
        if service.subject:
            claims["sub"] = service.subject
        return httpx.Request("POST", url, data={"grant_type": _JWT_GRANT, "assertion": _signed(signer, claims)})

    return ask


def _github_app(service: Service, name: str) -> Callable[[datetime, str], httpx.Request]:
    try:
        signer = RSASigner.from_string(service.private_key.get_secret_value())  # type: ignore[no-untyped-call]
        is_usable = bool(_signed(signer, {}))
    except (ValueError, TypeError):  # a TypeError where it is a key of another kind, such as an elliptic curve's
        is_usable = False
    if not is_usable:
        raise _unreadable(name, "private_key", "the PEM file that GitHub gave for it")
    url = f"{service.address}/app/installations/{service.installation_id}/access_tokens"

    def ask(at: datetime, _: str) -> httpx.Request:
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


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
