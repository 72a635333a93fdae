"""The transforms of customer-health: what CRM, tickets and product usage know of a customer, and what nobody knows.

The systems know a customer by its domain; a ticket names it in a label, `customer:acme.example`. Any of the frames may
be empty and without columns, as that of a service which does not answer: its figures are missing (NA), never zero.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import reduce
from typing import Any, NamedTuple

import pandas as pd

from blocks.words import counted

HEALTHY = 70
"""The score from which on a customer is healthy."""
GRADES = ((85, "A"), (HEALTHY, "B"), (50, "C"), (0, "D"))
SOURCES: Mapping[str, str] = {
    "annual_revenue": "crm",
    "renewal_date": "crm",
    "owner": "crm",
    "open_tickets": "tickets",
    "urgent_tickets": "tickets",
    "active_users": "usage",
    "active_users_before": "usage",
    "failed_logins": "usage",
    "last_seen": "usage",
}
"""Each figure, and the node that it is from."""
_COUNTS = ["open_tickets", "urgent_tickets", "active_users", "active_users_before", "failed_logins"]
_JUDGED_BY = ("active_users", "open_tickets", "renewal_date")
"""Where all of these are missing there is no score."""
_HAVE_BOUGHT = frozenset({"customer", "evangelist"})
"""HubSpot's lifecycle stages of who has bought."""


class Finding(NamedTuple):
    """What is wrong with a customer, and how many of 100 points that takes."""

    points: int
    words: str


def health(crm: pd.DataFrame, tickets: pd.DataFrame, usage: pd.DataFrame, today: date | None = None) -> pd.DataFrame:
    """One row per customer that any of the frames names, worst first: score, grade, and why.

    A score is 100 without what `findings` takes; what is missing takes nothing, so it is the most that it can be.
    `below_healthy` is how far the score is under 70, 0 when it is not. `missing` names the customer's missing figures.

    Raises:
        pandas.errors.MergeError: the usage names a domain twice; one of its figures would be counted twice.
    """
    now = today or datetime.now(UTC).date()
    known = reduce(_joined, (_of_usage(usage), _of_crm(crm), _of_tickets(tickets)))
    known = known.astype(dict.fromkeys(_COUNTS, "Int64"))
    # Whom only the CRM names, and who has not bought, is no customer.
    known = known[known["has_bought"].fillna(True) | known["customer"].notna() | known["open_tickets"].notna()]
    if len(tickets):
        # Tickets are grouped by customer: one that is not among them has none.
        known[["open_tickets", "urgent_tickets"]] = known[["open_tickets", "urgent_tickets"]].fillna(0)
    names = known["customer"].fillna(known["name"]).fillna(known["key"])
    plain = known.astype(object).where(known.notna(), None)
    rows = [dict(zip(plain.columns, row, strict=True)) for row in plain.itertuples(index=False, name=None)]
    judged = pd.DataFrame([_judged(row, now) for row in rows], columns=["score", "grade", "reason", "missing"])
    table = known.assign(customer=names).reset_index(drop=True).join(judged)
    table["score"] = table["score"].astype("Int64")
    table["below_healthy"] = (HEALTHY - table["score"]).clip(lower=0)
    first = ["customer", "owner", "grade", "score", "below_healthy", "reason", "missing"]
    columns = [*first, *(name for name in SOURCES if name not in first)]
    worst_first = ["score", "annual_revenue", "customer"]
    return table.sort_values(worst_first, ascending=[True, False, True], ignore_index=True)[columns]


def coverage(health: pd.DataFrame, tickets: pd.DataFrame, month: str, today: date | None = None) -> pd.DataFrame:
    """One row per figure of the health table: where it is from, for how many customers it is missing, as of when."""
    day = (today or datetime.now(UTC).date()).isoformat()
    rows = [
        (name.replace("_", " "), source, _state(health[name], "customer"), month if source == "usage" else day)
        for name, source in SOURCES.items()
    ]
    if len(tickets):
        rows.append(("customer of a ticket", "tickets", _state(_named(tickets), "ticket"), day))
    return pd.DataFrame(rows, columns=["figure", "source", "state", "as_of"])


def findings(figures: Mapping[str, Any], today: date) -> Iterator[Finding]:
    """What is wrong by the figures that are known: None is not."""
    yield from _of_use(figures["active_users"], figures["active_users_before"], figures["last_seen"])
    if figures["failed_logins"] and figures["failed_logins"] > (figures["active_users"] or 0):
        yield Finding(10, counted(figures["failed_logins"], "failed login"))
    urgent, others = figures["urgent_tickets"] or 0, (figures["open_tickets"] or 0) - (figures["urgent_tickets"] or 0)
    if urgent:
        yield Finding(min(30, 15 * urgent), f"{counted(urgent, 'urgent ticket')} open since {figures['urgent_since']}")
    if others:
        yield Finding(min(10, 2 * others), f"{counted(others, 'other ticket' if urgent else 'ticket')} open")
    if (renewal := figures["renewal_date"]) is not None and (days := (renewal - today).days) <= 90:
        yield Finding(20 if days <= 30 else 10, f"renewal {'was due' if days < 0 else 'is due'} on {renewal}")


def _of_use(active: int | None, before: int | None, last_seen: date | None) -> Iterator[Finding]:
    if active == 0:
        yield Finding(40, f"nobody active, last seen on {last_seen}" if last_seen else "nobody active yet")
    elif active is not None and before and 10 * (before - active) >= before:
        fall = (before - active) / before
        yield Finding(min(40, round(80 * fall)), f"usage fell by {fall:.0%}, from {before} people to {active}")


def _judged(figures: Mapping[str, Any], today: date) -> tuple[int | None, str | None, str, str]:
    """Score, grade, reason and what is missing."""
    missing = ", ".join(name.replace("_", " ") for name in SOURCES if figures[name] is None)
    if all(figures[name] is None for name in _JUDGED_BY):
        return None, None, "nothing to judge by", missing
    found = sorted(findings(figures, today), key=lambda each: -each.points)
    score = max(0, 100 - sum(each.points for each in found))
    grade = next(grade for least, grade in GRADES if score >= least)
    return score, grade, "; ".join(each.words for each in found) or "nothing wrong is known", missing


def _of_usage(usage: pd.DataFrame) -> pd.DataFrame:
    figures = {
        name: _numbers(_column(usage, name)) for name in ("active_users", "active_users_before", "failed_logins")
    }
    names = _texts(_column(usage, "customer"))
    last_seen = _days(_column(usage, "last_seen"))
    return pd.DataFrame({"key": _domains(usage, names), "customer": names, **figures, "last_seen": last_seen})


def _of_crm(crm: pd.DataFrame) -> pd.DataFrame:
    """The companies by domain; of several with one domain the revenue together, and the first renewal."""
    names = _texts(_column(crm, "name"))
    companies = pd.DataFrame(
        {
            "key": _domains(crm, names),
            "name": names,
            "owner": _texts(_column(crm, "owner")),
            "annual_revenue": _numbers(_column(crm, "annual_revenue")),
            "renewal_date": _days(_column(crm, "renewal_date")),
            "has_bought": _texts(_column(crm, "stage")).isin(_HAVE_BOUGHT).astype("boolean"),
        }
    )
    by_key = companies.sort_values("renewal_date").groupby("key")
    firsts = by_key[["name", "owner", "renewal_date"]].first()
    return firsts.assign(
        annual_revenue=by_key["annual_revenue"].sum(min_count=1), has_bought=by_key["has_bought"].any()
    ).reset_index()


def _of_tickets(tickets: pd.DataFrame) -> pd.DataFrame:
    urgent = _column(tickets, "urgent").eq(True).fillna(False).astype(bool)
    opened = _texts(_column(tickets, "created")).str[:10]
    each = pd.DataFrame({"key": _named(tickets), "urgent": urgent, "urgent_since": opened.where(urgent)})
    by_key = each.groupby("key")
    return pd.DataFrame(
        {
            "open_tickets": by_key.size(),
            "urgent_tickets": by_key["urgent"].sum(),
            "urgent_since": by_key["urgent_since"].min(),
        }
    ).reset_index()


def _joined(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return left.merge(right, on="key", how="outer", validate="one_to_one")


def _column(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    """The column; without values where the frame has none of that name."""
    return frame[name] if name in frame else pd.Series(None, index=frame.index, dtype=object)


def _named(tickets: pd.DataFrame) -> "pd.Series[Any]":
    """The customer that each ticket names."""
    return _texts(_column(tickets, "customer")).str.lower().str.removeprefix("customer:")


def _domains(frame: pd.DataFrame, names: "pd.Series[Any]") -> "pd.Series[Any]":
    """What the systems know each customer by; one without a domain is known by its name."""
    return _texts(_column(frame, "domain")).str.lower().str.removeprefix("www.").fillna(names.str.lower())


def _texts(values: "pd.Series[Any]") -> "pd.Series[Any]":
    texts = values.astype("string").str.strip()
    return texts.where(texts != "")


def _numbers(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """As numbers; what people wrote into a field of the CRM and is none, is missing."""
    return pd.to_numeric(values, errors="coerce").astype("Float64")


def _days(values: "pd.Series[Any]") -> "pd.Series[Any]":
    moments = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    return moments.dt.date.astype(object).where(moments.notna(), None)


def _state(values: "pd.Series[Any]", of: str) -> str:
    gone = int(values.isna().sum())
    if gone == len(values):
        return "missing"
    return f"missing for {gone} of {counted(len(values), of)}" if gone else "complete"
