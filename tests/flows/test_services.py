"""Workflows that ask services, run on a real Prefect server against real HTTP servers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest
from prefect.client.orchestration import get_client
from pydantic import SecretStr

from blocks.errors import DefinitionRefused
from blocks.services.service import Service
from flows.definitions import load
from flows.result import RunResult
from tasks.outcome import Cell, Table
from tests.flows.running import ledger, new_run, result, run
from tests.servers.scripted_api import Says, ScriptedApi, scripted_api

pytestmark = pytest.mark.usefixtures("prefect_api")

TICKETS = """
    name: tickets
    inputs:
      project: {type: string, default: SUP}
    nodes:
      - id: open
        kind: request
        service: desk
        get: /rest/api/3/search/jql
        params: {jql: "project = {{ project }}"}
        pick: "issues[].{key: key, days: fields.days, labels: fields.labels}"
        fields: {site: site}
      - id: report
        kind: reason
        purpose: synthesise
        needs: [open]
        instructions: Open tickets of {{ open.site }}
    outputs:
      open: {from: open, columns: {key: string, days: integer}}
      site: {from: open.site, type: string}
"""
COMMENT = """
    name: comment
    nodes:
      - id: note
        kind: request
        service: desk
        post: /rest/api/3/issue/{{ key }}/comment
        body: {body: "See {{ key }}", labels: ["{{ key }}", 7]}
        fields: {id: id}
        confirm: none
        because: a comment changes nothing
        retry: 0
    inputs:
      key: {type: string, default: SUP-1}
    outputs:
      id: {from: note.id, type: string}
"""


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with scripted_api() as opened:
        yield opened


@pytest.fixture
async def desk(api: ScriptedApi) -> AsyncIterator[ScriptedApi]:
    service = Service(preset="jira", base_url=api.url, username="ann@example.com", token=SecretStr("t"))
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(get_client())
        document = await cast("Any", service.save("desk", overwrite=True))
        stack.push_async_callback(client.delete_block_document, document)
        yield api


def page(*keys: str, more: str | None = None) -> Says:
    issues = [{"key": key, "fields": {"days": at, "labels": ["x"]}} for at, key in enumerate(keys, 1)]
    return Says({"site": "acme", "issues": issues, **({"nextPageToken": more} if more else {"isLast": True})})


def rows_of(done: RunResult) -> tuple[tuple[Cell, ...], ...]:
    table = done.outputs["open"]
    assert isinstance(table, Table)
    return table.rows


async def test_a_list_is_read_to_its_end_and_is_a_table_for_what_comes_after(desk: ScriptedApi) -> None:
    desk.next(page("SUP-1", "SUP-2", more="p2"), page("SUP-3"))
    done = await result(TICKETS)

    assert desk.paths()[0].endswith("/search/jql?jql=project+%3D+SUP")
    assert desk.paths()[1].endswith("&nextPageToken=p2")
    assert desk.asked[0].headers["authorization"].startswith("Basic ")
    assert done.state == "Completed"
    assert rows_of(done) == (("SUP-1", 1, '["x"]'), ("SUP-2", 2, '["x"]'), ("SUP-3", 1, '["x"]'))
    assert done.outputs["site"] == "acme"


async def test_a_page_that_fails_leaves_what_was_read_and_a_gap(desk: ScriptedApi) -> None:
    desk.next(page("SUP-1", "SUP-2", more="p2"), Says({"errorMessages": ["The token is not valid."]}, 400))
    done = await result(TICKETS)

    assert done.state == "Degraded"
    (gap,) = done.gaps
    assert gap.node == "open"
    assert gap.reason.startswith("stopped at page 2: service 'desk' answered 400: The token is not valid;")
    assert len(rows_of(done)) == 2


async def test_a_service_that_is_down_leaves_a_gap_and_a_report(desk: ScriptedApi) -> None:
    desk.usual = Says({"message": "upstream is away"}, 503, {"retry-after": "0"})
    done = await result(TICKETS.replace("get:", "retry: 0\n        get:"))

    assert done.state == "Degraded"
    assert done.gaps[0].reason.startswith("service 'desk' answered 503: upstream is away")
    async with ledger() as rows:
        (call,) = await rows.services.calls(done.run_id)
    assert (call.outcome, call.status, call.attempts) == ("transient exhausted", 503, 4)
    assert call.endpoint == "/rest/api/3/search/jql"


async def test_a_service_that_nobody_has_set_up_is_named(api: ScriptedApi) -> None:
    done = await result(TICKETS.replace("service: desk", "service: nowhere"))

    assert done.gaps[0].reason.startswith("there is no service 'nowhere'")


async def test_a_write_is_made_once_however_often_the_run_is_started(desk: ScriptedApi) -> None:
    desk.usual = Says({"id": "10100"}, 201)
    run_id = await new_run(COMMENT, key="SUP-9")
    first = await (await run(COMMENT, run_id=run_id)).aresult()
    async with ledger() as rows:
        (delivery,) = await rows.deliveries(run_id)

    assert first.outputs["id"] == "10100"
    assert desk.paths() == ["POST /rest/api/3/issue/SUP-9/comment"]
    assert desk.asked[0].json == {"body": "See SUP-9", "labels": ["SUP-9", 7]}
    assert delivery.receipt == {"status": 201, "id": "10100"}
    assert delivery.target == "desk: POST /rest/api/3/issue/SUP-9/comment"


async def test_a_write_of_which_nobody_knows_whether_it_was_made_is_not_made_again(desk: ScriptedApi) -> None:
    desk.next(Says(status=502))
    run_id = await new_run(COMMENT)
    first = await run(COMMENT, run_id=run_id)
    second = await run(COMMENT, run_id=run_id)

    assert first.is_failed()
    assert second.is_failed()
    assert "was cut off; it may have been made, and the place cannot tell, so it is not made again" in str(
        second.message
    )
    assert len(desk.asked) == 1


async def test_where_the_api_knows_a_key_a_write_is_asked_for_again_under_the_same(api: ScriptedApi) -> None:
    service = Service(base_url=api.url, idempotency_header="Idempotency-Key")
    api.next(Says(status=502), Says({"id": "7"}, 201))
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(get_client())
        document = await cast("Any", service.save("desk", overwrite=True))
        stack.push_async_callback(client.delete_block_document, document)
        done = await result(COMMENT)

    first, second = [asked.headers["idempotency-key"] for asked in api.asked]
    assert done.outputs["id"] == "7"
    assert first == second
    assert first.startswith("holdfast-")


async def test_a_value_cannot_lead_a_path_elsewhere(desk: ScriptedApi) -> None:
    desk.usual = Says({"id": "1"}, 201)
    await run(COMMENT, key="../../admin?x=1#y")

    assert desk.paths() == ["POST /rest/api/3/issue/..%2F..%2Fadmin%3Fx%3D1%23y/comment"]


async def test_a_value_that_is_a_folder_above_is_refused(desk: ScriptedApi) -> None:
    ended = await run(COMMENT, key="..")

    assert "'..' is no part of a path" in str(ended.message)
    assert desk.asked == []


def test_a_write_with_no_gate_before_it_is_refused() -> None:
    written = COMMENT.replace("confirm: none", "").replace("because: a comment changes nothing", "")
    with pytest.raises(DefinitionRefused, match="node note: it writes outside and no gate comes before it"):
        load(written, "test")


async def test_gaps_are_told_in_the_definition_s_order_whichever_came_first(desk: ScriptedApi) -> None:
    desk.usual = Says({"message": "no such path"}, 404, delay_seconds=1)
    done = await result("""
        name: two-services
        nodes:
          - {id: slow, kind: request, service: desk, get: /a}
          - {id: quick, kind: request, service: nowhere, get: /b}
    """)

    assert [gap.node for gap in done.gaps] == ["slow", "quick"]
