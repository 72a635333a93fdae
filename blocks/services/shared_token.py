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
from blocks.services.tokens import Exchange, Send, Token

EXCHANGE_SECONDS = 30.0
PREFECT_SECONDS = 10.0
"""How long Prefect may take to give the block, or to save it."""
LEASE = timedelta(seconds=EXCHANGE_SECONDS + 2 * PREFECT_SECONDS + 5)
"""After that others take who had the lease for dead."""
LOOK_SECONDS = 0.2
_PART = "renewal"
_LOG = logging.getLogger(__name__)


class ServiceToken(Block):
    """What was got for the refresh token of the Service block of the same name."""

    model_config = ConfigDict(extra="ignore")

    _block_type_name = "Service Token"
    _block_type_slug = "service-token"
    _description = "Written by Holdfast itself: what it got for the refresh token of the Service block of this name."

    credential: str = Field(description="Which credential the Service block had, by a digest.")
    access_token: SecretStr
    over_at: datetime | None = None
    refresh_token: SecretStr = Field(description="The one that is good now.")


@dataclass
class RefreshedTokens:
    """The tokens of one service's refresh token."""

    name: str
    service: Service
    book: ServiceBook
    exchange: Exchange
    request: Callable[[SecretStr], httpx.Request]
    """Asks for a token, by the refresh token."""
    _unsaved: tuple[SecretStr, SecretStr] | None = None
    """The refresh token that the block has yet, and the one that could not be saved in its place."""

    async def token(self, send: Send, refused: SecretStr) -> Token:
        """The token that is kept, else one in exchange for the refresh token.

        Raises:
            CredentialsRefused: the refresh token is not good.
            ServiceUnavailable: who gives tokens, or Prefect, does not answer.
        """
        async with self._alone():
            kept = await self._kept()
            is_good = kept is not None and (kept.over_at is None or self.exchange.now() < kept.over_at)
            if kept is not None and is_good and kept.access_token not in (refused, SecretStr("")):
                self._hide(kept.access_token)
                return Token(kept.access_token, kept.over_at, is_new=False)
            current = kept.refresh_token if kept is not None else self.service.refresh_token
            if self._unsaved is not None and self._unsaved[0] == current:
                current = self._unsaved[1]
            self._hide(current)
            try:
                async with asyncio.timeout(EXCHANGE_SECONDS):
                    token = await self.exchange.answer(send, self.request(current))
            except TimeoutError:
                raise ServiceUnavailable(f"who gives tokens for service {self.name!r} did not answer in time") from None
            await self._keep(token, current, kept)
            return token

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """No other process is in this block."""
        me = uuid4().hex
        try:
            while not await self.book.change(self.service.credential, _PART, lambda state: self._taken(state, me)):
                await asyncio.sleep(LOOK_SECONDS)
            yield
        finally:
            # Also where the run is stopped, or others would wait for the end of the lease.
            with anyio.CancelScope(shield=True):
                await self.book.change(self.service.credential, _PART, lambda state: _left(state, me))

    def _taken(self, state: State, me: str) -> tuple[State, bool]:
        now, until = self.exchange.now(), state.get("until")
        # One that is further off than any lease is of a clock that is wrong.
        if isinstance(until, str) and now < datetime.fromisoformat(until) <= now + LEASE:
            return state, False
        return {"by": me, "until": (now + LEASE).isoformat()}, True

    async def _kept(self) -> ServiceToken | None:
        if self.service.document_id is None:
            return None
        try:
            async with asyncio.timeout(PREFECT_SECONDS):
                kept = await load_saved(ServiceToken, self.name)
        except (httpx.HTTPError, PrefectException, TimeoutError) as error:
            failure = type(error).__name__
        else:
            return kept if kept is not None and kept.credential == self.service.credential else None
        raise ServiceUnavailable(f"Prefect did not give the token of service {self.name!r}: {failure}")

    async def _keep(self, token: Token, used: SecretStr, kept: ServiceToken | None) -> None:
        """Saves the token; where Prefect does not, this process goes on with it."""
        refresh_token = token.refresh_token if token.refresh_token.get_secret_value() else used
        saved = kept.refresh_token if kept is not None else self.service.refresh_token
        self._unsaved = (saved, refresh_token)
        if self.service.document_id is None:
            return
        block = ServiceToken(
            credential=self.service.credential,
            access_token=token.value,
            over_at=token.over_at,
            refresh_token=refresh_token,
        )
        try:
            async with asyncio.timeout(PREFECT_SECONDS):
                await block.asave(self.name, overwrite=True)
        except (httpx.HTTPError, PrefectException, TimeoutError) as error:
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
