"""Days, months and years as a question says them, as half-open intervals of days."""

import re
from datetime import date, timedelta
from typing import NamedTuple

from blocks.errors import QuestionRefused
from tasks.question.offline.words import Token

_MONTHS: tuple[str, ...] = ("january", "february", "march", "april", "may", "june", "july", "august", "september")
_MONTHS += ("october", "november", "december")
_YEARS = range(1900, 2100)


class Period(NamedTuple):
    """From the first day to the day after the last."""

    begins: date
    ends: date
    unit: str
    """`day`, `month` or `year`: what was said."""


def period_at(tokens: tuple[Token, ...], place: int) -> tuple[int, Period] | None:
    """The period that is said there, with the number of its words.

    Raises:
        QuestionRefused: there is no such day.
    """
    here = tokens[place : place + 2]
    if not here:
        return None
    if here[0].kind == "date":
        return 1, _dated(here[0].text)
    year = _year(here[-1])
    if len(here) == 2 and here[0].lower in _MONTHS and here[0].kind == "word" and year:
        return 2, _month(year, _MONTHS.index(here[0].lower) + 1)
    if year := _year(here[0]):
        return 1, Period(date(year, 1, 1), date(year + 1, 1, 1), "year")
    return None


def _dated(text: str) -> Period:
    try:
        if len(text) == 7:
            return _month(int(text[:4]), int(text[5:]))
        day = date.fromisoformat(text)
        return Period(day, day + timedelta(days=1), "day")
    except (ValueError, OverflowError) as error:
        raise QuestionRefused(f"the question says {text}", means="there is no such date", mend="mend it") from error


def _month(year: int, month: int) -> Period:
    after = date(year + month // 12, month % 12 + 1, 1) if 1 <= month <= 12 else date(year, month, 1)
    return Period(date(year, month, 1), after, "month")


def _year(token: Token) -> int:
    """The year that the token is; 0 for any other."""
    if token.kind == "number" and re.fullmatch(r"[0-9]{4}", token.text) and int(token.text) in _YEARS:
        return int(token.text)
    return 0
