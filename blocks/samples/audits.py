"""Audit reports of the worst vendors, as Word documents."""

from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from blocks.samples.company import Company
from blocks.samples.vendors import Vendor

if TYPE_CHECKING:
    from docx.document import Document as DocumentObject


def write_audit(file: Path, company: Company, vendor: Vendor) -> None:
    """Writes the audit of the vendor; its figures are those of the databases."""
    from docx import Document  # slow to import

    calendar, contract = company.calendar, company.contract_of[vendor.vendor_id]
    last = calendar.months[-1]
    document = Document()
    document.core_properties.title = f"Audit {last}: {vendor.name}"
    document.core_properties.author = vendor.account_manager
    document.core_properties.created = datetime.combine(calendar.as_of, time(12))
    document.add_heading(f"Supplier audit: {vendor.name}", level=1)
    document.add_paragraph(
        f"Audited for {last} by {vendor.account_manager}, under contract {contract.contract_id} "
        f"(in force until {contract.end_date})."
    )
    document.add_heading("Findings", level=2)
    for finding in _findings(company, vendor):
        document.add_paragraph(finding, style="List Bullet")
    document.add_heading("On time, month by month", level=2)
    _add_table(document, company, vendor)
    document.add_heading("Recommendation", level=2)
    document.add_paragraph(f"{_sentence(vendor.profile.remedy)} Audit again in three months.")
    file.parent.mkdir(parents=True, exist_ok=True)
    document.save(str(file))


def _add_table(document: "DocumentObject", company: Company, vendor: Vendor) -> None:
    rows = [("Month", "On time", "Rejected")]
    for month in company.calendar.months[-6:]:
        on_time, rejected = company.on_time_share(vendor, [month]), company.rejected_share(vendor, [month])
        rows.append((month, f"{on_time:.1%}", f"{rejected:.1%}"))
    table = document.add_table(rows=0, cols=3)
    table.style = "Light Grid"
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text


def _findings(company: Company, vendor: Vendor) -> list[str]:
    months, contract = company.calendar.months, company.contract_of[vendor.vendor_id]
    share = company.on_time_share(vendor, months[-1:])
    complaints = company.complaints_in(vendor, months[-1:])
    risk = "high risk" if share < 0.75 else "a warning"
    return [
        f"In {months[-1]}, {share:.1%} of the deliveries were on time; the contract asks for "
        f"{contract.on_time_target:.0%}. Under the vendor performance policy this is {risk}.",
        f"Six months earlier, in {months[-7]}, it was {company.on_time_share(vendor, months[-7:-6]):.1%}.",
        f"{company.rejected_share(vendor, months[-1:]):.1%} of the delivered pieces were rejected; the contract allows "
        f"{contract.max_defect_share:.1%}.",
        f"{complaints.total()} complaints were opened in {months[-1]}, {complaints['high']} of them of high severity.",
        f"On site the auditors found {vendor.profile.cause}.",
        f"The contract lets us deduct {contract.penalty_share:.1%} of the value of each late delivery.",
    ]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
