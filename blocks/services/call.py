"""What is asked of a service, what comes back, and how many requests that took."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue


@dataclass(frozen=True)
class Call:
    """One request, and whether it may be made twice."""

    method: str
    path: str
    """From the service's address on; begins with a slash."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Texts, numbers, booleans, or lists of them."""
    json: Any = None
    content: bytes | None = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    only_reads: bool = False
    """Of a POST: it changes nothing."""
    idempotency_key: str = ""
    """Sent where the API knows such a key; then a write may be asked for twice, and is made once."""

    @property
    def is_safe(self) -> bool:
        """Whether it changes nothing: by its method (RFC 9110, 9.2.1), or because somebody says so."""
        return self.only_reads or self.method in ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Answer:
    """What the service said."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: JsonValue
    next_url: str = ""
    """The address of the next page, by the Link header."""
    not_modified: bool = False
    """Whether the service said that what was kept of it is still so."""


@dataclass
class Trace:
    """What it took; filled in as it happens, so that it is known also where the call fails or is cut off."""

    attempts: int = 0
    status: int | None = None
    waited_seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    """What is to be said of the answers, such as a header that cannot be meant."""
