"""A refresh token that the API may replace each time it is used (RFC 6749, 6; Atlassian always does).

The old one is good for one exchange only. So one process at a time makes it, by a lease in the ledger, with the token
that the saved block has by then, and the new one is saved there at once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import uuid4

import anyio
import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from prefect.exceptions import PrefectException

from blocks.ledger import ServiceBook
from blocks.ledger.services import State
from blocks.saved import load_saved
from blocks.services.service import Service

EXCHANGE_SECONDS = 30.0
"""How long an exchange may take."""
LEASE = timedelta(seconds=EXCHANGE_SECONDS + 5)
"""After that others take who had the lease for dead."""
LOOK_SECONDS = 0.2
_PART = "renewal"
_LOG = logging.getLogger(__name__)


class RefreshToken:
    """The refresh token of one service."""

    def __init__(self, name: str, service: Service, book: ServiceBook, now: Callable[[], datetime]) -> None:
        self._name, self._service, self._book, self._now = name, service, book, now
        self._token = service.refresh_token.get_secret_value()

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[str]:
        """The token, for one exchange, while no other process makes one."""
        me = uuid4().hex
        while not await self._book.change(self._service.credential, _PART, lambda state: self._taken(state, me)):
            await asyncio.sleep(LOOK_SECONDS)
        try:
            if self._service.document_id is not None:
                saved = await load_saved(Service, self._name)
                if saved is not None and saved.auth == "refresh token":
                    self._token = saved.refresh_token.get_secret_value()
            yield self._token
        finally:
            # Also where the node's time is up, or others would wait for the end of the lease.
            with anyio.CancelScope(shield=True):
                await self._book.change(self._service.credential, _PART, lambda state: _left(state, me))

    async def replace(self, token: str) -> None:
        """Lets the next exchange, by whomever, be made with that one."""
        self._token = token
        if self._service.document_id is None:
            return
        change = BlockDocumentUpdate(data={"refresh_token": token}, merge_existing_data=True)
        try:
            async with get_client() as client:
                await client.update_block_document(self._service.document_id, change)
        except (httpx.HTTPError, PrefectException) as error:
            _LOG.error(
                "service %r has a new refresh token, which could not be saved in its block (%s); "
                "when this process has ended, it must be authorized anew",
                self._name,
                type(error).__name__,
            )

    def _taken(self, state: State, me: str) -> tuple[State, bool]:
        until = state.get("until")
        if isinstance(until, str) and datetime.fromisoformat(until) > self._now():
            return state, False
        return {"by": me, "until": (self._now() + LEASE).isoformat()}, True


def _left(state: State, me: str) -> tuple[State, None]:
    return ({}, None) if state.get("by") == me else (state, None)
