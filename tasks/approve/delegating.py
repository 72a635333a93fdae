"""Who may stand in for whom: what is wrong with a delegation, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from blocks.errors import DelegationRefused
from blocks.people.person import Person
from blocks.people.roster import Delegation, Roster, loop_with

LAST_YEAR = 9998
"""Beyond it the end of a day has no date."""


@dataclass(frozen=True)
class Planned:
    """A delegation that may be set, and its two people."""

    delegation: Delegation
    person: Person
    alternate: Person

    def __str__(self) -> str:
        zone = ZoneInfo(self.person.time_zone)
        begins, ends = (
            f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"
            for moment in (self.delegation.begins_at, self.delegation.ends_at)
        )
        return f"{self.alternate.name} decides in place of {self.person.name} from {begins} until {ends}"


def planned(
    roster: Roster, delegations: Sequence[Delegation], *, person: str, to: str, begins: date | None, until: date,
    now: datetime,
) -> Planned:  # fmt: skip
    """The delegation from the first day, or now, until the end of the last day, as the days are where the person is.

    Raises:
        DelegationRefused: somebody is unknown, it is over before it begins, or it would lead back to the person.
    """
    if until.year > LAST_YEAR or (begins is not None and begins.year > LAST_YEAR):
        raise DelegationRefused(f"{until} is too far away", mend=f"give a day before {LAST_YEAR + 1}")
    whose, alternate = _found(roster, person), _found(roster, to)
    zone = ZoneInfo(whose.time_zone)
    begins_at = datetime.combine(begins, time.min, zone) if begins else now
    ends_at = datetime.combine(until + timedelta(days=1), time.min, zone)
    if ends_at <= max(begins_at, now):
        raise DelegationRefused(f"{until} is over before it begins", mend="give a later day with --until")
    new = Delegation(whose.name, alternate.name, begins_at.astimezone(now.tzinfo), ends_at.astimezone(now.tzinfo))
    if loop := loop_with(new, delegations):
        raise DelegationRefused(
            f"{whose.name} cannot delegate to {alternate.name}: {' delegates to '.join(loop)}",
            means="nobody would be asked",
            mend="choose somebody else, or end one of these first",
        )
    return Planned(new, whose, alternate)


def may_delegate(roster: Roster, who: Person | None, person: Person) -> bool:
    """Whether this is the person, or somebody above them."""
    at: Person | None = person
    while at is not None:
        if at == who:
            return True
        at = roster.manager_of(at)
    return False


def _found(roster: Roster, name: str) -> Person:
    if person := roster.find(name):
        return person
    raise DelegationRefused(
        f"{name!r} is not in the directory", mend=f"name one of {', '.join(each.name for each in roster.people[:20])}"
    )
