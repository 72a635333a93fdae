"""What the sample company ordered, what came of it, and what it complained about. Prices are whole cents."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import Literal

from blocks.samples.calendar import MONTHS, Calendar, first_of_month, month_of, working_days
from blocks.samples.vendors import Vendor

Severity = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase order; it has one item and one delivery."""

    po_id: int
    vendor: Vendor
    ordered_on: date
    promised_on: date
    item: str
    quantity: int
    unit_cents: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of an order that was due; `delivered_on` and `rejected` are None while nothing came."""

    delivery_id: int
    order: Order
    delivered_on: date | None
    rejected: int | None

    @property
    def on_time(self) -> bool:
        """Whether it came on the promised day or before."""
        return self.delivered_on is not None and self.delivered_on <= self.order.promised_on

    @property
    def rejected_share(self) -> float:
        """The share of its pieces that were rejected; 0 while nothing came."""
        return (self.rejected or 0) / self.order.quantity


@dataclass(frozen=True, slots=True)
class Complaint:
    """What was wrong with a delivery."""

    complaint_id: int
    delivery: Delivery
    opened_on: date
    severity: Severity
    subject: str


def place_orders(calendar: Calendar, vendors: Sequence[Vendor], rng: Random) -> list[Order]:
    """Every order, oldest first; those of the last weeks are promised for the month after the last."""
    drafts = sorted(_drafts(calendar, vendors, rng), key=lambda draft: (draft.ordered_on, draft.vendor.vendor_id))
    return [replace(order, po_id=50_001 + at) for at, order in enumerate(drafts)]


def _drafts(calendar: Calendar, vendors: Sequence[Vendor], rng: Random) -> Iterator[Order]:
    for month in range(MONTHS + 1):
        days = working_days(first_of_month(calendar.start, month))
        for vendor in vendors:
            for _ in range(vendor.orders_a_month + rng.randint(-2, 2)):
                order = _draft(vendor, rng.choice(days), calendar, rng)
                if order.ordered_on <= calendar.as_of:
                    yield order


def _draft(vendor: Vendor, promised_on: date, calendar: Calendar, rng: Random) -> Order:
    ordered_on = max(calendar.start, promised_on - timedelta(days=rng.randint(7, 28)))
    month = (ordered_on.year - calendar.start.year) * 12 + ordered_on.month - calendar.start.month
    item = rng.choice(vendor.items)
    quantity = max(2, round(item.lot * rng.uniform(0.6, 1.5)))
    return Order(0, vendor, ordered_on, promised_on, item.name, quantity, _price(item.cents, vendor, month))


def _price(cents: int, vendor: Vendor, month: int) -> int:
    # Vendors of one trade do not ask the same price; the level is the vendor's own and does not move.
    level = 0.92 + 0.04 * (vendor.vendor_id % 5)
    return round(cents * level * vendor.profile.price_factor_in(min(month, MONTHS - 1)))


def deliver_orders(calendar: Calendar, orders: Iterable[Order], rng: Random) -> list[Delivery]:
    """A delivery per order that was due by the last day, in the order of their promised days."""
    due = sorted((o for o in orders if o.promised_on <= calendar.as_of), key=lambda o: (o.promised_on, o.po_id))
    late = _late_orders(calendar, due, rng)
    return [_deliver(80_001 + at, order, order.po_id in late, calendar, rng) for at, order in enumerate(due)]


def _late_orders(calendar: Calendar, due: Iterable[Order], rng: Random) -> set[int]:
    """The orders that come late: each month's share is the profile's, with what rounding left over carried on."""
    late: set[int] = set()
    by_vendor = sorted(due, key=lambda o: (o.vendor.vendor_id, o.promised_on, o.po_id))
    for _, of_vendor in groupby(by_vendor, key=attrgetter("vendor.vendor_id")):
        owed = rng.random()
        for month, of_month in groupby(of_vendor, key=lambda o: month_of(o.promised_on)):
            members = list(of_month)
            share = members[0].vendor.profile.late_share_in(calendar.months.index(month))
            owed += share * len(members)
            late.update(order.po_id for order in rng.sample(members, int(owed)))
            owed -= int(owed)
    return late


def _deliver(delivery_id: int, order: Order, late: bool, calendar: Calendar, rng: Random) -> Delivery:
    profile = order.vendor.profile
    if late:
        delay = 1 + min(60, int(rng.expovariate(1 / profile.mean_delay_days)))
        delivered_on = order.promised_on + timedelta(days=delay)
    else:
        delivered_on = max(order.ordered_on, order.promised_on - timedelta(days=rng.choice((0, 0, 0, 1, 1, 2, 4))))
    rejected = _rejected(order, calendar, rng)
    if delivered_on > calendar.as_of:
        return Delivery(delivery_id, order, None, None)
    return Delivery(delivery_id, order, delivered_on, rejected)


def _rejected(order: Order, calendar: Calendar, rng: Random) -> int:
    # One delivery in four has rejects at all, so that the same share means fewer and worse batches.
    share = 4 * order.vendor.profile.defect_share_in(calendar.months.index(month_of(order.promised_on)))
    if rng.random() >= 0.25:
        return 0
    return round(order.quantity * min(0.6, rng.expovariate(1 / share)))


def complain(calendar: Calendar, deliveries: Iterable[Delivery], rng: Random) -> list[Complaint]:
    """The complaints up to the last day, oldest first: late and rejected deliveries raise most of them."""
    drafts = [draft for delivery in deliveries if (draft := _complaint(delivery, calendar, rng)) is not None]
    drafts = [draft for draft in drafts if draft.opened_on <= calendar.as_of]
    drafts.sort(key=lambda draft: (draft.opened_on, draft.delivery.delivery_id))
    return [replace(draft, complaint_id=9_001 + at) for at, draft in enumerate(drafts)]


def _complaint(delivery: Delivery, calendar: Calendar, rng: Random) -> Complaint | None:
    order, share, chance = delivery.order, delivery.rejected_share, rng.random()
    known_on = delivery.delivered_on or order.promised_on + timedelta(days=3)
    opened_on = known_on + timedelta(days=rng.randint(0, 5))
    days = ((delivery.delivered_on or calendar.as_of) - order.promised_on).days
    if share >= 0.02 and chance < 0.6:
        subject = f"{delivery.rejected} of {order.quantity} rejected: {order.item}"
        return Complaint(0, delivery, opened_on, _severity(share, 0.06, 0.20), subject)
    if days > 0 and chance < 0.15 + 0.05 * days:
        subject = f"{days} days late: {order.item}" if delivery.delivered_on else f"not delivered: {order.item}"
        return Complaint(0, delivery, opened_on, _severity(days, 4, 10), subject)
    if delivery.delivered_on and chance > 0.997:
        return Complaint(0, delivery, opened_on, "low", f"papers missing: {order.item}")
    return None


def _severity(figure: float, medium: float, high: float) -> Severity:
    if figure >= high:
        return "high"
    return "medium" if figure >= medium else "low"
