"""Whole runs of customer-health beside a CRM and a Jira on loopback: there, down, back again, and not set up at all."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import connect
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from prefect.client.orchestration import get_client
from pydantic import SecretStr

from blocks.samples.schema import USAGE
from blocks.services.presets import Preset
from blocks.services.service import Service
from blocks.services.turns import BREAKER, breaker_of
from flows.catalog import definition_text
from flows.result import RunResult
from tasks.outcome import Cell, Table
from tests.flows.running import ledger, result
from tests.servers.scripted_api import Asked, Says, ScriptedApi, scripted_api

pytestmark = pytest.mark.usefixtures("prefect_api")

COMPANIES, ISSUES = "/crm/v3/objects/companies", "/rest/api/3/search/jql"
OF_CRM = {"annual revenue", "renewal date", "owner"}
OF_TICKETS = {"open tickets", "urgent tickets"}
DOWN = Says({"message": "the region is down"}, 500)


def in_days(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def company(name: str, stage: str, renewal: str, revenue: str, owner: str) -> dict[str, Any]:
    domain = f"{name.lower()}.example"
    said = {"name": name, "domain": domain, "lifecyclestage": stage, "renewal_date": renewal}
    return {"id": name, "properties": {**said, "annual_revenue": revenue, "hubspot_owner_id": owner}}


def issue(customer: str, priority: str = "Medium", category: str = "new") -> dict[str, Any]:
    fields = {
        "labels": ["portal", f"customer:{customer}.example"] if customer else ["portal"],
        "priority": {"name": priority},
        "status": {"name": category, "statusCategory": {"key": category}},
        "created": "2026-11-02T09:00:00.000+0100",
    }
    return {"key": "SUP-1", "fields": fields}


def crm(asked: Asked) -> Says:
    """HubSpot's list of companies, on two pages."""
    first = [company("Able", "customer", in_days(20), "120000", "71"), company("Lead", "lead", "", "", "")]
    second = [company("Bold", "customer", in_days(400), "50000", "72"), company("Calm", "customer", "", "30000.5", "")]
    if "after" in asked_for(asked):
        return Says({"results": second})
    return Says({"results": first, "paging": {"next": {"after": "2", "link": "unused"}}})


def jira(asked: Asked) -> Says:
    """Jira's search, on two pages."""
    if "nextPageToken" in asked_for(asked):
        return Says({"issues": [issue("able"), issue("bold"), issue("")], "isLast": True})
    first = [issue("able", "Highest"), issue("bold"), issue("bold", "High", "done"), issue("bold")]
    return Says({"issues": first, "nextPageToken": "two", "isLast": False})


def asked_for(asked: Asked) -> Mapping[str, Sequence[str]]:
    return parse_qs(urlsplit(asked.path).query)


# By hand, by the rules of the docstrings: customer, grade, score, revenue, owner, tickets, urgent ones, now, before.
WHOLE = [
    ("Able", "D", 100 - 40 - 20 - 15 - 2, 120000.0, "71", 2, 1, 10, 20),
    ("Calm", "A", 100 - 10, 30000.5, None, 0, 0, 5, 5),
    ("Bold", "A", 100 - 6, 50000.0, "72", 3, 0, 8, 8),
]
SHOWN = (
    "customer",
    "grade",
    "score",
    "annual_revenue",
    "owner",
    "open_tickets",
    "urgent_tickets",
    "active_users",
    "active_users_before",
)


@dataclass
class Company:
    """The company's two services and its database."""

    crm: ScriptedApi
    jira: ScriptedApi
    usage: str

    def saved(self) -> AbstractAsyncContextManager[None]:
        """Both services' blocks, which are gone afterwards."""
        return saved(hubspot=service("hubspot", self.crm.url), jira=service("jira", self.jira.url))

    async def run(self) -> RunResult:
        """A run whose report is approved."""
        return await result(
            definition_text("customer-health"),
            {"usage": self.usage},
            decisions={"sign-off": "approve"},
            month="2026-10",
        )


@pytest.fixture
def company_apis(tmp_path: Path) -> Iterator[Company]:
    with scripted_api() as hubspot_api, scripted_api() as jira_api:
        hubspot_api.usual, jira_api.usual = crm, jira
        yield Company(hubspot_api, jira_api, usage_database(tmp_path))


def usage_database(folder: Path) -> str:
    """Able lost half of its people, Calm's cannot log in."""
    used = {"able": (20, 10, 0), "bold": (8, 8, 0), "calm": (5, 5, 9)}
    with closing(connect(folder / "usage.db")) as database, database:
        database.executescript(USAGE)
        for at, (name, (before, now, failed)) in enumerate(used.items(), 1):
            database.execute("INSERT INTO customers VALUES (?, ?, ?)", (at, name.title(), f"{name}.example"))
            for month, people in (("2026-08", 1), ("2026-09", before), ("2026-10", now)):
                rows = [
                    (100 * at + each, month, at, 3, failed if month == "2026-10" and each == 0 else 0, f"{month}-15")
                    for each in range(people)
                ]
                database.executemany("INSERT INTO activity VALUES (?, ?, ?, ?, ?, ?)", rows)
    return f"sqlite+aiosqlite:///{folder / 'usage.db'}"


@asynccontextmanager
async def saved(**services: Service) -> AsyncIterator[None]:
    """Those services' blocks, which are gone afterwards."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(get_client())
        for name, block in services.items():
            document = await cast("Any", block.save(name, overwrite=True))
            stack.push_async_callback(client.delete_block_document, document)
        yield


def service(preset: Preset, url: str, breaker_seconds: float = 60) -> Service:
    return Service(
        preset=preset,
        base_url=url,
        token=SecretStr("loopback-51ce"),
        breaker_failures=2,
        breaker_seconds=breaker_seconds,
    )


def rows(done: RunResult, *names: str) -> list[tuple[Cell, ...]]:
    table = done.outputs["health"]
    assert isinstance(table, Table)
    return [tuple(record[name] for name in names) for record in table.records()]


def missing(done: RunResult) -> set[Cell]:
    """The figures that the run says nobody knows."""
    table = done.outputs["coverage"]
    assert isinstance(table, Table)
    return {record["figure"] for record in table.records() if record["state"] == "missing"}


async def test_with_everything_there_the_figures_are_those_of_all_pages(company_apis: Company) -> None:
    async with company_apis.saved():
        done = await company_apis.run()

    assert (done.state, done.gaps, missing(done)) == ("Completed", (), set())
    assert rows(done, *SHOWN) == WHOLE
    assert rows(done, "renewal_date", "reason")[0] == (
        in_days(20),
        f"usage fell by 50%, from 20 people to 10; renewal is due on {in_days(20)}; "
        "1 urgent ticket open since 2026-11-02; 1 other ticket open",
    )
    assert "| customer of a ticket | tickets | missing for 1 of 6 tickets |" in done.report
    [delivered] = done.deliveries
    assert Path(delivered).read_text().startswith("# Customer health")
    assert [urlsplit(each.path).path for each in company_apis.crm.asked] == [COMPANIES, COMPANIES]
    first = asked_for(company_apis.jira.asked[0])
    assert first["jql"][0].startswith('project = "SUP" AND statusCategory != Done AND created >= -30d')
    assert [urlsplit(each.path).path for each in company_apis.jira.asked] == [ISSUES, ISSUES]


async def test_with_the_crm_down_it_reports_and_names_what_is_missing(company_apis: Company) -> None:
    company_apis.crm.usual = DOWN
    async with company_apis.saved():
        done = await company_apis.run()

    assert (done.state, {gap.node for gap in done.gaps}, missing(done)) == ("Degraded", {"crm"}, OF_CRM)
    expected = [("Able", 43, None, None, 2, 10), ("Calm", 90, None, None, 0, 5), ("Bold", 94, None, None, 3, 8)]
    assert rows(done, "customer", "score", "annual_revenue", "owner", "open_tickets", "active_users") == expected
    assert {row[0] for row in rows(done, "missing")} == {"annual revenue, renewal date, owner"}
    for figure in OF_CRM:
        assert f"| {figure} | crm | missing |" in done.report
    assert "- crm: service 'hubspot'" in done.report.partition("## What is missing")[2]
    assert "the region is down" in done.report
    assert len(done.deliveries) == 1


async def test_with_nobody_listening_where_jira_was_it_reports_all_the_same(company_apis: Company) -> None:
    with scripted_api() as gone:
        pass
    async with saved(hubspot=service("hubspot", company_apis.crm.url), jira=service("jira", gone.url)):
        done = await company_apis.run()

    assert (done.state, {gap.node for gap in done.gaps}, missing(done)) == ("Degraded", {"tickets"}, OF_TICKETS)
    expected = [("Able", 40, "71", None, 10), ("Calm", 90, None, None, 5), ("Bold", 100, "72", None, 8)]
    assert rows(done, "customer", "score", "owner", "open_tickets", "active_users") == expected


async def test_a_run_after_the_breaker_has_opened_does_not_ask_the_crm(company_apis: Company) -> None:
    company_apis.crm.usual = DOWN
    async with company_apis.saved():
        await company_apis.run()
        asked = len(company_apis.crm.asked)
        done = await company_apis.run()

    assert asked == 2
    assert len(company_apis.crm.asked) == asked
    assert (done.state, {gap.node for gap in done.gaps}) == ("Degraded", {"crm"})
    assert "after 2 failures in a row it is left alone until" in done.gaps[0].reason


async def test_once_the_crm_is_back_and_its_rest_is_over_a_run_is_complete_again(company_apis: Company) -> None:
    company_apis.crm.usual = DOWN
    hubspot = service("hubspot", company_apis.crm.url, breaker_seconds=0.5)
    async with saved(hubspot=hubspot, jira=service("jira", company_apis.jira.url)):
        first = await company_apis.run()
        company_apis.crm.usual = crm
        await rest_of(hubspot)
        done = await company_apis.run()

    assert (first.state, done.state, done.gaps) == ("Degraded", "Completed", ())
    assert rows(done, *SHOWN) == WHOLE


async def rest_of(service: Service) -> None:
    """Ends when the service may be asked again."""
    async with ledger() as book:
        breaker = breaker_of(await book.services.state(service.credential, BREAKER))
    assert breaker.is_open(service.breaker_failures)
    await asyncio.sleep(max(0.0, (breaker.opens_until - datetime.now(UTC)).total_seconds()))


async def test_with_no_service_set_up_it_reports_the_usage_and_names_the_rest_as_missing(
    company_apis: Company,
) -> None:
    done = await company_apis.run()

    assert (done.state, [gap.node for gap in done.gaps]) == ("Degraded", ["crm", "tickets"])
    assert missing(done) == OF_CRM | OF_TICKETS
    assert rows(done, "customer", "score") == [("Able", 60), ("Calm", 90), ("Bold", 100)]
    assert "there is no service 'hubspot'" in done.report
    assert "there is no service 'jira'" in done.report
    assert company_apis.crm.asked == company_apis.jira.asked == []
    assert len(done.deliveries) == 1


async def test_with_the_database_gone_too_there_still_is_a_report(company_apis: Company, tmp_path: Path) -> None:
    company_apis.usage = str(tmp_path / "gone.db")
    done = await company_apis.run()

    assert (done.state, {gap.node for gap in done.gaps}) == ("Degraded", {"crm", "tickets", "usage"})
    assert rows(done, "customer") == []
    assert done.report.startswith("# Customer health")
