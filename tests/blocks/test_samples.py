"""The sample sources: the same each time, whole or not there, and with the story that the first report is to find."""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from docx import Document

from blocks.errors import InputRefused, OperatorError
from blocks.samples import SAMPLE_SOURCES, Samples, make_samples

UNTIL = "2026-10"
LAST_DAY = date(2026, 10, 31)
LATE_VENDORS = {"Kesselbrun Guss", "Hexbridge Sensors", "Moldavar Injection", "Corvendal Cable"}

ON_TIME = """
SELECT vendor, AVG(CASE WHEN delivered_on <= promised_on THEN 1.0 ELSE 0.0 END)
FROM deliveries WHERE month = ? GROUP BY vendor
"""
CONTRACTS_NOW = f"""
SELECT v.name, c.on_time_target, c.end_date, c.penalty_share, c.max_defect_share
FROM contracts AS c JOIN vendors AS v ON v.vendor_id = c.vendor_id
WHERE '{LAST_DAY}' BETWEEN c.start_date AND c.end_date
"""  # noqa: S608  a constant of this module


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return make_samples(tmp_path_factory.mktemp("samples"), UNTIL)


def database(samples: Samples, source: str) -> Path:
    return Path(samples.sources[source].removeprefix("sqlite+aiosqlite:///"))


def read(samples: Samples, source: str, sql: str, *values: str) -> list[Any]:
    with closing(sqlite3.connect(database(samples, source))) as connection:
        return connection.execute(sql, values).fetchall()


def read_with_procurement(samples: Samples, source: str, sql: str) -> list[Any]:
    with closing(sqlite3.connect(database(samples, source))) as connection:
        connection.execute("ATTACH ? AS procurement", (str(database(samples, "procurement")),))
        return connection.execute(sql).fetchall()


def dump(samples: Samples) -> list[str]:
    lines = []
    for source in samples.sources:
        with closing(sqlite3.connect(database(samples, source))) as connection:
            lines += list(connection.iterdump())
    return lines


def is_steady_decline(shares: Sequence[float]) -> bool:
    return all(after < before for before, after in pairwise(shares))


def test_the_same_seed_and_month_give_the_same_rows_and_texts(samples: Samples, tmp_path: Path) -> None:
    again = make_samples(tmp_path, UNTIL)

    assert dump(again) == dump(samples)
    for file in samples.documents.rglob("*.*"):
        if file.suffix != ".docx":  # a zip file holds the time of writing
            assert (again.documents / file.relative_to(samples.documents)).read_bytes() == file.read_bytes()


def test_another_seed_gives_other_rows(samples: Samples, tmp_path: Path) -> None:
    assert dump(make_samples(tmp_path, UNTIL, seed=8)) != dump(samples)


def test_a_second_call_returns_at_once_and_leaves_a_removed_file_removed(tmp_path: Path) -> None:
    first = make_samples(tmp_path, UNTIL)
    database(first, "finance").unlink()
    began = monotonic()
    second = make_samples(tmp_path, UNTIL)

    assert monotonic() - began < 0.1
    assert second == first
    assert not database(second, "finance").exists()


def test_two_processes_at_once_write_one_set(tmp_path: Path) -> None:
    program = "import pathlib; from blocks.samples import make_samples; make_samples(pathlib.Path({!r}), {!r})"
    command = [sys.executable, "-c", program.format(str(tmp_path), UNTIL)]
    processes = [subprocess.Popen(command) for _ in range(2)]

    assert [process.wait(60) for process in processes] == [0, 0]
    (only,) = tmp_path.iterdir()
    databases = {"finance.db", "procurement.db", "operations.db", "usage.db"}
    assert {entry.name for entry in only.iterdir()} == databases | {"documents"}


@pytest.mark.parametrize("until", ["October", "2026-13", "../2026-10"])
def test_a_month_that_is_none_is_refused(tmp_path: Path, until: str) -> None:
    with pytest.raises(InputRefused, match="is not a month"):
        make_samples(tmp_path, until)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "samples").write_text("in the way")

    with pytest.raises(OperatorError, match=r"cannot be written to .*samples"):
        make_samples(tmp_path / "samples", UNTIL)


def test_the_sources_are_those_that_a_definition_may_name(samples: Samples) -> None:
    assert {*samples.sources, "documents"} == SAMPLE_SOURCES


def test_the_company_has_forty_vendors_and_24_months_of_20_000_invoices(samples: Samples) -> None:
    assert read(samples, "finance", "SELECT COUNT(*) FROM vendors") == [(40,)]
    assert read(samples, "finance", "SELECT COUNT(*), COUNT(DISTINCT currency) FROM invoices") == [(20_000, 1)]
    for source, table in (("finance", "invoices"), ("operations", "deliveries"), ("procurement", "purchase_orders")):
        months = read(samples, source, f"SELECT MIN(month), MAX(month), COUNT(DISTINCT month) FROM {table}")  # noqa: S608
        assert months == [("2024-11", UNTIL, 24)]


def test_finance_and_procurement_know_the_same_vendors(samples: Samples) -> None:
    sql = "SELECT vendor_id, name FROM vendors ORDER BY 1"

    assert read(samples, "finance", sql) == read(samples, "procurement", sql)


def test_an_invoice_of_an_order_is_its_quantity_times_its_price(samples: Samples) -> None:
    sql = """
    SELECT COUNT(*),
           SUM(p.po_id IS NULL OR p.vendor_id <> i.vendor_id OR ABS(i.amount - p.quantity * p.unit_price) > 1e-6)
    FROM invoices AS i LEFT JOIN procurement.purchase_orders AS p ON p.po_id = i.po_id WHERE i.po_id IS NOT NULL
    """
    [(invoices, wrong)] = read_with_procurement(samples, "finance", sql)

    assert invoices > 18_000
    assert wrong == 0


def test_every_delivery_is_of_an_order_with_its_vendor_date_and_quantity(samples: Samples) -> None:
    sql = """
    SELECT d.vendor = v.name AND d.promised_on = p.promised_on AND d.quantity = p.quantity
           AND d.month = SUBSTR(d.promised_on, 1, 7) AND COALESCE(d.delivered_on >= p.ordered_on, 1)
           AND COALESCE(d.quantity_rejected BETWEEN 0 AND d.quantity, d.delivered_on IS NULL), COUNT(*)
    FROM deliveries AS d
    LEFT JOIN procurement.purchase_orders AS p ON p.po_id = d.po_id
    LEFT JOIN procurement.vendors AS v ON v.vendor_id = p.vendor_id
    GROUP BY 1
    """
    [(right, deliveries)] = read_with_procurement(samples, "operations", sql)

    assert right == 1
    assert deliveries > 18_000


def test_nothing_is_known_from_after_the_last_day(samples: Samples) -> None:
    [ordered] = read(samples, "procurement", "SELECT MAX(ordered_on) FROM purchase_orders")
    [billed] = read(samples, "finance", "SELECT MAX(invoice_date), MAX(paid_date) FROM invoices")
    [came] = read(samples, "operations", "SELECT MAX(promised_on), MAX(delivered_on) FROM deliveries")
    [opened] = read(samples, "operations", "SELECT MAX(opened_on) FROM complaints")
    [seen] = read(samples, "usage", "SELECT MAX(last_seen_on) FROM activity")
    missing = read(samples, "operations", "SELECT MIN(promised_on) FROM deliveries WHERE delivered_on IS NULL")

    assert max(*ordered, *billed, *came, *opened, *seen) <= LAST_DAY.isoformat()
    assert missing[0][0] > (LAST_DAY - timedelta(days=92)).isoformat()


def test_amounts_have_two_decimals_and_only_paid_invoices_have_a_day_of_payment(samples: Samples) -> None:
    sql = "SELECT COUNT(*) FROM invoices WHERE ABS(amount * 100 - ROUND(amount * 100)) > 1e-6 OR amount <= 0"
    payment = "SELECT COUNT(*) FROM invoices WHERE (status = 'paid') <> (paid_date IS NOT NULL)"

    assert read(samples, "finance", sql) == [(0,)]
    assert read(samples, "finance", payment) == [(0,)]


def test_every_vendor_has_one_contract_in_force_in_each_month(samples: Samples) -> None:
    sql = "SELECT COUNT(*), COUNT(DISTINCT vendor_id) FROM contracts WHERE ? BETWEEN start_date AND end_date"

    for month in ("2024-11-01", "2025-07-01", "2026-10-01"):
        assert read(samples, "procurement", sql, month) == [(40, 40)]


def test_four_vendors_are_clearly_under_their_target_and_two_of_them_got_worse_each_month(samples: Samples) -> None:
    targets = {name: target for name, target, *_ in read(samples, "procurement", CONTRACTS_NOW)}
    months = ["2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10"]
    by_month = [dict(read(samples, "operations", ON_TIME, month)) for month in months]
    shares = {name: [month[name] for month in by_month] for name in targets}

    assert {name for name, target in targets.items() if target - shares[name][-1] > 0.07} == LATE_VENDORS
    declining = {name for name in targets if is_steady_decline(shares[name])}
    assert declining == {"Kesselbrun Guss", "Hexbridge Sensors"}


def test_late_vendors_get_more_complaints_and_are_paid_late_more_often(samples: Samples) -> None:
    names = ", ".join(f"'{name}'" for name in LATE_VENDORS)
    complaints = f"""
    SELECT d.vendor IN ({names}), 1.0 * COUNT(c.complaint_id) / COUNT(*)
    FROM deliveries AS d LEFT JOIN complaints AS c ON c.delivery_id = d.delivery_id
    WHERE d.month >= '2026-05' GROUP BY 1 ORDER BY 1
    """  # noqa: S608
    paid_late = f"""
    SELECT v.name IN ({names}), AVG(COALESCE(i.paid_date > i.due_date, 0)), AVG(i.status = 'disputed')
    FROM invoices AS i JOIN vendors AS v ON v.vendor_id = i.vendor_id GROUP BY 1 ORDER BY 1
    """  # noqa: S608
    [(_, usual), (_, of_late)] = read(samples, "operations", complaints)
    [(_, usual_paid, usual_disputed), (_, late_paid, late_disputed)] = read(samples, "finance", paid_late)

    assert of_late > 2 * usual
    assert late_paid > 1.5 * usual_paid
    assert late_disputed > 2 * usual_disputed


def test_one_vendor_raised_its_prices_by_18_percent_in_a_year(samples: Samples) -> None:
    sql = """
    SELECT v.name, p.item,
           AVG(CASE WHEN p.month = '2026-10' THEN p.unit_price END)
           / AVG(CASE WHEN p.month = '2025-10' THEN p.unit_price END)
    FROM purchase_orders AS p JOIN vendors AS v ON v.vendor_id = p.vendor_id GROUP BY 1, 2
    """
    rises = {(name, item): ratio for name, item, ratio in read(samples, "procurement", sql) if ratio}
    risen = {name for (name, _), ratio in rises.items() if ratio > 1.1}

    assert risen == {"Morvane Motors"}
    for (name, _), ratio in rises.items():
        assert name not in risen or ratio == pytest.approx(1.18, abs=0.002)


def test_one_small_vendor_is_excellent(samples: Samples) -> None:
    sql = """
    SELECT AVG(delivered_on <= promised_on), 1.0 * SUM(quantity_rejected) / SUM(quantity), COUNT(*) / 24
    FROM deliveries WHERE vendor = 'Odderly Seals'
    """
    [(on_time, rejected, monthly)] = read(samples, "operations", sql)

    assert on_time > 0.98
    assert rejected < 0.002
    assert monthly <= 12


def test_one_contract_ends_within_sixty_days(samples: Samples) -> None:
    soon = LAST_DAY + timedelta(days=60)
    ending = [row[0] for row in read(samples, "procurement", CONTRACTS_NOW) if date.fromisoformat(row[2]) <= soon]

    assert ending == ["Papyrwell Packaging"]


def active(samples: Samples, month: str) -> dict[str, int]:
    """How many people of each customer used the portal in the month."""
    sql = """
    SELECT c.name, COUNT(a.user_id)
    FROM customers AS c LEFT JOIN activity AS a ON a.customer_id = c.customer_id AND a.month = ? GROUP BY c.name
    """
    return dict(read(samples, "usage", sql, month))


def test_three_of_24_customers_use_the_portal_less_than_the_month_before(samples: Samples) -> None:
    before, now = active(samples, "2026-09"), active(samples, UNTIL)
    fallen = {name: now[name] / before[name] for name in before if now[name] <= 0.9 * before[name]}

    assert len(before) == 24
    assert {name: round(share, 1) for name, share in fallen.items()} == {
        "Wasserwerk Talgrund": 0.4,
        "Kloevergaard Dairies": 0.8,
        "Cantine Valdorra": 0.0,
    }
    assert is_steady_decline([active(samples, f"2026-{month:02}")["Kloevergaard Dairies"] for month in range(4, 11)])


def test_the_people_of_one_customer_cannot_log_in(samples: Samples) -> None:
    sql = """
    SELECT c.name FROM customers AS c JOIN activity AS a ON a.customer_id = c.customer_id
    WHERE a.month = ? GROUP BY c.name HAVING SUM(a.failed_logins) > COUNT(*)
    """

    assert read(samples, "usage", sql, UNTIL) == [("Skogstrand Paper",)]
    assert read(samples, "usage", sql, "2026-09") == []


def test_every_customer_is_known_by_a_domain_that_nobody_can_own(samples: Samples) -> None:
    domains = [row[0] for row in read(samples, "usage", "SELECT domain FROM customers")]

    assert all(domain.endswith(".example") for domain in domains)


def test_every_contract_s_document_says_what_the_table_says(samples: Samples) -> None:
    texts = {file.name: file.read_text() for file in (samples.documents / "contracts").iterdir()}
    by_vendor = {text.splitlines()[0].split(": ", 1)[1]: text for text in texts.values()}

    contracts = read(samples, "procurement", CONTRACTS_NOW)
    assert by_vendor.keys() == {row[0] for row in contracts}
    for name, target, end, penalty, defects in contracts:
        assert f"This contract ends on {end}" in by_vendor[name]
        assert f"at least {target:.0%} of the deliveries" in by_vendor[name]
        assert f"deduct {penalty:.1%} of its value" in by_vendor[name]
        assert f"at most {defects:.1%} of the pieces" in by_vendor[name]


def test_the_documents_name_the_thresholds_and_the_causes(samples: Samples) -> None:
    policy = (samples.documents / "policies" / "vendor-performance-policy.md").read_text()
    reviews = "\n".join(file.read_text() for file in sorted((samples.documents / "reviews").iterdir()))

    assert all(words in policy for words in ("below 85%", "below 75%", "above 3%", "signs off"))
    assert all(cause in reviews for cause in ("port strike", "tooling failure", "copper rod shortage", "night shift"))
    assert len([file for file in samples.documents.rglob("*") if file.is_file()]) == 60


def test_the_audits_are_of_the_three_worst_vendors_with_their_figures(samples: Samples) -> None:
    targets = {name: target for name, target, *_ in read(samples, "procurement", CONTRACTS_NOW)}
    shares = dict(read(samples, "operations", ON_TIME, UNTIL))
    worst = sorted(targets, key=lambda name: shares[name] - targets[name])[:3]
    audits = [Document(str(file)) for file in (samples.documents / "audits").iterdir()]
    texts = {audit.paragraphs[0].text: "\n".join(part.text for part in audit.paragraphs) for audit in audits}

    assert texts.keys() == {f"Supplier audit: {name}" for name in worst}
    for name in worst:
        assert f"In {UNTIL}, {shares[name]:.1%} of the deliveries were on time" in texts[f"Supplier audit: {name}"]
