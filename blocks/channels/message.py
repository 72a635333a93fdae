"""What is told, whichever way it goes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """A text for one person."""

    subject: str
    text: str
    """Markdown, read as it is written."""
    key: str
    """The same for every try of the same message, so that a reader's program knows it again."""
