"""The sample company's four databases, as SQLite files."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from blocks.samples.calendar import month_of
from blocks.samples.company import Company
from blocks.samples.schema import FINANCE, OPERATIONS, PROCUREMENT, USAGE

Row = tuple[str | int | float | None, ...]


def write_databases(folder: Path, company: Company) -> None:
    """Writes finance.db, procurement.db, operations.db and usage.db into the folder."""
    _write(folder / "finance.db", FINANCE, {"vendors": _finance_vendors(company), "invoices": _invoices(company)})
    _write(
        folder / "procurement.db",
        PROCUREMENT,
        {"vendors": _vendors(company), "contracts": _contracts(company), "purchase_orders": _orders(company)},
    )
    _write(
        folder / "operations.db",
        OPERATIONS,
        {"deliveries": _deliveries(company), "complaints": _complaints(company)},
    )
    _write(folder / "usage.db", USAGE, {"customers": _customers(company), "activity": _activity(company)})


def _write(file: Path, schema: str, tables: Mapping[str, Iterable[Row]]) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(schema)
        with connection:
            for table, rows in tables.items():
                width = len(connection.execute(f"PRAGMA table_info({table})").fetchall())
                values = ", ".join("?" * width)
                connection.executemany(f"INSERT INTO {table} VALUES ({values})", rows)  # noqa: S608  our own names


def _finance_vendors(company: Company) -> Iterable[Row]:
    return ((vendor.vendor_id, vendor.name) for vendor in company.vendors)


def _invoices(company: Company) -> Iterable[Row]:
    for at, invoice in enumerate(company.invoices):
        yield (
            200_001 + at,
            invoice.vendor.vendor_id,
            invoice.po_id,
            invoice.invoice_date.isoformat(),
            month_of(invoice.invoice_date),
            invoice.payment.due_date.isoformat(),
            invoice.payment.paid_date.isoformat() if invoice.payment.paid_date else None,
            _money(invoice.cents),
            "EUR",
            invoice.category,
            invoice.payment.status,
        )


def _vendors(company: Company) -> Iterable[Row]:
    return ((v.vendor_id, v.name, v.category, v.country, v.account_manager, int(v.preferred)) for v in company.vendors)


def _contracts(company: Company) -> Iterable[Row]:
    for contract in company.contracts:
        yield (
            contract.contract_id,
            contract.vendor.vendor_id,
            contract.start_date.isoformat(),
            contract.end_date.isoformat(),
            _money(contract.annual_cents),
            contract.on_time_target,
            contract.max_defect_share,
            contract.penalty_share,
        )


def _orders(company: Company) -> Iterable[Row]:
    for order in company.orders:
        yield (
            order.po_id,
            order.vendor.vendor_id,
            order.ordered_on.isoformat(),
            month_of(order.ordered_on),
            order.promised_on.isoformat(),
            order.item,
            order.quantity,
            _money(order.unit_cents),
        )


def _deliveries(company: Company) -> Iterable[Row]:
    for delivery in company.deliveries:
        order = delivery.order
        yield (
            delivery.delivery_id,
            order.po_id,
            order.vendor.name,
            month_of(order.promised_on),
            order.promised_on.isoformat(),
            delivery.delivered_on.isoformat() if delivery.delivered_on else None,
            order.quantity,
            delivery.rejected,
        )


def _complaints(company: Company) -> Iterable[Row]:
    for complaint in company.complaints:
        yield (
            complaint.complaint_id,
            complaint.delivery.delivery_id,
            complaint.delivery.order.vendor.name,
            month_of(complaint.opened_on),
            complaint.opened_on.isoformat(),
            complaint.severity,
            complaint.subject,
        )


def _customers(company: Company) -> Iterable[Row]:
    return ((customer.customer_id, customer.name, customer.domain) for customer in company.customers)


def _activity(company: Company) -> Iterable[Row]:
    for each in company.activity:
        yield (
            each.user_id,
            each.month,
            each.customer.customer_id,
            each.sessions,
            each.failed_logins,
            each.last_seen_on.isoformat(),
        )


def _money(cents: int) -> str:
    # Text with two decimals: the column's NUMERIC affinity makes the number of it, with no arithmetic of ours.
    return f"{cents // 100}.{cents % 100:02}"
