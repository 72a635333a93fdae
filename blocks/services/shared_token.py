"""The tokens of a refresh token, shared by all processes through a saved block.

An API may replace the refresh token each time that it is used (RFC 6749, 6; Atlassian always does), and may end the
access tokens that it gave for the old one. So one process at a time makes an exchange, by a lease in the ledger; what
it gets is saved at once, and used by the others.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import anyio
import httpx
from prefect.blocks.core import Block
from prefect.exceptions import PrefectException
from pydantic import ConfigDict, Field, SecretStr

from blocks.errors import ServiceUnavailable
from blocks.ledger import ServiceBook
from blocks.ledger.services import State
from blocks.saved import load_saved
from blocks.services.service import Service
from blocks.services.tokens import EXCHANGE_SECONDS, Exchange, Send, Token

PREFECT_SECONDS = 10.0
"""How long Prefect may take to give the block, or to save it."""
LEASE = timedelta(seconds=EXCHANGE_SECONDS + 2 * PREFECT_SECONDS + 5)
"""After that others take who had the lease for dead."""
LOOK_SECONDS = 0.2
_PART = "renewal"
_LOG = logging.getLogger(__name__)


class ServiceToken(Block):
    """What was got for a refresh token; its name has a digest of that, so that another one finds nothing of it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Service Token"
    _block_type_slug = "service-token"
    _description = "Written by Holdfast itself: what it got for the refresh token of a Service block."

    service: str = Field(description="The Service block that it was last got for.")
    access_token: SecretStr
    over_at: datetime | None = None
    refresh_token: SecretStr = Field(description="The one that is good now.")


def grant_of(service: Service) -> str:
    """What the refresh token in a Service block is known by, also where its client gets another secret."""
    url = service.token_url or service.api.token_url
    parts = (url, service.client_id, service.refresh_token.get_secret_value())
    return f"service-token-{sha256(chr(0).join(parts).encode()).hexdigest()[:24]}"


@dataclass
class RefreshedTokens:
    """The tokens of one service's refresh token."""

    name: str
    service: Service
    book: ServiceBook
    exchange: Exchange
    request: Callable[[SecretStr], httpx.Request]
    """Asks for a token, by the refresh token."""
    is_exchanging: bool = False
    """Whether a token is being got or saved."""
    _unsaved: tuple[SecretStr, ServiceToken] | None = None
    """The refresh token that is saved yet, and what could not be saved in its place."""

    async def token(self, send: Send, refused: SecretStr) -> Token:
        """The token that is kept, else one in exchange for the refresh token.

        Raises:
            CredentialsRefused: the refresh token is not good.
            ServiceUnavailable: who gives tokens, or Prefect, does not answer.
        """
        async with self._alone():
            kept = await self._kept()
            if kept is not None and self._is_good(kept, refused):
                self._hide(kept.access_token)
                return Token(kept.access_token, kept.over_at)
            saved = kept.refresh_token if kept is not None else self.service.refresh_token
            current = saved
            if self._unsaved is not None and self._unsaved[0] == saved:
                current = self._unsaved[1].refresh_token
            self._hide(current)
            self.is_exchanging = True
            try:
                token = await self.exchange.answer(send, self.request(current))
                await self._keep(token, current, saved)
            finally:
                self.is_exchanging = False
            return token

    async def aclose(self) -> None:
        """Saves what could not be saved before."""
        if self._unsaved is not None:
            await self._save(self._unsaved[1])

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """No other process is in this block."""
        me, grant = uuid4().hex, grant_of(self.service)
        try:
            while not await self.book.change(grant, _PART, lambda state: self._taken(state, me)):
                await asyncio.sleep(LOOK_SECONDS)
            yield
        finally:
            # Also where the run is stopped, or others would wait for the end of the lease.
            with anyio.CancelScope(shield=True):
                await self.book.change(grant, _PART, lambda state: _left(state, me))

    def _taken(self, state: State, me: str) -> tuple[State, bool]:
        now, until = self.exchange.now(), state.get("until")
        # One that is much further off than any lease is of a clock that is wrong.
        if isinstance(until, str) and now < datetime.fromisoformat(until) <= now + 2 * LEASE:
            return state, False
        return {"by": me, "until": (now + LEASE).isoformat()}, True

    async def _kept(self) -> ServiceToken | None:
        if self.service.document_id is None:
            return None
        try:
            async with asyncio.timeout(PREFECT_SECONDS):
                return await load_saved(ServiceToken, grant_of(self.service))
        except (httpx.HTTPError, PrefectException, TimeoutError) as error:
            failure = type(error).__name__
        raise ServiceUnavailable(f"Prefect did not give the token of service {self.name!r}: {failure}")

    def _is_good(self, kept: ServiceToken, refused: SecretStr) -> bool:
        return kept.access_token != refused and (kept.over_at is None or self.exchange.now() < kept.over_at)

    async def _keep(self, token: Token, used: SecretStr, saved: SecretStr) -> None:
        """Saves the token; where Prefect does not, this process goes on with it."""
        refresh_token = token.refresh_token if token.refresh_token.get_secret_value() else used
        block = ServiceToken(
            service=self.name, access_token=token.value, over_at=token.over_at, refresh_token=refresh_token
        )
        self._unsaved = (saved, block)
        await self._save(block)

    async def _save(self, block: ServiceToken) -> None:
        if self.service.document_id is None:
            return
        try:
            async with asyncio.timeout(PREFECT_SECONDS):
                await block.asave(grant_of(self.service), overwrite=True)
        except Exception as error:  # whatever it is, the token that we have must not be lost by it
            _LOG.error(
                "service %r has a new refresh token, which Prefect did not save (%s); if that is so when this process "
                "ends, the service must be authorized anew",
                self.name,
                type(error).__name__,
            )
        else:
            self._unsaved = None

    def _hide(self, secret: SecretStr) -> None:
        self.exchange.secrets.add(secret.get_secret_value())


def _left(state: State, me: str) -> tuple[State, None]:
    return ({}, None) if state.get("by") == me else (state, None)
