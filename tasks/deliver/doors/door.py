"""What every door can do, and what a delivery is made of."""

from dataclasses import dataclass
from typing import Protocol

from tasks.once import Receipt


@dataclass(frozen=True)
class Parcel:
    """What is delivered, and by what it is known again."""

    text: str
    """Markdown."""
    key: str
    """The same for every try of this delivery, and for no other."""
    sha256_before: str = ""
    """Of the text that an earlier try would have delivered; empty: there was none."""

    @property
    def title(self) -> str:
        """The first line that says something."""
        lines = (line.strip("#* \t") for line in self.text.splitlines())
        return next((line for line in lines if line), "Report")[:200]


class Door(Protocol):
    """One place."""

    @property
    def place(self) -> str:
        """The place in words; the same for every try."""
        ...

    async def deliver(self, parcel: Parcel) -> Receipt:
        """The receipt, once the text is there.

        Raises:
            HoldfastError: it is not; where it may be all the same, the error has `may_be_done`.
        """
        ...

    async def found(self, parcel: Parcel) -> Receipt | None:
        """The receipt of an earlier try that was cut off; None: it had not been made.

        Raises:
            DeliveryRefused: nobody can know.
            HoldfastError: the place does not say now.
        """
        ...
