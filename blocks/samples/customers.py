"""The sample company's customers, and how their people use the portal in which it watches the pumps that it sold them.

All names are invented. The CRM and the ticket system that know more of them are services, of which there is no sample.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from blocks.samples.calendar import MONTHS, Calendar, working_days

HALVED = "Wasserwerk Talgrund"
FADING = "Kloevergaard Dairies"
SILENT = "Cantine Valdorra"
LOCKED_OUT = "Skogstrand Paper"

_STORIES = (HALVED, FADING, SILENT, LOCKED_OUT)
_IN_LAST_MONTH: Mapping[str, float] = {HALVED: 0.4, SILENT: 0.0}
"""The share of its people who used the portal in the last month."""
_QUIET_MONTHS = 18
"""How long the one that fades used it as it always had."""
_FAILED_SHARE = 0.15
"""Of a customer's people, those who fail to log in in a usual month."""

# How many people each has.
_ROSTER: tuple[tuple[str, int], ...] = (
    (HALVED, 48),
    ("Brauhaus Ellerfink", 22),
    ("Molkerei Sanddorn", 31),
    ("Tarnvale Water", 64),
    ("Pellworth Brewing", 18),
    ("Aqueduc Morvienne", 52),
    (SILENT, 12),
    ("Lattoria Brisanca", 27),
    (FADING, 40),
    (LOCKED_OUT, 35),
    ("Papeterie Lunard", 16),
    ("Zellstoff Mirenau", 44),
    ("Chemiehof Dastrup", 58),
    ("Vitrelle Chemicals", 29),
    ("Corbray Chemicals", 21),
    ("Greyfell Mining", 37),
    ("Mineraria Ospeda", 25),
    ("Thermenbad Quellau", 17),
    ("Lindmoor Heating", 33),
    ("Calorval District Heat", 46),
    ("Hydrolen Works", 19),
    ("Irrigo Castelbruno", 18),
    ("Ribeira Dourana Farms", 24),
    ("Fjellbekk Hatcheries", 20),
)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as the portal knows it, and how many of its people use it."""

    customer_id: int
    name: str
    people: int
    share: float
    """Of its people, those who use the portal in a usual month."""

    @property
    def domain(self) -> str:
        """What its people's addresses end in, and what every system knows it by."""
        return f"{'-'.join(self.name.lower().split())}.example"

    def share_in(self, month: int) -> float:
        """The share of its people who use the portal in the month with this index."""
        if self.name == FADING:
            return self.share - 0.08 * max(0, month - _QUIET_MONTHS + 1)
        return _IN_LAST_MONTH.get(self.name, self.share) if month == MONTHS - 1 else self.share


@dataclass(frozen=True, slots=True)
class Activity:
    """What one person did in the portal in one month; who did nothing has none."""

    customer: Customer
    user_id: int
    month: str
    sessions: int
    failed_logins: int
    last_seen_on: date


def make_customers(rng: Random) -> tuple[Customer, ...]:
    """The 24 customers."""
    return tuple(
        Customer(501 + at, name, people, 0.9 if name in (HALVED, FADING) else round(rng.uniform(0.7, 0.95), 2))
        for at, (name, people) in enumerate(_ROSTER)
    )


def use_portal(calendar: Calendar, customers: Sequence[Customer], rng: Random) -> list[Activity]:
    """Who used the portal in which month, oldest first; who has no story gains or loses one person at most."""
    return [
        activity
        for month, first in enumerate(calendar.firsts)
        for customer in customers
        for activity in _in_month(customer, month, calendar.months[month], working_days(first), rng)
    ]


def _in_month(customer: Customer, month: int, name: str, days: Sequence[date], rng: Random) -> Iterator[Activity]:
    everybody = range(customer.customer_id * 100, customer.customer_id * 100 + customer.people)
    more = rng.randint(0, 1) if customer.name not in _STORIES else 0
    active = rng.sample(everybody, round(customer.people * customer.share_in(month)) + more)
    locked_out = customer.name == LOCKED_OUT and month == MONTHS - 1
    for user_id in sorted(active):
        failed = rng.randint(2, 6) if locked_out else int(rng.random() < _FAILED_SHARE)
        yield Activity(customer, user_id, name, rng.randint(1, 30), failed, rng.choice(days))
