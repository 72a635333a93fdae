"""One person of the directory, and when that person works. Plain data: nothing here talks to anything."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_LEAVE = timedelta(days=400)
"""How far ahead a working moment is looked for."""


def _a_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of zones, such as Europe
        raise ValueError(f"there is no time zone {name!r}; write one such as Europe/Berlin") from error
    return name


def _a_country(code: str) -> str:
    if not code:
        return code
    from holidays import list_supported_countries  # slow to import; few directories say countries

    if code not in list_supported_countries():
        raise ValueError(f"no public holidays are known of {code!r}; write a code such as DE, or list days_off")
    return code


TimeZone = Annotated[str, AfterValidator(_a_time_zone)]
PersonName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$")]


class WorkingHours(BaseModel):
    """The days and hours of a person's week, in that person's time zone."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")
    begin: Annotated[time, Field(alias="from")] = time(9)
    end: Annotated[time, Field(alias="until")] = time(17)

    @model_validator(mode="after")
    def _end_after_they_begin(self) -> "WorkingHours":
        if self.end <= self.begin:
            raise ValueError("working hours end after they begin, on the same day")
        return self


class Person(BaseModel):
    """Somebody who may be asked, and how to reach them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: PersonName
    """What definitions and people call them; unique, upper and lower case being the same."""
    full_name: str = ""
    email: Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    slack: Annotated[str, Field(pattern=r"^([UW][A-Z0-9]+)?$")] = ""
    """The member's id, such as U024BE7LH."""
    notify: tuple[Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")], ...] = ()
    """Saved Prefect notification blocks that only this person reads, as TYPE/NAME: what is sent there has codes."""
    login: str = ""
    """The user's name on the machine where they use the `holdfast` command; it is their proof there."""
    manager: PersonName | None = None
    roles: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    time_zone: TimeZone = "UTC"
    working: WorkingHours | None = None
    """None: reminders come at any hour."""
    country: Annotated[str, AfterValidator(_a_country)] = ""
    """Whose public holidays are days off, such as DE."""
    days_off: tuple[date, ...] = ()

    @property
    def key(self) -> str:
        """The name as it is compared."""
        return self.name.casefold()

    def works_from(self, at: datetime) -> datetime:
        """The first moment from then on at which this person works, in UTC; that one where they never would."""
        zone, hours = ZoneInfo(self.time_zone), self.working
        if hours is None and not self.country and not self.days_off:
            return at
        begin, end = (hours.begin, hours.end) if hours else (time.min, time.max)
        local, day = at.astimezone(zone), at.astimezone(zone).date()
        while day < local.date() + _LONGEST_LEAVE:
            opens, closes = (datetime.combine(day, moment, zone) for moment in (begin, end))
            if local < closes and self._works_on(day, hours.days if hours else _DAYS):
                return max(local, opens).astimezone(at.tzinfo)
            day += timedelta(days=1)
        return at

    def _works_on(self, day: date, days: Collection[Day]) -> bool:
        if _DAYS[day.weekday()] not in days or day in self.days_off:
            return False
        return not self.country or day not in _public_holidays(self.country, day.year)


@cache
def _public_holidays(country: str, year: int) -> frozenset[date]:
    from holidays import country_holidays  # as above

    return frozenset(country_holidays(country, years=year))
