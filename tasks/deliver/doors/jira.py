"""A comment on a Jira issue, which carries the delivery's key as a property (developer.atlassian.com, REST v3)."""

from dataclasses import dataclass
from urllib.parse import quote

from blocks.services.call import Call
from blocks.services.reading import found as find
from tasks.deliver.doors.adf import document_of
from tasks.deliver.doors.door import Parcel
from tasks.once import Receipt
from tasks.request.calling import Ask

_PROPERTY = "holdfast"


@dataclass(frozen=True)
class JiraDoor:
    """One issue."""

    ask: Ask
    service: str
    issue: str

    @property
    def place(self) -> str:
        """The issue, at the service."""
        return f"{self.service}: comment on {self.issue}"

    async def deliver(self, parcel: Parcel) -> Receipt:
        """Adds the comment.

        Raises:
            HoldfastError: as the service says.
        """
        mark = [{"key": _PROPERTY, "value": {"delivery": parcel.key}}]
        answer = await self.ask(Call("POST", self._path, json={"body": document_of(parcel.text), "properties": mark}))
        return {"issue": self.issue, "comment": find("id", answer.body)}

    async def found(self, parcel: Parcel) -> Receipt | None:
        """The comment with this delivery's key among the issue's latest.

        Raises:
            HoldfastError: as the service says.
        """
        params = {"expand": "properties", "orderBy": "-created", "maxResults": 100}
        answer = await self.ask(Call("GET", self._path, params=params))
        mine = f"comments[?properties[?key=='{_PROPERTY}' && value.delivery=='{parcel.key}']] | [0].id"
        comment = find(mine, answer.body)
        return {"issue": self.issue, "comment": comment} if comment else None

    @property
    def _path(self) -> str:
        return f"/rest/api/3/issue/{quote(self.issue, safe='')}/comment"
