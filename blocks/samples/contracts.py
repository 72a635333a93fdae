"""The sample company's contracts: one in force per vendor and day, some after an older one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from blocks.samples.calendar import Calendar, first_of_month
from blocks.samples.invoices import Invoice
from blocks.samples.roster import CONTRACT_ENDS_SOON, ON_TIME_TARGET
from blocks.samples.vendors import Vendor

_TERM_MONTHS = 36


@dataclass(frozen=True, slots=True)
class Contract:
    """What a vendor promised; shares are from 0 to 1."""

    contract_id: int
    vendor: Vendor
    start_date: date
    end_date: date
    annual_cents: int
    on_time_target: float
    max_defect_share: float
    penalty_share: float
    """The share of a late delivery's value that may be deducted."""


def sign_contracts(
    calendar: Calendar, vendors: Sequence[Vendor], invoices: Iterable[Invoice], rng: Random
) -> list[Contract]:
    """Contracts that cover every vendor through all months; the last of a vendor is the one now in force."""
    year_ago = first_of_month(calendar.until, -11)
    billed: Counter[int] = Counter()
    for invoice in invoices:
        if invoice.invoice_date >= year_ago:
            billed[invoice.vendor.vendor_id] += invoice.cents
    signed = [c for vendor in vendors for c in _of_vendor(calendar, vendor, billed[vendor.vendor_id], rng)]
    return [replace(contract, contract_id=301 + at) for at, contract in enumerate(signed)]


def _of_vendor(calendar: Calendar, vendor: Vendor, billed_cents: int, rng: Random) -> Iterator[Contract]:
    ends_after = first_of_month(calendar.until, rng.randint(5, 30))
    start, end = first_of_month(ends_after, -_TERM_MONTHS), ends_after - timedelta(days=1)
    if vendor.name == CONTRACT_ENDS_SOON:
        end = calendar.as_of + timedelta(days=45)
        start = first_of_month(end, -_TERM_MONTHS)
    target = ON_TIME_TARGET[vendor.size]
    value = max(1, round(billed_cents / 100_000)) * 100_000
    defects, penalty = rng.choice((0.02, 0.025, 0.03)), rng.choice((0.01, 0.015, 0.02))
    if start > calendar.start:
        before = first_of_month(start, -_TERM_MONTHS)
        older_value = round(value * 0.9 / 100_000) * 100_000
        yield Contract(0, vendor, before, start - timedelta(days=1), older_value, round(target - 0.02, 2), 0.03, 0.01)
    yield Contract(0, vendor, start, end, value, target, defects, penalty)
