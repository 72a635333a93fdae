"""A message in a Slack channel, or a file (docs.slack.dev: chat.postMessage, files.getUploadURLExternal; 2026-11)."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from blocks.channels.slack import MOST_LETTERS, message_body
from blocks.errors import DeliveryRefused, HoldfastError, ServiceUnavailable
from blocks.services.call import Call
from blocks.services.reading import found as find
from blocks.tls import tls_context
from tasks.deliver.doors.door import Parcel
from tasks.once import Receipt, nobody_knows
from tasks.request.calling import Ask

UPLOAD_SECONDS = 60.0
_EVENT = "holdfast_delivery"


@dataclass(frozen=True)
class SlackDoor:
    """One channel."""

    ask: Ask
    service: str
    address: str
    channel: str
    as_file: bool

    @property
    def place(self) -> str:
        """The channel, at the service."""
        return f"{self.service}: {self.channel}"

    async def deliver(self, parcel: Parcel) -> Receipt:
        """Posts it.

        Raises:
            HoldfastError: as the service says.
        """
        if self.as_file or len(parcel.text) > MOST_LETTERS:
            return await self._upload(parcel)
        mark = {"event_type": _EVENT, "event_payload": {"delivery": parcel.key}}
        body = message_body(self.channel, parcel.title, parcel.text) | {"metadata": mark}
        answer = await self.ask(Call("POST", "/chat.postMessage", json=body))
        return {"channel": find("channel", answer.body), "ts": find("ts", answer.body)}

    async def found(self, parcel: Parcel) -> Receipt | None:
        """The message with this delivery's mark among the channel's latest, which the bot may have no right to read.

        Raises:
            DeliveryRefused: it may not, or it was a file.
        """
        if self.as_file or len(parcel.text) > MOST_LETTERS:
            raise nobody_knows(f"to deliver to {self.place}")
        params = {"channel": self.channel, "include_all_metadata": True, "limit": 200}
        try:
            answer = await self.ask(Call("GET", "/conversations.history", params=params))
        except ServiceUnavailable:
            raise
        except HoldfastError as error:
            raise nobody_knows(f"to deliver to {self.place}") from error
        mark = f"messages[?metadata.event_payload.delivery=='{parcel.key}'] | [0].ts"
        ts = find(mark, answer.body)
        return {"channel": self.channel, "ts": ts} if ts else None

    async def _upload(self, parcel: Parcel) -> Receipt:
        content = parcel.text.encode()
        form = {"filename": f"{parcel.key}.md", "length": str(len(content))}
        asked = (await self.ask(Call("POST", "/files.getUploadURLExternal", form=form, only_reads=True))).body
        url, file_id = find("upload_url", asked), find("file_id", asked)
        self._require_slack(str(url))
        try:
            async with httpx.AsyncClient(verify=tls_context(), timeout=UPLOAD_SECONDS) as plain:
                sent = await plain.post(str(url), content=content)
        except httpx.HTTPError as error:
            # Until it is completed, nobody sees it.
            raise ServiceUnavailable(f"Slack did not take the file: {type(error).__name__}") from error
        if sent.status_code != 200:
            raise ServiceUnavailable(f"Slack did not take the file: {sent.status_code}")
        body = {
            "files": [{"id": file_id, "title": parcel.title}],
            "channel_id": self.channel,
            "initial_comment": parcel.title,
        }
        await self.ask(Call("POST", "/files.completeUploadExternal", json=body))
        return {"channel": self.channel, "file": file_id}

    def _require_slack(self, url: str) -> None:
        """The text is sent to Slack alone, whatever address an answer names."""
        own, other = urlsplit(self.address), urlsplit(url)
        of_slack = other.scheme == "https" and (other.hostname or "").endswith(".slack.com")
        if not of_slack and (own.scheme, own.netloc) != (other.scheme, other.netloc):
            raise DeliveryRefused(f"service {self.service!r} wants the file at {other.netloc}, which is not Slack")
