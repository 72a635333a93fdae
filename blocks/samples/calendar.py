"""The sample company's two years: 24 months, and the day on which its books were closed."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from blocks.errors import InputRefused

MONTHS = 24


def month_of(day: date) -> str:
    """The day's month, as YYYY-MM."""
    return f"{day.year:04}-{day.month:02}"


def first_of_month(day: date, months: int = 0) -> date:
    """The first day of the month that is `months` after the day's month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


@dataclass(frozen=True)
class Calendar:
    """The months up to and including `until`; nothing that happened after its last day is known."""

    until: date
    """The first day of the last month."""

    @classmethod
    def up_to(cls, until: str) -> "Calendar":
        """The calendar that ends with the month `until`, written YYYY-MM.

        Raises:
            InputRefused: `until` is no month.
        """
        try:
            return cls(date.fromisoformat(f"{until}-01"))
        except ValueError:
            raise InputRefused(f"{until!r} is not a month", mend="write it as YYYY-MM") from None

    @cached_property
    def firsts(self) -> tuple[date, ...]:
        """The first day of each month, oldest first."""
        return tuple(first_of_month(self.until, offset - MONTHS + 1) for offset in range(MONTHS))

    @cached_property
    def months(self) -> tuple[str, ...]:
        """Each month as YYYY-MM, oldest first."""
        return tuple(map(month_of, self.firsts))

    @cached_property
    def start(self) -> date:
        """The first day."""
        return self.firsts[0]

    @cached_property
    def as_of(self) -> date:
        """The last day: what was delivered, paid or complained about later is not in the books."""
        return first_of_month(self.until, 1) - timedelta(days=1)


def working_days(first: date) -> list[date]:
    """The month's days from Monday to Friday."""
    count = (first_of_month(first, 1) - first).days
    days = [first + timedelta(days=offset) for offset in range(count)]
    return [day for day in days if day.weekday() < 5]
