"""Finds the values of fields in tables and texts; what is not there, or there in two ways, is not guessed."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from pydantic import JsonValue

from tasks.outcome import Cell, Outcome
from tasks.reason.material import passages_of
from tasks.reason.node import FieldType

# A number with a currency or a unit around it. A comma is a thousands separator or it is not understood, and neither
# are a magnitude (2 million, 3k) and an accountant's brackets for a loss.
_NUMBER = re.compile(
    r"(?P<sign>[-+\u2212]?)\s?(?:[^\W\d_]{1,3}\.?)?[$€£¥₹]?\s?(?P<inner>[-\u2212]?)"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"\s*(?!(?:k|m|mn|mio|bn|mrd|tsd|thousands?|millions?|billions?)\b)[^\d\s]{0,10}",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TRUTH = {"yes": True, "true": True, "no": False, "false": False}


class Found(NamedTuple):
    """A field's value, with where it was found or why there is none."""

    value: JsonValue
    why: str


def find(name: str, kind: FieldType, outcomes: Mapping[str, Outcome]) -> Found:
    """The value that all places agree on: a column or field of that name, else `name: value` in a text."""
    for places in (_cells, _lines):
        found: dict[str | float | bool, str] = {}
        for raw, where in places(name, outcomes):
            if (value := _typed(raw, kind)) is not None:
                found.setdefault(value, where)
        if len(found) == 1:
            ((value, where),) = found.items()
            return Found(value, where)
        if found:
            return Found(
                None, f"{name} has {len(found)} different values in {', '.join(dict.fromkeys(found.values()))}"
            )
    return Found(None, f"no {kind} called {name} was found")


def _cells(name: str, outcomes: Mapping[str, Outcome]) -> Iterator[tuple[Cell, str]]:
    for node, outcome in outcomes.items():
        for field, value in outcome.fields.items():
            if _key(field) == _key(name) and isinstance(value, str | int | float | bool):
                yield value, node
        if outcome.table is None or passages_of(outcome) is not None:
            continue
        for at, column in enumerate(outcome.table.names):
            if _key(column) == _key(name):
                yield from ((row[at], node) for row in outcome.table.rows)


def _lines(name: str, outcomes: Mapping[str, Outcome]) -> Iterator[tuple[Cell, str]]:
    words = r"[\s_-]+".join(map(re.escape, re.split(r"[\s_-]+", name)))
    pattern = re.compile(rf"^\W*{words}\W{{0,3}}[:=]\W{{0,3}}?(?P<value>.+?)[\s*_|]*$", re.IGNORECASE | re.MULTILINE)
    for node, outcome in outcomes.items():
        texts = [(passage.text, passage.path) for passage in passages_of(outcome) or ()]
        if outcome.text:
            texts.append((outcome.text, node))
        for text, where in texts:
            yield from ((match["value"].strip(" *_|\t"), where) for match in pattern.finditer(text))


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def _typed(raw: Cell, kind: FieldType) -> str | float | bool | None:
    """The raw value as that type; None where it is not one."""
    text = "" if raw is None else str(raw).strip()
    match kind:
        case "string":
            return text or None
        case "boolean":
            return _TRUTH.get(text.lower())
        case "date":
            return _iso_date(text)
        case _:
            number = None if isinstance(raw, bool) else _number(raw, text)
            if number is None or (kind == "integer" and number != int(number)):
                return None
            return int(number) if kind == "integer" else float(number)


def _iso_date(text: str) -> str | None:
    match = _DATE.match(text)
    try:
        return date.fromisoformat(match[0]).isoformat() if match else None
    except ValueError:
        return None


def _number(raw: Cell, text: str) -> Decimal | None:
    if isinstance(raw, int | float):
        number = Decimal(str(raw))
        return number if number.is_finite() else None
    match = _NUMBER.fullmatch(text)
    signs = match["sign"] + match["inner"] if match else ""
    if match is None or len(signs) > 1:
        return None
    digits = Decimal(match["digits"].replace(",", ""))
    return -digits if signs in ("-", "\u2212") else digits
