"""Who we are at an API, as httpx authentication: what requests carry, and how a token that has expired is renewed.

Grants: refresh token (RFC 6749, 6), JWT bearer (RFC 7523, 2.1; Google's service accounts), GitHub's installation
tokens for a JWT of the app (docs.github.com, "Generating an installation access token"; checked 2026-11).
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from google.auth.crypt import RSASigner
from google.auth.jwt import encode

from blocks.errors import CredentialsRefused, ServiceUnavailable
from blocks.services.service import Service

_EARLY = timedelta(seconds=60)
"""A token is renewed so long before its end: clocks differ."""
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class TokenAuth(httpx.Auth):
    """Carries a token that is renewed when it is over, or once when the API refuses it."""

    def __init__(self, renewal: Callable[[datetime], httpx.Request], name: str, now: Callable[[], datetime]) -> None:
        self._renewal, self._name, self._now = renewal, name, now
        self._token = ""
        self._over_at: datetime | None = None
        self._renewing = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Called by httpx for each request; asks for a token first where there is none that is good."""
        fresh = False
        async with self._renewing:
            if not self._token or (self._over_at is not None and self._now() >= self._over_at):
                fresh = True
                await self._take((yield self._renewal(self._now())))
        used = self._token
        request.headers["Authorization"] = f"Bearer {used}"
        response = yield request
        if response.status_code == 401 and not fresh:
            async with self._renewing:
                if self._token == used:  # no other request has renewed it meanwhile
                    await self._take((yield self._renewal(self._now())))
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    async def _take(self, response: httpx.Response) -> None:
        self._token = ""
        await response.aread()
        if response.status_code == 429 or response.status_code >= 500:
            raise ServiceUnavailable(
                f"the token of service {self._name!r} could not be renewed: {response.status_code}"
            )
        said = _json(response)
        token = said.get("access_token") or said.get("token")
        if response.status_code >= 400 or not isinstance(token, str):
            why = said.get("error_description") or said.get("error") or said.get("message") or response.status_code
            raise CredentialsRefused(
                f"the token of service {self._name!r} could not be renewed: {str(why)[:200]}",
                mend=f"mend the Service block {self._name!r}",
            )
        self._token = token
        self._over_at = self._end_of(said)

    def _end_of(self, said: dict[str, Any]) -> datetime | None:
        try:
            if "expires_in" in said:
                return self._now() + timedelta(seconds=float(said["expires_in"])) - _EARLY
            if "expires_at" in said:
                return datetime.fromisoformat(str(said["expires_at"])) - _EARLY
        except (ValueError, OverflowError):
            return None
        return None


class HeaderAuth(httpx.Auth):
    """Carries a token in a header of the API's own."""

    def __init__(self, header: str, value: str) -> None:
        self._header, self._value = header, value

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Called by httpx for each request."""
        request.headers[self._header] = self._value
        yield request


def auth_for(service: Service, name: str, now: Callable[[], datetime]) -> httpx.Auth | None:
    """How requests to the service say who we are; None: they do not.

    Raises:
        CredentialsRefused: a key cannot be read.
    """
    token = service.token.get_secret_value()
    match service.auth:
        case "none":
            return None
        case "bearer":
            return HeaderAuth("Authorization", f"Bearer {token}")
        case "header":
            return HeaderAuth(service.token_header, token)
        case "basic":
            return httpx.BasicAuth(service.username, token)
        case "refresh token":
            return TokenAuth(lambda at: _refresh(service), name, now)
        case "service account":
            return TokenAuth(_service_account(service, name), name, now)
        case "github app":
            return TokenAuth(_github_app(service, name), name, now)


def _refresh(service: Service) -> httpx.Request:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": service.refresh_token.get_secret_value(),
        "client_id": service.client_id,
        "client_secret": service.client_secret.get_secret_value(),
    }
    return httpx.Request("POST", service.token_url or service.api.token_url, data=form)


def _service_account(service: Service, name: str) -> Callable[[datetime], httpx.Request]:
    try:
        account = json.loads(service.service_account.get_secret_value())
        signer = RSASigner.from_service_account_info(account)  # type: ignore[no-untyped-call]
        email, url = str(account["client_email"]), service.token_url or str(account["token_uri"])
    except (ValueError, KeyError, TypeError):
        account = None
    if account is None:  # raised here, so that it carries nothing of the key
        raise _unreadable(name, "service_account", "the JSON that Google gave for it")
    if urlsplit(url).scheme not in ("http", "https"):
        raise _unreadable(name, "service_account", "the JSON that Google gave for it")

    def renewal(at: datetime) -> httpx.Request:
        issued = int(at.timestamp())
        claims: dict[str, str | int] = {"iss": email, "aud": url, "iat": issued, "exp": issued + 3600}
        claims["scope"] = " ".join(service.scopes)
        if service.subject:
            claims["sub"] = service.subject
        assertion = _signed(signer, claims)
        return httpx.Request("POST", url, data={"grant_type": _JWT_GRANT, "assertion": assertion})

    return renewal


def _github_app(service: Service, name: str) -> Callable[[datetime], httpx.Request]:
    try:
        signer = RSASigner.from_string(service.private_key.get_secret_value())  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        signer = None
    if signer is None:
        raise _unreadable(name, "private_key", "the PEM file that GitHub gave for it")
    url = f"{service.address}/app/installations/{service.installation_id}/access_tokens"

    def renewal(at: datetime) -> httpx.Request:
        # A minute back, because GitHub refuses a JWT from what its clock calls the future; it takes ten at most.
        issued = int(at.timestamp()) - 60
        jwt = _signed(signer, {"iat": issued, "exp": issued + 600, "iss": service.app_id})
        return httpx.Request("POST", url, headers={**service.api.headers, "Authorization": f"Bearer {jwt}"})

    return renewal


def _signed(signer: RSASigner, claims: Mapping[str, str | int]) -> str:
    """The claims as a JSON Web Token."""
    token: bytes = encode(signer, claims)  # type: ignore[no-untyped-call]
    return token.decode()


def _unreadable(name: str, field: str, what: str) -> CredentialsRefused:
    return CredentialsRefused(
        f"service {name!r} has a {field} that cannot be read", mend=f"paste {what} into the Service block {name!r}"
    )


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        said = response.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
