"""A new file in Google Drive, which carries the delivery's key as a property of ours (developers.google.com, Drive v3).

The files of one multipart upload are at most 5 MB.
"""

import json
from dataclasses import dataclass

from blocks.services.call import Call
from blocks.services.reading import found as find
from tasks.deliver.doors.door import Parcel
from tasks.once import Receipt
from tasks.request.calling import Ask

_PROPERTY = "holdfast"
_FIELDS = "id,name,webViewLink"


@dataclass(frozen=True)
class DriveDoor:
    """One file's name, in a folder."""

    ask: Ask
    service: str
    name: str
    folder: str

    @property
    def place(self) -> str:
        """The file, at the service."""
        return f"{self.service}: {self.folder + '/' if self.folder else ''}{self.name}"

    async def deliver(self, parcel: Parcel) -> Receipt:
        """Uploads it.

        Raises:
            HoldfastError: as the service says.
        """
        about = {"name": self.name, "mimeType": "text/markdown", "appProperties": {_PROPERTY: parcel.key}}
        parents = {"parents": [self.folder]} if self.folder else {}
        boundary = parcel.key
        content = "\r\n".join(
            [
                *(f"--{boundary}", "Content-Type: application/json; charset=UTF-8", "", json.dumps(about | parents)),
                *(f"--{boundary}", "Content-Type: text/markdown; charset=UTF-8", "", parcel.text),
                *(f"--{boundary}--", ""),
            ]
        ).encode()
        headers = {"Content-Type": f"multipart/related; boundary={boundary}"}
        params = {"uploadType": "multipart", "supportsAllDrives": True, "fields": _FIELDS}
        answer = await self.ask(Call("POST", "/upload/drive/v3/files", params=params, content=content, headers=headers))
        return self._receipt(answer.body)

    async def found(self, parcel: Parcel) -> Receipt | None:
        """The file with this delivery's key.

        Raises:
            HoldfastError: as the service says.
        """
        mine = f"appProperties has {{ key='{_PROPERTY}' and value='{parcel.key}' }} and trashed = false"
        params = {
            "q": mine,
            "fields": f"files({_FIELDS})",
            "supportsAllDrives": True,
            "includeItemsFromAllDrives": True,
        }
        answer = await self.ask(Call("GET", "/drive/v3/files", params=params))
        file = find("files[0]", answer.body)
        return self._receipt(file) if file else None

    def _receipt(self, file: object) -> Receipt:
        return {"file": find("id", file), "url": find("webViewLink", file)}
