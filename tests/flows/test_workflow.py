"""When a workflow starts by itself, and that Prefect takes each schedule that a definition may have."""

from datetime import UTC, datetime

import pytest
from prefect.client.schemas.schedules import CronSchedule
from pydantic import ValidationError

from flows.definitions import load
from flows.inputs import input_values
from flows.workflow import Trigger
from tests.flows.sound import SOUND


@pytest.mark.parametrize(
    "cron",
    ["0 6 1 * *", "*/5 * * * *", "0 6 * * MON-FRI", "0 6 * JAN,JUL *", "0 6 29 2 *", "0 6 L * *", "0 6 * * 1#2"],
)
def test_a_schedule_that_a_definition_may_have_is_one_that_prefect_takes(cron: str) -> None:
    trigger = Trigger(cron=cron, timezone="Europe/Berlin")

    assert CronSchedule(cron=trigger.cron, timezone=trigger.timezone).cron == cron


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ("daily", "wrong number of fields"),
        ("", "wrong number of fields"),
        ("0 25 * * *", "bad hour"),
        ("0 6 31 2 *", "bad day-of-month"),
        ("0 6 * * 5L", "not known to Prefect"),
        ("0 6 LW * *", "not known to Prefect"),
        ("0 0 6 1 * *", "there are not five fields"),
    ],
)
def test_a_schedule_that_never_fires_or_that_prefect_refuses_is_refused(cron: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=f"is no schedule: {reason}; write five fields of a time that comes"):
        Trigger(cron=cron)


@pytest.mark.parametrize("zone", ["Mars/Base", "", "Europe", "../UTC", "/etc/passwd", "UTC\0", "z" * 300])
def test_a_time_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match="there is no time zone"):
        Trigger(cron="0 6 1 * *", timezone=zone)


def test_a_node_is_found_by_its_id() -> None:
    workflow = load(SOUND, "sound")

    assert workflow.node("risk").kind == "reason"
    with pytest.raises(KeyError, match="rsik"):
        workflow.node("rsik")


def test_a_run_at_midnight_of_the_first_reports_on_the_month_that_ended_where_it_is_scheduled() -> None:
    workflow = load(
        "name: monthly\ntrigger: {cron: '0 0 1 * *', timezone: Europe/Berlin}\n"
        "inputs: {month: {type: month, default: last month}}\n"
        "nodes: [{id: one, kind: query, source: shop, sql: 'SELECT :month AS month'}]\n",
        "monthly",
    )
    start = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)  # 2026-11-01 00:00 in Berlin

    assert input_values(workflow.inputs, {}, workflow.local(start)) == {"month": "2026-10"}
