"""The health table: what each system knows of a customer in one row, a score with its reason, and what is missing."""

from collections.abc import Mapping
from datetime import date

import pandas as pd
import pytest
from pandas.errors import MergeError
from pydantic import JsonValue

from flows.shipped.customer_health import SOURCES, coverage, health
from tasks.frames import frame_of, table_of, table_of_rows
from tasks.outcome import Cell, Table
from tasks.request.shape import table_of_json

TODAY = date(2026, 11, 28)
USAGE = ("customer", "domain", "active_users", "active_users_before", "failed_logins", "last_seen")
USED: list[tuple[object, ...]] = [
    ("Able", "able.example", 10, 20, 3, "2026-10-30"),
    ("Bold", "bold.example", 8, 8, 0, "2026-10-29"),
]
COMPANIES: list[dict[str, JsonValue]] = [
    {
        "name": "Able Ltd",
        "domain": "www.Able.example",
        "stage": "customer",
        "renewal_date": "2026-12-18",
        "annual_revenue": "120000",
        "owner": "71",
    },
    {"name": "Bold", "domain": "bold.example", "stage": "customer", "renewal_date": "", "annual_revenue": "n/a"},
]
TICKETS: list[dict[str, JsonValue]] = [
    {"customer": "customer:able.example", "urgent": True, "created": "2026-11-02T09:00:00.000+0100"},
    {"customer": "customer:able.example", "urgent": False, "created": "2026-11-01T09:00:00.000+0100"},
    {"customer": None, "urgent": False, "created": "2026-11-01T09:00:00.000+0100"},
]


def usage(*rows: tuple[object, ...]) -> pd.DataFrame:
    return frame_of(table_of_rows(USAGE, rows or USED))


def answered(*rows: Mapping[str, JsonValue]) -> pd.DataFrame:
    """The frame of what a service answers."""
    return frame_of(table_of_json([dict(row) for row in rows]))


def nothing() -> pd.DataFrame:
    """The frame of a service that does not answer."""
    return frame_of(Table(columns=()))


def row(table: pd.DataFrame, customer: str) -> dict[str, Cell]:
    return next(each for each in table_of(table).records() if each["customer"] == customer)


def whole() -> dict[str, pd.DataFrame]:
    return {"crm": answered(*COMPANIES), "tickets": answered(*TICKETS), "usage": usage()}


def test_what_three_systems_know_of_a_customer_stands_in_one_row() -> None:
    assert row(health(**whole(), today=TODAY), "Able") == {
        "customer": "Able",
        "owner": "71",
        "grade": "D",
        "score": 100 - 40 - 20 - 15 - 2,
        "below_healthy": 47,
        "reason": "usage fell by 50%, from 20 people to 10; renewal is due on 2026-12-18; "
        "1 urgent ticket open since 2026-11-02; 1 other ticket open",
        "missing": "",
        "annual_revenue": 120000.0,
        "renewal_date": "2026-12-18",
        "open_tickets": 2,
        "urgent_tickets": 1,
        "active_users": 10,
        "active_users_before": 20,
        "failed_logins": 3,
        "last_seen": "2026-10-30",
    }


def test_a_field_of_the_crm_that_is_empty_or_no_number_is_missing_and_not_zero() -> None:
    bold = row(health(**whole(), today=TODAY), "Bold")

    assert (bold["annual_revenue"], bold["renewal_date"], bold["owner"]) == (None, None, None)
    assert bold["missing"] == "annual revenue, renewal date, owner"
    assert (bold["score"], bold["reason"]) == (100, "nothing wrong is known")


def test_a_customer_that_no_ticket_names_has_none() -> None:
    bold = row(health(**whole(), today=TODAY), "Bold")

    assert (bold["open_tickets"], bold["urgent_tickets"]) == (0, 0)


@pytest.mark.parametrize("source", ["crm", "tickets", "usage"])
def test_without_a_source_its_figures_are_missing_and_named_and_the_others_are_right(source: str) -> None:
    frames = {**whole(), source: nothing()}
    full, part = row(health(**whole(), today=TODAY), "Able"), health(**frames, today=TODAY)
    able = row(part, "Able Ltd" if source == "usage" else "Able")
    gone = [name for name, of in SOURCES.items() if of == source]

    assert [able[name] for name in gone] == [None] * len(gone)
    assert able["missing"] == ", ".join(name.replace("_", " ") for name in gone)
    assert [able[name] for name in SOURCES if name not in gone] == [full[name] for name in SOURCES if name not in gone]
    states = {each["figure"]: each["state"] for each in stated(part, frames["tickets"])}
    assert {name for name, state in states.items() if state == "missing"} == {name.replace("_", " ") for name in gone}


def stated(table: pd.DataFrame, tickets: pd.DataFrame) -> list[dict[str, Cell]]:
    return table_of(coverage(table, tickets, "2026-10", TODAY)).records()


def test_without_any_source_there_is_a_table_without_rows_and_every_figure_is_missing() -> None:
    table = health(nothing(), nothing(), nothing(), TODAY)

    assert len(table) == 0
    assert [each["state"] for each in stated(table, nothing())] == ["missing"] * len(SOURCES)


def test_coverage_says_for_how_many_a_figure_is_missing_and_as_of_when() -> None:
    said = stated(health(**whole(), today=TODAY), answered(*TICKETS))

    assert said[0] == {
        "figure": "annual revenue",
        "source": "crm",
        "state": "missing for 1 of 2 customers",
        "as_of": "2026-11-28",
    }
    assert {"figure": "active users", "source": "usage", "state": "complete", "as_of": "2026-10"} in said
    assert said[-1]["figure"] == "customer of a ticket"
    assert said[-1]["state"] == "missing for 1 of 3 tickets"


def test_the_lowest_score_comes_first_then_the_highest_revenue() -> None:
    used = [(name, f"{name.lower()}.example", 9, 9, 0, "2026-10-30") for name in ("Able", "Bold", "Calm")]
    revenues = {"able": "10", "bold": "300", "calm": "20"}
    crm: list[dict[str, JsonValue]] = [
        {"domain": f"{name}.example", "annual_revenue": revenue} for name, revenue in revenues.items()
    ]
    tickets: list[dict[str, JsonValue]] = [
        {"customer": "customer:calm.example", "urgent": False, "created": "2026-11-01"}
    ]
    table = health(answered(*crm), answered(*tickets), usage(*used), TODAY)

    assert list(table["customer"]) == ["Calm", "Bold", "Able"]


def test_who_has_bought_is_a_customer_and_who_has_not_is_none() -> None:
    crm = [{"name": name, "domain": f"{name}.example", "stage": name} for name in ("customer", "evangelist", "lead")]
    table = health(answered(*crm), nothing(), usage(), TODAY)

    assert sorted(table["customer"]) == ["Able", "Bold", "customer", "evangelist"]
    assert row(table, "evangelist")["score"] is None
    assert row(table, "evangelist")["reason"] == "nothing to judge by"


def test_a_customer_that_only_a_ticket_names_is_in() -> None:
    ticket: dict[str, JsonValue] = {
        "customer": "customer:dear.example",
        "urgent": True,
        "created": "2026-11-02T09:00:00.000+0100",
    }
    dear = row(health(nothing(), answered(ticket), usage(), TODAY), "dear.example")

    assert (dear["open_tickets"], dear["active_users"], dear["grade"]) == (1, None, "A")


def test_two_companies_of_one_domain_are_one_customer() -> None:
    other = {**COMPANIES[0], "name": "Able South", "renewal_date": "2026-12-01", "annual_revenue": "30000.50"}
    able = row(health(answered(*COMPANIES, other), nothing(), usage(), TODAY), "Able")

    assert (able["annual_revenue"], able["renewal_date"]) == (150000.5, "2026-12-01")


def test_a_domain_twice_in_the_usage_is_refused() -> None:
    with pytest.raises(MergeError):
        health(nothing(), nothing(), usage(*USED, ("Able again", "able.example", 1, 1, 0, None)), TODAY)


@pytest.mark.parametrize(
    ("figures", "score", "reason"),
    [
        ((18, 20, 0), 92, "usage fell by 10%, from 20 people to 18"),
        ((19, 20, 0), 100, "nothing wrong is known"),
        ((30, 20, 0), 100, "nothing wrong is known"),
        ((1, 20, 0), 60, "usage fell by 95%, from 20 people to 1"),
        ((0, 20, 0), 60, "nobody active, last seen on 2026-09-12"),
        ((20, 20, 21), 90, "21 failed logins"),
    ],
)
def test_usage_takes_points_where_it_falls_by_a_tenth_or_people_cannot_get_in(
    figures: tuple[int, int, int], score: int, reason: str
) -> None:
    able = row(health(nothing(), nothing(), usage(("Able", "able.example", *figures, "2026-09-12")), TODAY), "Able")

    assert (able["score"], able["reason"]) == (score, reason)


@pytest.mark.parametrize(
    ("renewal", "score", "reason"),
    [
        ("2027-02-27", 100, "nothing wrong is known"),
        ("2027-02-26", 90, "renewal is due on 2027-02-26"),
        ("2026-12-28T00:00:00Z", 80, "renewal is due on 2026-12-28"),
        ("2026-11-27", 80, "renewal was due on 2026-11-27"),
    ],
)
def test_a_renewal_takes_points_from_90_days_before_it(renewal: str, score: int, reason: str) -> None:
    crm = answered({"domain": "bold.example", "renewal_date": renewal})
    bold = row(health(crm, nothing(), usage(), TODAY), "Bold")

    assert (bold["score"], bold["reason"]) == (score, reason)


@pytest.mark.parametrize(("urgent", "others", "score"), [(0, 2, 96), (1, 0, 85), (2, 5, 60), (9, 99, 60)])
def test_tickets_take_at_most_40_points(urgent: int, others: int, score: int) -> None:
    ticket: dict[str, JsonValue] = {"customer": "customer:bold.example", "created": "2026-11-02"}
    tickets = [{**ticket, "urgent": at < urgent} for at in range(urgent + others)]
    bold = row(health(nothing(), answered(*tickets), usage(), TODAY), "Bold")

    assert (bold["open_tickets"], bold["urgent_tickets"], bold["score"]) == (urgent + others, urgent, score)
