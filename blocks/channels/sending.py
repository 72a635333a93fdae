"""Which channels a person has, and sending on one of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.core import Block
from prefect.exceptions import PrefectHTTPStatusError

from blocks.channels.email import EmailChannel
from blocks.channels.message import Message
from blocks.channels.slack import SERVICE, SlackChannel
from blocks.errors import ChannelRefused, ChannelUnavailable, OperatorError
from blocks.ledger import ServiceBook
from blocks.people.person import Person
from blocks.saved import load_saved
from blocks.services.service import Service

BlockT = TypeVar("BlockT", bound=Block)
NAME = "default"
"""What the Email Channel block is called."""
SEND_TIMEOUT_SECONDS = 10.0
"""How long one channel may take with one message."""


@dataclass(frozen=True)
class Channels:
    """The channels that are set up."""

    email: EmailChannel | None = None
    slack: SlackChannel | None = None
    broken: Mapping[str, str] = field(default_factory=dict)
    """Channels whose block is there and cannot be used, each with what is wrong: somebody will mend it."""

    def of(self, person: Person) -> tuple[str, ...]:
        """The names of the channels on which this person is reached."""
        own = {
            "email": person.email if self.email or "email" in self.broken else "",
            "slack": person.slack if self.slack or "slack" in self.broken else "",
        }
        return (*(name for name, address in own.items() if address), *person.notify)

    async def send(self, person: Person, channel: str, message: Message) -> None:
        """Returns once the channel has taken the message.

        Raises:
            ChannelUnavailable: it may take the message later.
            ChannelRefused: it will not.
        """
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS + 1):
                if channel in self.broken:
                    raise ChannelUnavailable(self.broken[channel])
                if channel == "email" and self.email:
                    await self.email.send(person.email, message, SEND_TIMEOUT_SECONDS)
                elif channel == "slack" and self.slack:
                    await self.slack.send(person.slack, message, SEND_TIMEOUT_SECONDS)
                elif channel in person.notify:
                    await _notify(channel, message)
                else:
                    raise ChannelRefused(f"{person.name} is not reached by {channel} any more")
        except TimeoutError as error:
            raise ChannelUnavailable(f"{channel} did not take the message in {SEND_TIMEOUT_SECONDS:g} s") from error


async def open_channels(services: ServiceBook) -> Channels:
    """The channels whose blocks are saved; one that cannot be used keeps the other from nobody."""
    broken: dict[str, str] = {}

    async def loaded(channel: str, block: type[BlockT], name: str) -> BlockT | None:
        try:
            return await load_saved(block, name)
        except OperatorError as error:
            broken[channel] = str(error)
            return None

    email, slack = await asyncio.gather(loaded("email", EmailChannel, NAME), loaded("slack", Service, SERVICE))
    return Channels(email, SlackChannel(slack, services) if slack else None, broken)


async def _notify(block: str, message: Message) -> None:
    # Nothing of the error is quoted: what a webhook's block says of its failure may have its address, a secret.
    try:
        loaded: Any = await Block.aload(block)
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        raise ChannelUnavailable(f"Prefect does not say what block {block!r} is: {type(error).__name__}") from error
    except (ValueError, RuntimeError) as error:
        raise ChannelRefused(f"there is no notification block {block!r} that can be used") from error
    if not isinstance(loaded, NotificationBlock):
        raise ChannelRefused(f"block {block!r} is no notification block")
    try:
        with loaded.raise_on_failure():
            await loaded.notify(message.text, message.subject)
    except (NotificationError, httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
        raise ChannelUnavailable(f"block {block!r} did not send: {type(error).__name__}") from error
