"""The sample company as a whole: every record, and the figures that its documents quote."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from blocks.samples.calendar import Calendar, month_of
from blocks.samples.contracts import Contract, sign_contracts
from blocks.samples.customers import Activity, Customer, make_customers, use_portal
from blocks.samples.invoices import Invoice, bill
from blocks.samples.orders import Complaint, Delivery, Order, complain, deliver_orders, place_orders
from blocks.samples.roster import make_vendors
from blocks.samples.vendors import Vendor


@dataclass(frozen=True)
class Company:
    """Records that hang together: one random sequence makes them, each from the ones before it."""

    calendar: Calendar
    vendors: Sequence[Vendor]
    orders: Sequence[Order]
    deliveries: Sequence[Delivery]
    complaints: Sequence[Complaint]
    invoices: Sequence[Invoice]
    contracts: Sequence[Contract]
    customers: Sequence[Customer]
    activity: Sequence[Activity]

    @cached_property
    def contract_of(self) -> dict[int, Contract]:
        """The contract now in force, by vendor id."""
        return {contract.vendor.vendor_id: contract for contract in self.contracts}

    @cached_property
    def _deliveries_of(self) -> dict[tuple[int, str], list[Delivery]]:
        found: dict[tuple[int, str], list[Delivery]] = {}
        for delivery in self.deliveries:
            key = (delivery.order.vendor.vendor_id, month_of(delivery.order.promised_on))
            found.setdefault(key, []).append(delivery)
        return found

    def deliveries_in(self, vendor: Vendor, months: Sequence[str]) -> list[Delivery]:
        """The vendor's deliveries that were promised in these months."""
        return [d for month in months for d in self._deliveries_of.get((vendor.vendor_id, month), ())]

    def on_time_share(self, vendor: Vendor, months: Sequence[str]) -> float:
        """The share of deliveries that came on time, of those promised in these months; what never came is late."""
        due = self.deliveries_in(vendor, months)
        return sum(delivery.on_time for delivery in due) / len(due)

    def rejected_share(self, vendor: Vendor, months: Sequence[str]) -> float:
        """The share of the pieces that came and were rejected, of those promised in these months."""
        came = [delivery for delivery in self.deliveries_in(vendor, months) if delivery.delivered_on]
        return sum(d.rejected or 0 for d in came) / max(1, sum(d.order.quantity for d in came))

    def complaints_in(self, vendor: Vendor, months: Sequence[str]) -> Counter[str]:
        """How many complaints were opened about the vendor in these months, by severity."""
        about = (c for c in self.complaints if c.delivery.order.vendor.vendor_id == vendor.vendor_id)
        return Counter(c.severity for c in about if month_of(c.opened_on) in months)

    def worst(self, count: int) -> list[Vendor]:
        """The vendors that are furthest under their contract's on-time target in the last month, worst first."""
        last = self.calendar.months[-1:]
        targets = {v.vendor_id: self.contract_of[v.vendor_id].on_time_target for v in self.vendors}
        return sorted(self.vendors, key=lambda v: self.on_time_share(v, last) - targets[v.vendor_id])[:count]


def make_company(until: str, seed: int) -> Company:
    """The company with its 24 months up to and including `until` (YYYY-MM); the same arguments give the same one.

    Raises:
        InputRefused: `until` is no month.
    """
    calendar = Calendar.up_to(until)
    rng = Random(seed)  # noqa: S311  invented figures, not secrets
    vendors = make_vendors(rng)
    orders = place_orders(calendar, vendors, rng)
    deliveries = deliver_orders(calendar, orders, rng)
    complaints = complain(calendar, deliveries, rng)
    invoices = bill(calendar, vendors, deliveries, rng)
    contracts = sign_contracts(calendar, vendors, invoices, rng)
    customers = make_customers(rng)
    activity = use_portal(calendar, customers, rng)
    return Company(calendar, vendors, orders, deliveries, complaints, invoices, contracts, customers, activity)
