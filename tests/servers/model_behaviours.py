"""How the loopback provider may answer: well, late, wrong, or not at all."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Slow:
    """Answers well, but nothing of it comes for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Dribbles:
    """Begins to answer at once, and takes so many seconds to end."""

    seconds: float


@dataclass(frozen=True)
class Fails:
    """Answers with an HTTP error; an answer to 429 or 503 may say when to ask again."""

    status: int
    message: str = "The server had an error while processing your request."
    code: str | None = None
    retry_after_seconds: float | None = None


@dataclass(frozen=True)
class Says:
    """Answers with this content, whatever the schema asks for, after so many seconds."""

    content: str
    finish_reason: str = "stop"
    seconds: float = 0.0


@dataclass(frozen=True)
class Refuses:
    """Declines: `message.refusal` instead of a content."""

    why: str


class Odd(Enum):
    """Ways to answer that need no more than a name."""

    STOPS_AT_LENGTH = "the first half of the content, at the length limit"
    HANGS_UP = "the connection ends in the middle of the body"
    BREAKS_OFF = "an error in the middle of the stream"
    SHOWS_PAGE = "a web page, as a wrong address or a captive portal gives"


Behaviour = Slow | Dribbles | Fails | Says | Refuses | Odd
