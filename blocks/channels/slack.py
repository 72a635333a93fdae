"""The Slack Channel block: a bot that sends direct messages (chat.postMessage; checked 2026-11 on docs.slack.dev)."""

import re
import ssl
from datetime import UTC, datetime
from functools import cache

import httpx
from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, field_validator

from blocks.channels.message import Message
from blocks.errors import ChannelRefused, ChannelUnavailable
from blocks.retry_after import retry_after_seconds

_LATER = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "request_timeout",
                    "service_unavailable", "team_added_to_org"})  # fmt: skip
"""What Slack answers with `ok: false` though the same request may succeed later."""

MOST_LETTERS = 12_000
"""What Slack takes in one Markdown block."""


class SlackChannel(Block):
    """A Slack app's bot token, which has the scope chat:write."""

    # A refusal that quotes what it was given would quote the token.
    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Slack Channel"
    _block_type_slug = "slack-channel"
    _description = "The Slack bot that asks people for decisions in direct messages."

    token: SecretStr = Field(description="The bot's token, which begins with xoxb-.")
    base_url: str = Field(
        default="https://slack.com/api", pattern=r"^https?://\S+$", description="Where Slack's Web API is."
    )

    @field_validator("token")
    @classmethod
    def _is_a_token(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value().strip()  # a pasted one often ends in a line break
        if not re.fullmatch(r"xox[!-~]+", token):
            raise ValueError("a Slack token begins with xox and has neither spaces nor letters beyond ASCII")
        return SecretStr(token)

    async def send(self, member: str, message: Message, timeout_seconds: float) -> None:
        """Returns once Slack has taken the message for that member.

        Raises:
            ChannelUnavailable: Slack is down or asks to come again later.
            ChannelRefused: it will not take this message, or not from us.
        """
        body = {
            "channel": member,
            "text": message.subject,  # what a notification shows
            "blocks": [{"type": "markdown", "text": message.text[:MOST_LETTERS]}],
            "unfurl_links": False,
        }
        headers = {"Authorization": f"Bearer {self.token.get_secret_value()}"}
        try:
            async with httpx.AsyncClient(timeout=timeout_seconds, verify=_tls()) as client:
                answer = await client.post(f"{self.base_url}/chat.postMessage", json=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Not what it says: that may quote a header, and the token is one.
            raise ChannelUnavailable(f"Slack does not answer: {type(error).__name__}") from error
        if answer.status_code == 429 or answer.status_code >= 500:
            unavailable = ChannelUnavailable(f"Slack answered {answer.status_code}")
            unavailable.retry_after_seconds = retry_after_seconds(answer.headers, datetime.now(UTC))
            raise unavailable
        _require_ok(answer)


@cache
def _tls() -> ssl.SSLContext:
    # Made once: reading the authorities takes longer than the message.
    return httpx.create_ssl_context()


def _require_ok(answer: httpx.Response) -> None:
    try:
        said = answer.json()
    except ValueError:
        said = None
    if isinstance(said, dict) and said.get("ok") is True:
        return
    reason = (
        str(said.get("error", "no reason")) if isinstance(said, dict) else f"{answer.status_code}, which is no JSON"
    )
    if reason in _LATER:
        raise ChannelUnavailable(f"Slack did not take the message: {reason}")
    raise ChannelRefused(
        f"Slack refused the message: {reason}", mend="mend the Slack Channel block, or the person's Slack id"
    )
