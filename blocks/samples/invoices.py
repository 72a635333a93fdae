"""What the sample company was billed, and how it paid. Amounts are whole cents, in euros throughout."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal, NamedTuple

from blocks.samples.calendar import Calendar, working_days
from blocks.samples.orders import Delivery
from blocks.samples.vendors import Vendor

INVOICES = 20_000

InvoiceStatus = Literal["paid", "open", "disputed"]

_TERMS_DAYS = (30, 30, 45, 60)
# What is billed without a purchase order: the lowest and the highest amount in cents.
_SUNDRIES = {"Freight": (6_000, 48_000), "Service": (15_000, 90_000), "Tooling": (30_000, 150_000)}


class Payment(NamedTuple):
    """When an invoice was to be paid, and when it was; `paid_date` is None while it is open or disputed."""

    due_date: date
    paid_date: date | None
    status: InvoiceStatus


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice; with a purchase order its amount is that order's quantity times its price."""

    vendor: Vendor
    po_id: int | None
    invoice_date: date
    cents: int
    category: str
    payment: Payment


def bill(calendar: Calendar, vendors: Sequence[Vendor], deliveries: Sequence[Delivery], rng: Random) -> list[Invoice]:
    """Exactly 20,000 invoices, oldest first: one per delivered order, the rest for freight, service and tooling."""
    invoices = list(_of_deliveries(calendar, deliveries, rng))
    invoices += _of_sundries(calendar, vendors, INVOICES - len(invoices), rng)
    return sorted(invoices, key=lambda invoice: (invoice.invoice_date, invoice.vendor.vendor_id, invoice.po_id or 0))


def _of_deliveries(calendar: Calendar, deliveries: Sequence[Delivery], rng: Random) -> Iterator[Invoice]:
    for delivery in deliveries:
        if delivery.delivered_on is None:
            continue
        order = delivery.order
        billed_on = delivery.delivered_on + timedelta(days=rng.randint(0, 4))
        days_late = (delivery.delivered_on - order.promised_on).days
        in_dispute = (days_late > 4 or delivery.rejected_share > 0.1) and rng.random() < 0.6
        if billed_on <= calendar.as_of:
            payment = _pay(calendar, order.vendor, billed_on, in_dispute, rng)
            cents = order.quantity * order.unit_cents
            yield Invoice(order.vendor, order.po_id, billed_on, cents, order.vendor.category, payment)


def _of_sundries(calendar: Calendar, vendors: Sequence[Vendor], count: int, rng: Random) -> Iterator[Invoice]:
    days = [day for first in calendar.firsts for day in working_days(first)]
    for vendor in rng.choices(vendors, weights=[vendor.orders_a_month for vendor in vendors], k=count):
        category, billed_on = rng.choice(tuple(_SUNDRIES)), rng.choice(days)
        payment = _pay(calendar, vendor, billed_on, False, rng)
        yield Invoice(vendor, None, billed_on, rng.randint(*_SUNDRIES[category]), category, payment)


def _pay(calendar: Calendar, vendor: Vendor, billed_on: date, in_dispute: bool, rng: Random) -> Payment:
    due_date = billed_on + timedelta(days=_TERMS_DAYS[vendor.vendor_id % len(_TERMS_DAYS)])
    # A dispute is settled weeks after the due day; one other bill in thirty is paid a little late.
    lateness = rng.randint(20, 70) if in_dispute else rng.choice((-4, -2, -1, 0, 0)) + 9 * (rng.random() < 1 / 30)
    paid_date = due_date + timedelta(days=lateness)
    if paid_date <= calendar.as_of:
        return Payment(due_date, paid_date, "paid")
    return Payment(due_date, None, "disputed" if in_dispute else "open")
