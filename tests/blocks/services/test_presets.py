"""What is known of each API holds against answers as the API gives them."""

from collections.abc import Mapping
from typing import Any

import jmespath
import pytest
from pydantic import JsonValue

from blocks.errors import CredentialsRefused, RequestRefused, ServiceUnavailable
from blocks.services.call import Answer, Call
from blocks.services.limits import Quota
from blocks.services.presets import APIS, Api, Preset, limit_name, quota_of
from blocks.services.reading import failure_of, is_refusal
from tasks.request.paging import next_call
from tasks.request.shape import rows_of

GITHUB_SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to "
    "GitHub Support for help, please include the request ID 6D2E:3F5A."
)
GITHUB_BLOCKED = (
    "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. "
    "Please retry your request again later."
)


def google_error(code: int, reason: str, message: str, domain: str = "usageLimits") -> JsonValue:
    error: JsonValue = {"domain": domain, "reason": reason, "message": message}
    return {"error": {"errors": [error], "code": code, "message": message}}


def expressions(api: Api) -> list[str]:
    of_pages = [text for way in api.paging for text in (way.more, way.total)]
    return [api.items, api.refused, api.failed, api.denied, api.later, api.says, *of_pages]


@pytest.mark.parametrize("preset", APIS)
def test_every_expression_is_a_jmespath(preset: Preset) -> None:
    for expression in filter(None, expressions(APIS[preset])):
        assert jmespath.compile(expression)


@pytest.mark.parametrize("preset", APIS)
def test_every_way_to_the_next_page_says_where_its_place_goes(preset: Preset) -> None:
    for way in APIS[preset].paging:
        assert bool(way.more) == bool(way.parameter)


@pytest.mark.parametrize(
    ("preset", "status", "headers", "body"),
    [
        ("rest", 429, {}, None),
        ("jira", 429, {"retry-after": "3", "ratelimit-reason": "jira-burst-based"}, None),
        ("slack", 429, {"retry-after": "30"}, {"ok": False, "error": "ratelimited"}),
        ("slack", 200, {}, {"ok": False, "error": "ratelimited"}),
        ("slack", 200, {}, {"ok": False, "error": "rate_limited"}),
        ("google", 403, {}, google_error(403, "userRateLimitExceeded", "User Rate Limit Exceeded")),
        ("google", 403, {}, google_error(403, "rateLimitExceeded", "Rate Limit Exceeded")),
        ("google", 403, {}, google_error(403, "quotaExceeded", "Calendar usage limits exceeded.")),
        ("google", 429, {}, {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}),
        (
            "github",
            403,
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1764000000"},
            {"message": "API rate limit exceeded for user ID 1."},
        ),
        ("github", 429, {"x-ratelimit-remaining": "0"}, {"message": "API rate limit exceeded for user ID 1."}),
        ("github", 403, {"x-ratelimit-remaining": "14", "retry-after": "60"}, {"message": GITHUB_SECONDARY}),
        ("github", 403, {"x-ratelimit-remaining": "14"}, {"message": GITHUB_SECONDARY}),
        ("github", 403, {"x-ratelimit-remaining": "14"}, {"message": GITHUB_BLOCKED}),
        ("github", 403, {"x-ratelimit-remaining": "0"}, None),
        (
            "hubspot",
            429,
            {"x-hubspot-ratelimit-remaining": "0"},
            {
                "status": "error",
                "message": "You have reached your ten_secondly_rolling limit.",
                "errorType": "RATE_LIMIT",
                "policyName": "TEN_SECONDLY_ROLLING",
            },
        ),
    ],
)
def test_a_refusal_because_of_a_limit_is_known(
    preset: Preset, status: int, headers: Mapping[str, str], body: JsonValue
) -> None:
    assert is_refusal(APIS[preset], status, headers, body)


@pytest.mark.parametrize(
    ("preset", "status", "headers", "body"),
    [
        ("rest", 403, {}, {"message": "Forbidden"}),
        ("rest", 503, {"retry-after": "30"}, None),
        ("jira", 403, {}, {"errorMessages": ["You do not have permission to view this issue."], "errors": {}}),
        ("slack", 200, {}, {"ok": True, "messages": []}),
        ("slack", 200, {}, {"ok": False, "error": "channel_not_found"}),
        ("slack", 403, {}, "<html>Forbidden</html>"),
        ("google", 403, {}, google_error(403, "insufficientPermissions", "Insufficient Permission", "global")),
        ("google", 403, {}, google_error(403, "storageQuotaExceeded", "The user's storage quota has been exceeded.")),
        ("google", 200, {}, {"files": []}),
        ("github", 403, {"x-ratelimit-remaining": "4999"}, {"message": "Resource not accessible by integration"}),
        ("github", 403, {"x-ratelimit-remaining": "4999"}, None),
        ("github", 200, {"x-ratelimit-remaining": "0"}, [{"id": 1}]),
        ("github", 404, {"x-ratelimit-remaining": "0"}, {"message": "Not Found"}),
        ("hubspot", 403, {}, {"status": "error", "message": "This app hasn't been granted all required scopes"}),
        ("hubspot", 423, {}, {"status": "error", "message": "Locked"}),
    ],
)
def test_what_is_answered_for_another_reason_is_no_refusal(
    preset: Preset, status: int, headers: Mapping[str, str], body: JsonValue
) -> None:
    assert not is_refusal(APIS[preset], status, headers, body)


@pytest.mark.parametrize(
    ("preset", "status", "body", "words"),
    [
        ("rest", 400, {"message": "name is missing"}, "name is missing"),
        ("rest", 400, {"error": {"code": 7, "message": "name is missing"}}, "name is missing"),
        ("rest", 400, {"error": "invalid_grant", "error_description": "Token has expired."}, "Token has expired."),
        ("rest", 400, {"type": "about:blank", "title": "Bad Request", "detail": "name is missing"}, "name is missing"),
        ("rest", 400, {"type": "about:blank", "title": "Bad Request"}, "Bad Request"),
        ("rest", 400, {"error": "name is missing"}, "name is missing"),
        (
            "jira",
            400,
            {"errorMessages": ["Unbounded JQL queries are not allowed here.", "Add a restriction."], "errors": {}},
            "Unbounded JQL queries are not allowed here.; Add a restriction.",
        ),
        ("jira", 400, {"errorMessages": [], "errors": {"summary": "You must specify a summary."}}, "You must specify"),
        ("jira", 400, {"errors": {"summary": "You must specify a summary."}}, "You must specify"),
        ("jira", 502, {"message": "Upstream is not there."}, "Upstream is not there."),
        (
            "slack",
            200,
            {"ok": False, "error": "missing_scope", "needed": "channels:history", "provided": "chat:write"},
            "missing_scope: channels:history",
        ),
        (
            "slack",
            200,
            {
                "ok": False,
                "error": "invalid_arguments",
                "response_metadata": {"messages": ["[ERROR] missing required field: channel"]},
            },
            "invalid_arguments: [ERROR] missing required field: channel",
        ),
        ("slack", 200, {"ok": False, "error": "channel_not_found"}, "channel_not_found"),
        ("google", 404, google_error(404, "notFound", "File not found: 1a2b.", "global"), "File not found: 1a2b."),
        (
            "google",
            400,
            {"error": {"code": 400, "message": "Unable to parse range: Shet1", "status": "INVALID_ARGUMENT"}},
            "Unable to parse range: Shet1",
        ),
        (
            "github",
            422,
            {
                "message": "Validation Failed",
                "errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}],
                "documentation_url": "https://docs.github.com/rest",
            },
            "Validation Failed: missing_field",
        ),
        (
            "github",
            422,
            {
                "message": "Validation Failed",
                "errors": [{"code": "custom", "message": "No commits between main and main"}],
            },
            "Validation Failed: No commits between main and main",
        ),
        ("github", 422, {"message": "Validation Failed", "errors": ["Sorry, too large."]}, "Validation Failed"),
        ("github", 404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}, "Not Found"),
        (
            "hubspot",
            400,
            {
                "status": "error",
                "message": "Property values were not valid",
                "correlationId": "a43683b0",
                "category": "VALIDATION_ERROR",
            },
            "Property values were not valid",
        ),
    ],
)
def test_the_apis_own_words_are_said(preset: Preset, status: int, body: JsonValue, words: str) -> None:
    failure = failure_of(APIS[preset], "crm", status, body, is_json=True)

    assert failure is not None
    assert f"service 'crm' answered {status}: {words}" in failure.what


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("invalid_auth", CredentialsRefused),
        ("missing_scope", CredentialsRefused),
        ("internal_error", ServiceUnavailable),
        ("service_unavailable", ServiceUnavailable),
        ("channel_not_found", RequestRefused),
        ("auth", RequestRefused),
    ],
)
def test_a_failure_that_slack_calls_200_is_one_all_the_same(error: str, kind: type[Exception]) -> None:
    assert type(failure_of(APIS["slack"], "chat", 200, {"ok": False, "error": error}, is_json=True)) is kind


@pytest.mark.parametrize("body", [None, [], {}, {"ok": None}, {"messages": []}])
def test_what_slack_does_not_call_well_is_a_failure(body: JsonValue) -> None:
    assert failure_of(APIS["slack"], "chat", 200, body, is_json=True) is not None
    assert failure_of(APIS["slack"], "chat", 200, {"ok": True}, is_json=True) is None


def following(preset: Preset, call: Call, body: JsonValue, next_url: str = "") -> Call | None:
    return next_call(APIS[preset], call, Answer(200, {}, body, next_url))


@pytest.mark.parametrize(
    ("preset", "body", "params"),
    [
        ("rest", {"items": [1], "nextPageToken": "t2"}, {"pageToken": "t2"}),
        ("rest", {"items": [1], "next_cursor": "c2"}, {"cursor": "c2"}),
        ("jira", {"issues": [{"key": "A-1"}], "nextPageToken": "t2", "isLast": False}, {"nextPageToken": "t2"}),
        ("jira", {"startAt": 0, "maxResults": 2, "total": 5, "isLast": False, "values": [1, 2]}, {"startAt": 2}),
        ("jira", {"startAt": 2, "maxResults": 2, "total": 5, "isLast": False, "values": [3, 4]}, {"startAt": 4}),
        ("jira", {"startAt": 0, "maxResults": 2, "total": 5, "comments": [{"id": "1"}, {"id": "2"}]}, {"startAt": 2}),
        ("jira", {"startAt": 0, "maxResults": 2, "total": 5, "worklogs": [{"id": "1"}, {"id": "2"}]}, {"startAt": 2}),
        (
            "slack",
            {"ok": True, "messages": [], "has_more": True, "response_metadata": {"next_cursor": "bmV4dA=="}},
            {"cursor": "bmV4dA=="},
        ),
        ("google", {"files": [{"id": "1"}], "nextPageToken": "t2"}, {"pageToken": "t2"}),
        (
            "hubspot",
            {"results": [{"id": "1"}], "paging": {"next": {"after": "100", "link": "https://api.hubapi.com/x"}}},
            {"after": "100"},
        ),
    ],
)
def test_the_next_page_is_asked_for_with_the_place_that_the_last_one_named(
    preset: Preset, body: JsonValue, params: dict[str, Any]
) -> None:
    call = Call("GET", "/list", params={"size": 2})

    assert following(preset, call, body) == Call("GET", "/list", params={"size": 2, **params})


@pytest.mark.parametrize("preset", ["rest", "github"])
def test_a_link_to_the_next_page_is_followed_as_it_is(preset: Preset) -> None:
    url = "https://api.example.com/repositories/1/issues?page=2"

    assert following(preset, Call("GET", "/repos/a/b/issues", params={"page": 1}), [{"id": 1}], url) == Call("GET", url)


@pytest.mark.parametrize(
    ("preset", "body"),
    [
        ("rest", []),
        ("rest", {"items": [1]}),
        ("rest", {"items": [1], "next_cursor": None}),
        ("rest", {"items": [1], "nextPageToken": ""}),
        ("jira", {"issues": [{"key": "A-1"}], "isLast": True}),
        ("jira", {"issues": []}),
        ("jira", {"startAt": 4, "maxResults": 2, "total": 5, "isLast": True, "values": [5]}),
        ("jira", {"startAt": 0, "maxResults": 50, "total": 2, "comments": [{"id": "1"}, {"id": "2"}]}),
        ("jira", {"key": "A-1", "fields": {"summary": "Late"}}),
        ("slack", {"ok": True, "messages": [], "has_more": False}),
        ("slack", {"ok": True, "channels": [], "response_metadata": {"next_cursor": ""}}),
        ("google", {"files": [{"id": "1"}]}),
        ("google", {"items": [], "nextSyncToken": "s1"}),
        ("github", [{"id": 1}]),
        ("hubspot", {"results": [{"id": "1"}]}),
        ("hubspot", {"total": 1, "results": [{"id": "1"}], "paging": None}),
        ("rest", None),
        ("rest", "words"),
    ],
)
def test_the_last_page_has_none_after_it(preset: Preset, body: JsonValue) -> None:
    assert following(preset, Call("GET", "/list"), body) is None


@pytest.mark.parametrize(
    ("preset", "body", "json_after"),
    [
        (
            "hubspot",
            {"total": 300, "results": [], "paging": {"next": {"after": "100"}}},
            {"limit": 100, "after": "100"},
        ),
        ("jira", {"issues": [], "nextPageToken": "t2"}, {"limit": 100, "nextPageToken": "t2"}),
    ],
)
def test_a_search_by_post_has_its_place_in_the_body(preset: Preset, body: JsonValue, json_after: JsonValue) -> None:
    call = Call("POST", "/search", json={"limit": 100}, only_reads=True)

    assert following(preset, call, body) == Call("POST", "/search", json=json_after, only_reads=True)


@pytest.mark.parametrize(
    ("preset", "body", "rows"),
    [
        ("jira", {"issues": [{"key": "A-1"}], "isLast": True}, [{"key": "A-1"}]),
        ("jira", {"startAt": 0, "total": 1, "isLast": True, "values": [{"id": 1}]}, [{"id": 1}]),
        ("jira", {"issues": [], "isLast": True}, []),
        ("google", {"kind": "calendar#events", "defaultReminders": [], "items": [{"id": "1"}]}, [{"id": "1"}]),
        ("google", {"kind": "calendar#events", "defaultReminders": [{"minutes": 30}], "items": []}, []),
        ("google", {"range": "Sheet1!A1:B1", "majorDimension": "ROWS", "values": [["a", "b"]]}, [["a", "b"]]),
        ("github", {"total_count": 1, "incomplete_results": False, "items": [{"id": 1}]}, [{"id": 1}]),
        ("github", {"total_count": 0, "incomplete_results": False, "items": []}, []),
        ("github", [{"id": 1}, {"id": 2}], [{"id": 1}, {"id": 2}]),
        ("hubspot", {"total": 0, "results": []}, []),
        ("slack", {"ok": True, "messages": [{"ts": "1"}], "has_more": False}, [{"ts": "1"}]),
    ],
)
def test_the_rows_of_a_list_are_found_also_where_it_is_empty(preset: Preset, body: JsonValue, rows: JsonValue) -> None:
    assert rows_of(body, APIS[preset], None) == rows


@pytest.mark.parametrize(
    ("preset", "path", "limit"),
    [
        ("github", "/repos/a/b/issues", ""),
        ("github", "/search/issues", "search"),
        ("github", "/search/code", "code_search"),
        ("github", "/graphql", "graphql"),
        ("hubspot", "/crm/v3/objects/contacts", ""),
        ("hubspot", "/crm/v3/objects/contacts/search", "search"),
        ("hubspot", "/crm/objects/2026-09/deals/search", "search"),
        ("slack", "/chat.postMessage", "/chat.postMessage"),
        ("slack", "/conversations.history", "/conversations.history"),
        ("jira", "/rest/api/3/search/jql", ""),
        ("rest", "/search/items", ""),
    ],
)
def test_a_path_counts_against_the_limit_of_its_kind(preset: Preset, path: str, limit: str) -> None:
    assert limit_name(APIS[preset], path) == limit


@pytest.mark.parametrize(
    ("preset", "path", "limit"),
    [
        ("github", "/search/code?q=late", "code_search"),
        ("github", "/graphql?x=1", "graphql"),
        ("hubspot", "/crm/v3/objects/contacts/search?x=1", "search"),
        ("slack", "/conversations.history?channel=C1", "/conversations.history"),
    ],
)
def test_what_is_asked_of_a_path_makes_no_other_limit_of_it(preset: Preset, path: str, limit: str) -> None:
    assert limit_name(APIS[preset], path) == limit


def test_the_next_page_of_a_search_counts_against_the_limit_of_the_first() -> None:
    call = following(
        "github", Call("GET", "/search/issues"), {"items": []}, "https://api.github.com/search/issues?page=2"
    )

    assert call is not None
    assert limit_name(APIS["github"], call.path) == "search"


@pytest.mark.parametrize(
    ("preset", "limit", "quota"),
    [
        ("hubspot", "", Quota(100, 10)),
        ("hubspot", "search", Quota(5, 1)),
        ("slack", "/chat.postMessage", Quota(240, 60)),
        ("slack", "/conversations.history", None),
        ("github", "", None),
    ],
)
def test_a_quota_is_that_of_the_limit_or_of_all(preset: Preset, limit: str, quota: Quota | None) -> None:
    assert quota_of(APIS[preset], limit) == quota
