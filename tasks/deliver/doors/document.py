"""A document in a folder: it is written whole or not at all, and can be looked at again."""

from dataclasses import dataclass

from blocks.errors import DeliveryRefused
from blocks.folders import digest, stored_digest, write_document
from tasks.deliver.doors.door import Parcel
from tasks.once import Receipt


@dataclass(frozen=True)
class DocumentDoor:
    """One document."""

    place: str

    async def deliver(self, parcel: Parcel) -> Receipt:
        """Writes it.

        Raises:
            DeliveryRefused: the place cannot be written.
        """
        await write_document(self.place, parcel.text)
        return {"wrote": self.place, "bytes": len(parcel.text.encode())}

    async def found(self, parcel: Parcel) -> Receipt | None:
        """The receipt where the text is there; None where nothing is.

        Raises:
            DeliveryRefused: another text is there, or the intended one is and is not what the run would deliver now.
        """
        stored = await stored_digest(self.place)
        if stored is None:
            return None
        if stored == parcel.sha256_before == digest(parcel.text):
            return {"found": self.place}
        raise DeliveryRefused(
            f"an earlier try to deliver to {self.place} was cut off, and another text is there",
            means="it may be older or newer than this one, so it is not written over",
            mend="look at the document, remove it if it is wrong, then resume the run",
        )
