"""Notes of the quarterly reviews: the figures as they were, and why the late vendors are late."""

from collections.abc import Iterator
from datetime import date

from blocks.samples.calendar import MONTHS, working_days
from blocks.samples.company import Company
from blocks.samples.roster import CONTRACT_ENDS_SOON, EXCELLENT, PRICE_RISER, STORIES
from blocks.samples.vendors import Profile, Vendor

_QUARTERS_REVIEWED = 3
# Before the last six months nobody had asked for a cause.
_CAUSES_SINCE = MONTHS - 6

_REVIEW = """Quarterly review {quarter}: {vendor} ({category})
Held on {held} by {manager}

On-time deliveries in the quarter: {on_time} of {deliveries} (contract: {target}).
By month: {by_month}.
Rejected pieces: {rejected} (contract: at most {defects}).
Complaints: {complaints}, of which {high} of high severity.

{note}
"""


def review_notes(company: Company) -> Iterator[tuple[str, str]]:
    """Notes on every vendor with a story, for the last three quarters that are over: file name and text."""
    by_name = {vendor.name: vendor for vendor in company.vendors}
    last = max(at for at, first in enumerate(company.calendar.firsts) if first.month % 3 == 0)
    quarters = [last - 3 * back for back in reversed(range(_QUARTERS_REVIEWED))]
    for name, profile in STORIES.items():
        # One note a year is enough for a vendor that is on time.
        for end in quarters if profile.cause else quarters[-1:]:
            label = _quarter(company.calendar.firsts[end])
            yield f"reviews/{label.lower()}-{by_name[name].slug}.txt", _review(company, by_name[name], end)
    yield f"reviews/{_quarter(company.calendar.firsts[last]).lower()}-summary.txt", _summary(company, last)


def _quarter(last_month: date) -> str:
    return f"{last_month.year}-Q{last_month.month // 3}"


def _review(company: Company, vendor: Vendor, end: int) -> str:
    months = company.calendar.months[end - 2 : end + 1]
    contract = company.contract_of[vendor.vendor_id]
    complaints = company.complaints_in(vendor, months)
    return _REVIEW.format(
        quarter=_quarter(company.calendar.firsts[end]),
        vendor=vendor.name,
        category=vendor.category.lower(),
        held=working_days(company.calendar.firsts[end])[-1],
        manager=vendor.account_manager,
        on_time=f"{company.on_time_share(vendor, months):.1%}",
        deliveries=len(company.deliveries_in(vendor, months)),
        target=f"{contract.on_time_target:.0%}",
        by_month=", ".join(f"{month} {company.on_time_share(vendor, [month]):.0%}" for month in months),
        rejected=f"{company.rejected_share(vendor, months):.1%}",
        defects=f"{contract.max_defect_share:.1%}",
        complaints=complaints.total(),
        high=complaints["high"],
        note=_note(company, vendor, end),
    )


def _note(company: Company, vendor: Vendor, end: int) -> str:
    profile = vendor.profile
    if profile.cause and end >= _CAUSES_SINCE:
        return f"The vendor names the cause: {profile.cause}.\nOur proposal: {profile.remedy}."
    if profile.cause:
        return "Nothing was agreed; the account manager watches the figures."
    notes = {
        PRICE_RISER: (
            "Deliveries are in order; prices are not. The vendor raises its list a step every month, for copper and\n"
            f"magnets: by {_price_rise(profile, end):.1%} in a year so far. Compare offers before the next frame order."
        ),
        EXCELLENT: "An excellent small vendor: hardly a late delivery, no rejects. Consider it for larger orders.",
        CONTRACT_ENDS_SOON: (
            f"The contract ends on {company.contract_of[vendor.vendor_id].end_date}. Nobody has opened the talks on its"
            " renewal."
        ),
    }
    return notes[vendor.name]


def _price_rise(profile: Profile, month: int) -> float:
    return profile.price_factor_in(month) / profile.price_factor_in(month - 12) - 1


def _summary(company: Company, end: int) -> str:
    months = company.calendar.months[end - 2 : end + 1]
    named = [vendor for vendor in company.vendors if vendor.profile.cause]
    lines = [
        f"{vendor.name}: {company.on_time_share(vendor, months):.1%} on time, {vendor.profile.cause}"
        for vendor in named
    ]
    head = f"Quarterly review {_quarter(company.calendar.firsts[end])}: the late vendors in one view\n\n"
    return head + "\n".join(lines) + "\n"
