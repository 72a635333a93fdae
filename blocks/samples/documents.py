"""The sample company's documents: a policy, a contract per vendor, review notes and audits; about sixty files."""

from collections.abc import Iterator
from pathlib import Path

from blocks.samples.audits import write_audit
from blocks.samples.calendar import month_of
from blocks.samples.company import Company
from blocks.samples.contracts import Contract
from blocks.samples.reviews import review_notes
from blocks.samples.vendors import Vendor

_POLICY = """# Vendor performance policy

Owner: head of procurement. In force since {since}. It applies to every vendor with a contract.

## What is measured

Per vendor and month, for the deliveries that were promised in that month:

- **On-time share**: deliveries that came on the promised day or before. What has not come at all is late.
- **Defect share**: rejected pieces as a share of the pieces delivered.
- **Complaints**: opened in the month, by severity.

## Thresholds

| Figure | Warning | High risk |
|---|---|---|
| On-time share | below 85% | below 75% |
| Defect share | above 3% | above 5% |
| Complaints of high severity | 3 or more in a month | 6 or more in a month |

A contract may set a stricter target; a vendor that is under its contract's target is talked to even above 85 %.

## Escalation

1. **Warning**: the account manager calls the vendor within five working days and notes the cause.
2. **Two warnings in a row, or high risk once**: the head of procurement asks for a written plan, and the contract's
   penalty is claimed.
3. **High risk for three months**: no new orders without the chief operating officer's consent, and a second source
   is qualified.

Every vendor at high risk is audited on site within the quarter.

## Who signs off

The procurement lead signs off the monthly scorecard before it is published. Claims above 25,000 EUR and any stop of
orders also need the chief operating officer. A contract that ends within 60 days is on the agenda until it is renewed.
"""

_CONTRACT = """# Supply contract {contract_id}: {vendor}

- Vendor: {vendor} ({country}), vendor number {vendor_id}
- Supplies: {category}: {items}
- Our account manager: {manager}
- In force: {start} to {end}
- Value per year: {value} EUR

## Service levels

- On time: at least {target} of the deliveries of a month come on the promised day or before.
- Defects: at most {defects} of the pieces delivered in a month are rejected.

## Penalties

- Penalty: {penalty} of the value of each late delivery

For each delivery that is later than promised, the buyer may deduct {penalty} of its value, if the month's on-time
target was missed. Rejected pieces are replaced at the vendor's cost within ten working days.

## Term

This contract ends on {end}. It is not renewed by itself; either side gives notice of its wish to renew 60 days before.
{before}"""


def write_documents(folder: Path, company: Company) -> None:
    """Writes the folder with its policies, contracts, reviews and audits."""
    files = {"policies/vendor-performance-policy.md": _POLICY.format(since=company.calendar.start)}
    files |= {f"contracts/{vendor.slug}.md": contract_text(company, vendor) for vendor in company.vendors}
    files |= dict(review_notes(company))
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    for vendor in company.worst(3):
        write_audit(folder / "audits" / f"{month_of(company.calendar.until)}-{vendor.slug}.docx", company, vendor)


def contract_text(company: Company, vendor: Vendor) -> str:
    """The contract now in force with the vendor, in Markdown."""
    contract = company.contract_of[vendor.vendor_id]
    return _CONTRACT.format(
        contract_id=contract.contract_id,
        vendor=vendor.name,
        vendor_id=vendor.vendor_id,
        country=vendor.country,
        category=vendor.category.lower(),
        items=", ".join(item.name for item in vendor.items),
        manager=vendor.account_manager,
        start=contract.start_date,
        end=contract.end_date,
        value=f"{contract.annual_cents // 100:,}",
        target=f"{contract.on_time_target:.0%}",
        defects=f"{contract.max_defect_share:.1%}",
        penalty=f"{contract.penalty_share:.1%}",
        before="".join(map(_replaced, _older(company, contract))),
    )


def _older(company: Company, contract: Contract) -> Iterator[Contract]:
    of_vendor = (c for c in company.contracts if c.vendor.vendor_id == contract.vendor.vendor_id)
    return (older for older in of_vendor if older.contract_id != contract.contract_id)


def _replaced(older: Contract) -> str:
    return (
        f"\nIt replaces contract {older.contract_id} of {older.start_date}, which asked for "
        f"{older.on_time_target:.0%} on time.\n"
    )
