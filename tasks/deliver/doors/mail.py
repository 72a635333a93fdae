"""A mail to a person, to everybody in a role, or to an address."""

from dataclasses import dataclass

from blocks.channels.email import EmailChannel
from blocks.channels.message import Message
from blocks.channels.sending import NAME
from blocks.errors import DeliveryRefused
from blocks.people.directory import saved_roster
from blocks.saved import load_saved
from tasks.deliver.doors.door import Parcel
from tasks.once import Receipt, nobody_knows


@dataclass(frozen=True)
class MailDoor:
    """One address."""

    address: str
    subject: str
    timeout_seconds: float

    @property
    def place(self) -> str:
        """The address."""
        return f"email: {self.address}"

    async def deliver(self, parcel: Parcel) -> Receipt:
        """Sends it.

        Raises:
            DeliveryRefused: no Email Channel block is saved.
            ChannelUnavailable, ChannelRefused: the server does not take it.
        """
        channel = await load_saved(EmailChannel, NAME)
        if channel is None:
            raise DeliveryRefused(
                f"there is no Email Channel block {NAME!r}", mend="save one in Prefect, on the page Blocks"
            )
        message = Message(self.subject or parcel.title, parcel.text, parcel.key)
        await channel.send(self.address, message, self.timeout_seconds)
        return {"sent": self.address, "message": parcel.key}

    async def found(self, parcel: Parcel) -> Receipt | None:
        """Nobody can look into a mailbox.

        Raises:
            DeliveryRefused: always.
        """
        raise nobody_knows(f"to deliver to {self.place}")


async def addresses_of(name: str) -> tuple[str, ...]:
    """The addresses that a person, a role or an address means.

    Raises:
        DeliveryRefused: it means nobody who has one.
    """
    if "@" in name:
        return (name,)
    roster = await saved_roster()
    meant = roster.all_meant_by((name,)) if roster is not None and roster.meant_by(name) else ()
    addresses = tuple(dict.fromkeys(person.email for person in meant if person.email))
    if not addresses:
        raise DeliveryRefused(
            f"{name!r} is neither an address nor somebody in the directory who has one",
            mend="write an address, or a person or role of the directory",
        )
    return addresses
