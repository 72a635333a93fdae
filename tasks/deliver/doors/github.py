"""A new GitHub issue, whose text ends in the delivery's key where only programs read it (docs.github.com, REST)."""

from dataclasses import dataclass

from blocks.services.call import Call
from blocks.services.reading import found as find
from tasks.deliver.doors.door import Parcel
from tasks.once import Receipt
from tasks.request.calling import Ask

MOST_LETTERS = 65_536
"""What GitHub takes as the text of an issue."""


@dataclass(frozen=True)
class GithubDoor:
    """One repository."""

    ask: Ask
    service: str
    repository: str
    title: str

    @property
    def place(self) -> str:
        """The repository, at the service."""
        return f"{self.service}: issue in {self.repository}"

    async def deliver(self, parcel: Parcel) -> Receipt:
        """Opens the issue.

        Raises:
            HoldfastError: as the service says.
        """
        mark = _mark(parcel)
        text = parcel.text[: MOST_LETTERS - len(mark)] + mark
        body = {"title": self.title or parcel.title, "body": text}
        answer = await self.ask(Call("POST", self._path, json=body))
        return {"issue": find("number", answer.body), "url": find("html_url", answer.body)}

    async def found(self, parcel: Parcel) -> Receipt | None:
        """The issue with this delivery's key among the latest, open or closed.

        Raises:
            HoldfastError: as the service says.
        """
        params = {"state": "all", "sort": "created", "direction": "desc", "per_page": 100}
        answer = await self.ask(Call("GET", self._path, params=params))
        mine = find(f"[?contains(body || '', '{parcel.key}')] | [0]", answer.body)
        return {"issue": mine["number"], "url": mine.get("html_url")} if isinstance(mine, dict) else None

    @property
    def _path(self) -> str:
        return f"/repos/{self.repository}/issues"


def _mark(parcel: Parcel) -> str:
    return f"\n<!-- {parcel.key} -->\n"
