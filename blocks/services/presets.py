"""What is known of each API, as data: where it is, how lists go on, what a refusal looks like, where errors are said.

Checked 2026-11 on the APIs' own pages. `refused`, `says`, `more` and `items` are JMESPath; the first is asked of
`{status, headers, body}`, the others of the body.
"""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from blocks.services.limits import Quota

Preset = Literal["rest", "jira", "slack", "google", "github", "hubspot"]


class Paging(BaseModel):
    """How the next page of a list is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    more: str = ""
    """Where the body has what the next request carries; empty: the Link header has its address (RFC 8288)."""
    parameter: str = ""
    """The query parameter that carries it."""
    total: str = ""
    """Where the body says how many there are in all."""


class Api(BaseModel):
    """One kind of API."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = ""
    paging: tuple[Paging, ...] = (Paging(),)
    """In order; the first whose `more` is in the body, or whose link is there, counts."""
    items: str = ""
    """Where the list of a body is; empty: the body itself, or the only list that it has."""
    refused: str = ""
    """Beside status 429: true where the request was not taken because of a limit."""
    failed: str = ""
    """True of the body of an answer in the 200s that is a failure all the same."""
    denied: str = ""
    """Of a failure of that kind: true where it is because of who we are."""
    later: str = ""
    """Of a failure of that kind: true where the same request may succeed later."""
    says: str = "message || error.message || error_description || detail || title || error"
    """The API's own words for what is wrong."""
    per: Literal["credential", "path"] = "credential"
    """What has a limit of its own."""
    resources: Mapping[str, str] = {}
    """Pattern of a path (as in fnmatch) to the limit that it counts against, where not all count against one."""
    quotas: Mapping[str, Quota] = {}
    """The limit's name, or `*`, to what the API's pages say that it allows."""
    headers: Mapping[str, str] = {}
    """What every request carries."""
    token_url: str = ""
    """Where an access token is had for a refresh token."""
    etags: bool = False
    """Whether its answers have ETags (RFC 9110, 8.8.3), so that what has not changed need not be sent again."""


_GITHUB_LIMIT = 'status==`403` && (headers."x-ratelimit-remaining"==\'0\' || headers."retry-after"'
_AT_JIRA = "[issues, values, comments, worklogs][?@ != `null`] | [0]"
_END_AT_JIRA = f"sum([startAt, length({_AT_JIRA})])"
_NEXT_AT_JIRA = f"(isLast == `false` || (isLast == `null` && {_END_AT_JIRA} < total)) && {_END_AT_JIRA}"
_DENIED_AT_SLACK = ("not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "no_permission",
                    "missing_scope", "not_allowed_token_type", "access_denied", "team_access_not_granted")  # fmt: skip
_LATER_AT_SLACK = ("ratelimited", "rate_limited", "internal_error", "fatal_error", "request_timeout",
                   "service_unavailable", "team_added_to_org")  # fmt: skip

APIS: Mapping[Preset, Api] = {
    "rest": Api(
        paging=(
            Paging(),
            Paging(more="nextPageToken", parameter="pageToken"),
            Paging(more="next_cursor", parameter="cursor"),
        ),
        etags=True,
    ),
    "jira": Api(
        paging=(
            Paging(more="nextPageToken", parameter="nextPageToken"),
            # The older lists: the place of the next page is where this one ends.
            Paging(more=_NEXT_AT_JIRA, parameter="startAt", total="total"),
        ),
        items=_AT_JIRA,
        says="join('; ', errorMessages || `[]`) || join('; ', values(errors || `{}`)) || message",
    ),
    "slack": Api(
        base_url="https://slack.com/api",
        paging=(Paging(more="response_metadata.next_cursor", parameter="cursor"),),
        refused="body.ok == `false` && (body.error == 'ratelimited' || body.error == 'rate_limited')",
        failed="ok != `true`",
        denied=f"contains(`{json.dumps(_DENIED_AT_SLACK)}`, error)",
        later=f"contains(`{json.dumps(_LATER_AT_SLACK)}`, error)",
        says="join(': ', [error, response_metadata.messages[0] || needed][?@])",
        per="path",
        # docs.slack.dev/apis/web-api/rate-limits: several hundred messages a minute in all, and one a second in one
        # channel, which a refusal tells. A method's tier is not in its name, and bursts are allowed: learned as well.
        quotas={"/chat.postMessage": Quota(240, 60)},
    ),
    "google": Api(
        base_url="https://www.googleapis.com",
        paging=(Paging(more="nextPageToken", parameter="pageToken"),),
        items="[items, files, messages, values, events, threads][?@ != `null`] | [0]",
        refused=(
            "status == `403` && body.error.errors[?reason=='rateLimitExceeded' || reason=='userRateLimitExceeded' "
            "|| reason=='quotaExceeded' || reason=='dailyLimitExceeded']"
        ),
        etags=True,
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106  # an address
    ),
    "github": Api(
        base_url="https://api.github.com",
        items="items",
        refused=f"{_GITHUB_LIMIT} || contains(body.message || '', 'rate limit'))",
        says="join(': ', [message, errors[0].message || errors[0].code][?@])",
        resources={"/search/code": "code_search", "/search/*": "search", "/graphql": "graphql"},
        headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
        etags=True,
    ),
    "hubspot": Api(
        base_url="https://api.hubapi.com",
        paging=(Paging(more="paging.next.after", parameter="after", total="total"),),
        items="results",
        says="message",
        # Its answers name the app's limit; searches have one of their own, and their answers say nothing of it.
        resources={"*/search": "search"},
        quotas={"*": Quota(100, 10), "search": Quota(5, 1)},
        token_url="https://api.hubapi.com/oauth/v1/token",  # noqa: S106  # an address
    ),
}


def limit_name(api: Api, path: str) -> str:
    """Which of the API's limits a request to that path, or to that address, counts against."""
    path = urlsplit(path).path
    if api.per == "path":
        return path
    return next((name for pattern, name in api.resources.items() if fnmatchcase(path, pattern)), "")


def quota_of(api: Api, limit: str) -> Quota | None:
    """What the API's pages say of that limit."""
    return api.quotas.get(limit) or api.quotas.get("*")
