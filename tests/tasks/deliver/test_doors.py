"""Deliveries to services: what arrives, that it arrives once, and what becomes of a try that was cut off."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from blocks.errors import CredentialsRefused, DeliveryRefused, HoldfastError, RequestRefused, ServiceUnavailable
from blocks.ledger import DeliveryRow, Ledger
from blocks.services.service import Service
from tasks.deliver.doors.adf import document_of
from tasks.deliver.node import DeliverNode
from tests.servers.scripted_api import Asked, Says, ScriptedApi, scripted_api
from tests.tasks.deliver.starting import Delivering

TOKEN = "loopback-19"  # noqa: S105  # it opens nothing but the loopback server
SLACK, JIRA = {"slack": "C042"}, {"jira": "SUP-7"}
GITHUB, DRIVE = {"github": "acme/reports"}, {"drive": "report.md", "folder": "F1"}
OUTSIDE = {"confirm": "none", "because": "a test"}


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with scripted_api() as opened:
        yield opened


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Delivering]:
    async with Ledger.open(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}") as ledger:
        yield Delivering(ledger, tmp_path)


async def deliver(run: Delivering, api: ScriptedApi, *to: dict[str, Any], text: str = "# Report\n\nAll *well*.") -> Any:
    presets = {"slack": "slack", "jira": "jira", "github": "github", "google": "google"}
    services = {
        name: Service(preset=preset, base_url=api.url, token=SecretStr(TOKEN)) for name, preset in presets.items()
    }
    return await run.again(text=text, to=to, services=services, settings=OUTSIDE)


async def only(run: Delivering) -> DeliveryRow:
    (row,) = await run.ledger.deliveries(run.run_id)
    return row


async def test_a_slack_channel_gets_the_text_as_markdown_with_the_delivery_s_mark(
    run: Delivering, api: ScriptedApi
) -> None:
    api.on("POST", "/chat.postMessage", Says({"ok": True, "channel": "C042", "ts": "17.4"}))
    outcome = await deliver(run, api, SLACK)

    (asked,) = api.asked
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.json["channel"] == "C042"
    assert asked.json["text"] == "Report"
    assert asked.json["blocks"][0]["text"].startswith("# Report\n\nAll *well*.")
    assert outcome.fields == {"delivered": ["slack: C042"]}
    assert (await only(run)).receipt == {"channel": "C042", "ts": "17.4"}


async def test_a_text_that_is_too_long_for_a_message_is_a_file(run: Delivering, api: ScriptedApi) -> None:
    upload = {"ok": True, "upload_url": f"{api.url}/upload/1", "file_id": "F9"}
    api.on("POST", "/files.getUploadURLExternal", Says(upload))
    await deliver(run, api, SLACK, text="# Long\n" + "x" * 13_000)

    wanted, sent, completed = api.asked
    assert wanted.form["length"] == str(len(sent.body))
    assert sent.body.startswith(b"# Long")
    assert "authorization" not in sent.headers
    assert completed.json["files"] == [{"id": "F9", "title": "Long"}]
    assert (await only(run)).receipt == {"channel": "C042", "file": "F9"}


async def test_a_file_is_sent_to_slack_alone(run: Delivering, api: ScriptedApi) -> None:
    with scripted_api() as other:
        upload = {"ok": True, "upload_url": f"{other.url}/upload", "file_id": "F9"}
        api.on("POST", "/files.getUploadURLExternal", Says(upload))
        with pytest.raises(DeliveryRefused, match="which is not Slack"):
            await deliver(run, api, {**SLACK, "as_file": True})

        assert other.asked == []


async def test_a_jira_issue_gets_a_comment_in_its_own_format(run: Delivering, api: ScriptedApi) -> None:
    api.on("POST", "/rest/api/3/issue/SUP-7/comment", Says({"id": "10100"}, 201))
    await deliver(run, api, JIRA)

    heading, paragraph, *_ = api.asked[0].json["body"]["content"]
    assert heading == {"type": "heading", "attrs": {"level": 1}, "content": [{"type": "text", "text": "Report"}]}
    assert paragraph["content"][1] == {"type": "text", "text": "well", "marks": [{"type": "em"}]}
    assert (await only(run)).receipt == {"issue": "SUP-7", "comment": "10100"}


async def test_a_repository_gets_an_issue(run: Delivering, api: ScriptedApi) -> None:
    api.on("POST", "/repos/acme/reports/issues", Says({"number": 12, "html_url": "https://example.com/12"}, 201))
    await deliver(run, api, {**GITHUB, "title": "Weekly: {{ report.text.splitlines()[0] }}"})

    assert api.asked[0].json["title"] == "Weekly: # Report"
    assert (await only(run)).receipt == {"issue": 12, "url": "https://example.com/12"}


async def test_drive_gets_a_file_with_its_folder_and_its_mark(run: Delivering, api: ScriptedApi) -> None:
    api.on("POST", "/upload/drive/v3/files", Says({"id": "D1", "webViewLink": "https://example.com/D1"}))
    await deliver(run, api, DRIVE)

    about, content = api.asked[0].body.split(b"Content-Type: text/markdown", 1)
    said = json.loads(about.split(b"\r\n\r\n", 1)[1].split(b"\r\n--")[0])
    assert (said["name"], said["parents"]) == ("report.md", ["F1"])
    assert b"# Report" in content
    assert (await only(run)).receipt == {"file": "D1", "url": "https://example.com/D1"}


@pytest.mark.parametrize("target", [SLACK, JIRA, GITHUB, DRIVE], ids=lambda target: next(iter(target)))
async def test_what_has_a_receipt_is_not_delivered_again(
    run: Delivering, api: ScriptedApi, target: dict[str, Any]
) -> None:
    await deliver(run, api, target)
    before = len(api.asked)
    await deliver(run, api, target)

    assert len(api.asked) == before
    assert (await only(run)).outcome == "delivered"


# What each API lists of a delivery that was made, by the mark which came with it.
def slack_history(asked: Asked) -> Says:
    return Says({"ok": True, "messages": [{"ts": "1.0"}, {"ts": "17.4", "metadata": asked.json["metadata"]}]})


def jira_comments(asked: Asked) -> Says:
    return Says({"comments": [{"id": "1", "properties": []}, {"id": "2", "properties": asked.json["properties"]}]})


def github_issues(asked: Asked) -> Says:
    return Says([{"number": 1, "body": None}, {"number": 2, "body": asked.json["body"], "html_url": "https://x.test"}])


LISTS = {
    "slack": ("/conversations.history", slack_history, {"channel": "C042", "ts": "17.4"}),
    "jira": ("/rest/api/3/issue/SUP-7/comment", jira_comments, {"issue": "SUP-7", "comment": "2"}),
    "github": ("/repos/acme/reports/issues", github_issues, {"issue": 2, "url": "https://x.test"}),
}


@pytest.mark.parametrize("target", [SLACK, JIRA, GITHUB], ids=lambda target: next(iter(target)))
async def test_a_try_that_was_cut_off_and_had_arrived_is_found_and_not_made_again(
    run: Delivering, api: ScriptedApi, target: dict[str, Any]
) -> None:
    path, made, receipt = LISTS[next(iter(target))]
    api.next(Says(status=502))
    with pytest.raises(ServiceUnavailable):
        await deliver(run, api, target)
    left_open = await only(run)
    api.on("GET", path, made(api.asked[0]))
    await deliver(run, api, target)

    assert (left_open.outcome, left_open.receipt_at) == ("intended", None)
    assert [asked.method for asked in api.asked] == ["POST", "GET"]
    assert (await only(run)).receipt == receipt


async def test_a_try_that_was_cut_off_and_had_not_arrived_is_made_again(run: Delivering, api: ScriptedApi) -> None:
    api.next(Says(status=502))
    with pytest.raises(ServiceUnavailable):
        await deliver(run, api, JIRA)
    api.on("GET", "/rest/api/3/issue/SUP-7/comment", Says({"comments": []}))
    api.on("POST", "/rest/api/3/issue/SUP-7/comment", Says({"id": "3"}, 201))
    await deliver(run, api, JIRA)

    assert [asked.method for asked in api.asked] == ["POST", "GET", "POST"]
    assert (await only(run)).receipt == {"issue": "SUP-7", "comment": "3"}


async def test_where_the_bot_may_not_read_the_channel_nothing_is_repeated(run: Delivering, api: ScriptedApi) -> None:
    api.next(Says(status=502))
    with pytest.raises(ServiceUnavailable):
        await deliver(run, api, SLACK)
    api.on("GET", "/conversations.history", Says({"ok": False, "error": "missing_scope"}))
    with pytest.raises(DeliveryRefused, match="cut off; it may have been made"):
        await deliver(run, api, SLACK)

    assert [asked.method for asked in api.asked] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (Says({"ok": False, "error": "channel_not_found"}), RequestRefused),
        (Says({"ok": False, "error": "invalid_auth"}), CredentialsRefused),
    ],
)
async def test_a_delivery_that_was_refused_is_known_not_to_have_been_made(
    run: Delivering, api: ScriptedApi, said: Says, error: type[HoldfastError]
) -> None:
    api.next(said)
    with pytest.raises(error):
        await deliver(run, api, SLACK)
    refused = await only(run)
    await deliver(run, api, SLACK)

    assert (refused.outcome, len(api.asked)) == ("failed", 2)
    assert (await only(run)).outcome == "delivered"


async def test_each_call_of_a_delivery_is_in_the_ledger(run: Delivering, api: ScriptedApi) -> None:
    await deliver(run, api, SLACK, JIRA)

    calls = await run.ledger.services.calls(run.run_id)
    assert [(call.node, call.service, call.outcome, call.status) for call in calls] == [
        ("publish", "slack", "ok", 200),
        ("publish", "jira", "ok", 200),
    ]


@pytest.mark.parametrize("target", [{}, {"slack": "C1", "jira": "A-1"}, {"fax": "1"}])
def test_a_target_names_one_place(target: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="name one place: documents, slack, email, jira, github, drive"):
        DeliverNode.model_validate({"id": "publish", "kind": "deliver", "to": [target]})


def test_markdown_keeps_its_lists_code_and_tables() -> None:
    document = document_of("- one\n- two\n\n```\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> said\n\n---\n")

    kinds = [each["type"] for each in document["content"]]
    assert kinds == ["bulletList", "codeBlock", "codeBlock", "blockquote", "rule"]
    assert document["content"][2]["content"][0]["text"] == "| a | b |\n|---|---|\n| 1 | 2 |"
