"""Direct messages of a Slack bot (chat.postMessage; checked 2026-11 on docs.slack.dev), through the Slack service."""

import asyncio
from dataclasses import dataclass
from typing import Any

from blocks.channels.message import Message
from blocks.errors import ChannelRefused, ChannelUnavailable, CredentialsRefused, RequestRefused, ServiceUnavailable
from blocks.ledger import ServiceBook
from blocks.services.call import Call, Trace
from blocks.services.client import ServiceClient
from blocks.services.service import Service

SERVICE = "slack"
"""What the Service block is called; its bot has the scope chat:write."""
MOST_LETTERS = 12_000
"""What Slack takes in one Markdown block."""


def message_body(channel: str, title: str, markdown: str) -> dict[str, Any]:
    """The JSON of a message of at most MOST_LETTERS; the title is what a notification shows."""
    blocks = [{"type": "markdown", "text": markdown}]
    return {"channel": channel, "text": title, "blocks": blocks, "unfurl_links": False}


@dataclass(frozen=True)
class SlackChannel:
    """The bot of a Service block; it keeps to the limits that runs with the same token keep to."""

    service: Service
    book: ServiceBook

    async def send(self, member: str, message: Message, timeout_seconds: float) -> None:
        """Returns once Slack has taken the message for that member.

        Raises:
            ChannelUnavailable: Slack is down or asks to come again later.
            ChannelRefused: it will not take this message, or not from us.
        """
        body = message_body(member, message.subject, message.text[:MOST_LETTERS])
        client = ServiceClient(SERVICE, self.service, self.book)
        until = asyncio.get_running_loop().time() + timeout_seconds
        try:
            await client.send(Call("POST", "/chat.postMessage", json=body), until, Trace())
        except ServiceUnavailable as error:
            unavailable = ChannelUnavailable(f"Slack did not take the message: {error.what}")
            unavailable.retry_after_seconds = error.retry_after_seconds
            unavailable.may_be_done = error.may_be_done
            raise unavailable from error
        except (RequestRefused, CredentialsRefused) as error:
            raise ChannelRefused(
                f"Slack refused the message: {error.what}",
                mend=f"mend the Service block {SERVICE!r}, or the person's Slack id",
            ) from error
        finally:
            await client.aclose()
