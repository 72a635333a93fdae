"""Reads an answer: its body up to a bound, whether it is a refusal or a failure, and in whose words."""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from html.parser import HTMLParser
from math import isfinite
from typing import Any

import httpx
import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import JsonValue

from blocks.errors import CredentialsRefused, HoldfastError, RequestRefused, ServiceUnavailable
from blocks.services.presets import Api

_LATER_STATUSES = frozenset({408, 423, 425, 477})
"""Beside the 500s; 477 is HubSpot's for an account that is being moved."""
_FIRST_WORDS = 80
_HALVES = re.compile(rb"\\u[dD][89a-fA-F]")


@lru_cache(maxsize=256)
def compiled(expression: str) -> ParsedResult:
    """The JMESPath expression.

    Raises:
        JMESPathError: it is none.
    """
    return jmespath.compile(expression)


def found(expression: str, body: object) -> Any:
    """What the expression finds; None where it does not fit."""
    if not expression:
        return None
    try:
        return compiled(expression).search(body)
    except (JMESPathError, ValueError):  # a slice with a step of 0 is a ValueError
        return None


async def read_bounded(response: httpx.Response, most_bytes: int) -> bytes:
    """The whole body, unpacked.

    Raises:
        RequestRefused: it is longer than that.
    """
    parts, length = [], 0
    async for part in response.aiter_bytes():
        length += len(part)
        if length > most_bytes:
            raise RequestRefused(
                f"the answer is longer than {most_bytes / 1e6:g} MB, and was not read further",
                mend="ask for less of it (limit, fields, a filter), or raise most_megabytes in the Service block",
            )
        parts.append(part)
    return b"".join(parts)


def json_of(content: bytes, kind: str) -> tuple[JsonValue, bool]:
    """The body, and whether it is JSON; else its first words."""
    if not content.strip():
        return None, True
    try:
        body = json.loads(content, parse_float=_finite, parse_constant=_finite)
        if _HALVES.search(content):
            json.dumps(body, ensure_ascii=False).encode()  # refuses half a character, which nothing can keep
    except (ValueError, RecursionError):
        return _words(content, kind), False
    return body, True


def _finite(written: str) -> float:
    if not isfinite(number := float(written)):
        raise ValueError(f"{written} is no number of JSON's")
    return number


def is_refusal(api: Api, status: int, headers: Mapping[str, str], body: JsonValue) -> bool:
    """Whether the request was not taken because of a limit."""
    return status == 429 or bool(found(api.refused, {"status": status, "headers": dict(headers), "body": body}))


def failure_of(
    api: Api, service: str, status: int, body: JsonValue, *, is_json: bool, hidden: Callable[[str], str] = str
) -> HoldfastError | None:
    """What the answer means for who asked, in the API's own words, which `hidden` keeps secrets out of; None: it is
    well.
    """
    own_words = hidden(_own_words(api, body) if is_json else f"{body}")
    said = f"service {service!r} answered {status}" + (f": {own_words}" if own_words else "")
    if status >= 500 or status in _LATER_STATUSES:
        return ServiceUnavailable(said)
    if status == 401 or (status < 300 and found(api.denied, body)):
        return CredentialsRefused(said, mend=f"mend who we are in the Service block {service!r}")
    if status == 403:
        return CredentialsRefused(said, mend="give who we are there the right to it, or ask for something else")
    if 300 <= status < 400:
        return RequestRefused(f"service {service!r} answered {status}, which leads nowhere", mend="look at the path")
    if status >= 400:
        return RequestRefused(said, mend="mend the request in the definition")
    if not is_json:
        return RequestRefused(
            f"service {service!r} answered with what is no JSON: {own_words!r}", mend="look at the address and the path"
        )
    if found(api.failed, body):
        return ServiceUnavailable(said) if found(api.later, body) else RequestRefused(said, mend="mend the request")
    return None


def _own_words(api: Api, body: JsonValue) -> str:
    words = found(api.says, body)
    return " ".join(str(words).split())[:300] if words else ""


def _words(content: bytes, kind: str) -> str:
    """The first words of a text, of HTML those that a person would see."""
    text = content[:20_000].decode("utf-8", "replace")
    if "html" in kind or text.lstrip()[:1] == "<":
        page = _Visible()
        page.feed(text)
        page.close()
        text = " ".join(page.words)
    words = " ".join(text.split())
    return words if len(words) <= _FIRST_WORDS else words[:_FIRST_WORDS] + " ..."


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Called by the parser."""
        self._hidden = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        """Called by the parser."""
        self._hidden = False

    def handle_data(self, data: str) -> None:
        """Called by the parser."""
        if not self._hidden:
            self.words.append(data)
