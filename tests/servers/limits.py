"""How an API limits its clients, and how it tells them: buckets that know no clock, and the dialects of their answers.

A dialect imitates what the host that it is named after sends, and nothing else of that host. A bucket and a window are
told the time; they neither read a clock nor wait.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import formatdate
from enum import StrEnum
from math import ceil, floor, inf
from typing import Any

_HAIR_SECONDS = 1e-6
"""More than a float's rounding, less than any request takes: who waits exactly as long as he was told is let in."""


@dataclass
class TokenBucket:
    """Fills by so many tokens a second up to its capacity; it is full at first, and each request takes one."""

    capacity: int
    per_second: float
    _full_at: float = field(default=-inf, init=False, repr=False)

    @property
    def window_seconds(self) -> float:
        """How long it takes to fill from empty."""
        return self.capacity / self.per_second

    def take(self, now: float) -> bool:
        """Whether there was a token, which is gone then."""
        if self.seconds_to_next(now) > _HAIR_SECONDS:
            return False
        self.spend(1, now)
        return True

    def spend(self, count: int, now: float) -> None:
        """Takes so many tokens, also such as are not there yet."""
        self._full_at = max(self._full_at, now) + count / self.per_second

    def remaining(self, now: float) -> int:
        """How many requests it would let in at once."""
        missing = max(0.0, self.seconds_to_full(now) - _HAIR_SECONDS) * self.per_second
        return max(0, floor(self.capacity - missing))

    def seconds_to_next(self, now: float) -> float:
        """Until there is one token."""
        return max(0.0, self.seconds_to_full(now) - (self.capacity - 1) / self.per_second)

    def seconds_to_full(self, now: float) -> float:
        """Until all tokens are there."""
        return max(0.0, self._full_at - now)

    def possible(self, seconds: float, used: int = 0) -> int:
        """How many requests it lets in within that time of its first, where so many tokens were gone before that."""
        return max(0, floor(self.capacity - used + (seconds + _HAIR_SECONDS) * self.per_second))


@dataclass
class FixedWindow:
    """So many requests in a window of so many seconds, which begins at the first request after the last one's end."""

    requests: int
    seconds: float
    _begun_at: float = field(default=-inf, init=False, repr=False)
    _taken: int = field(default=0, init=False, repr=False)

    @property
    def capacity(self) -> int:
        """As the bucket calls it."""
        return self.requests

    @property
    def window_seconds(self) -> float:
        """As the bucket calls it."""
        return self.seconds

    def take(self, now: float) -> bool:
        """Whether the window had room for a request, which is in it then."""
        if not self.remaining(now):
            return False
        self.spend(1, now)
        return True

    def spend(self, count: int, now: float) -> None:
        """Puts so many requests into the window, also such as it has no room for; begins one where none is open."""
        if not self.seconds_to_full(now):
            self._begun_at, self._taken = now, 0
        self._taken += count

    def remaining(self, now: float) -> int:
        """How many requests it would let in at once."""
        return max(0, self.requests - self._taken) if self.seconds_to_full(now) else self.requests

    def seconds_to_next(self, now: float) -> float:
        """Until it has room for one request."""
        return 0.0 if self.remaining(now) else self.seconds_to_full(now)

    def seconds_to_full(self, now: float) -> float:
        """Until the window ends, which is its reset; 0 where none is open."""
        left = self.seconds - (now - self._begun_at)
        return left if left > _HAIR_SECONDS else 0.0

    def possible(self, seconds: float, used: int = 0) -> int:
        """How many requests it lets in within that time of its first, where so many were in that window already."""
        later = floor((seconds + _HAIR_SECONDS) / self.seconds)
        return max(0, self.requests - used) + later * self.requests


Limit = TokenBucket | FixedWindow


class Dialect(StrEnum):
    """How an API speaks of its limit."""

    RETRY_AFTER = "retry-after"
    RETRY_AFTER_DATE = "retry-after-date"
    BARE = "bare"
    GITHUB = "github"
    GITHUB_SECONDARY = "github-secondary"
    JIRA = "jira"
    IETF = "ietf"
    RATELIMIT_OLD = "ratelimit-old"
    SLACK = "slack"
    SLACK_BODY = "slack-body"
    GOOGLE_RATE = "google-rate"
    GOOGLE_USER = "google-user"
    GOOGLE_429 = "google-429"
    HUBSPOT = "hubspot"


@dataclass(frozen=True)
class Standing:
    """How a client stands at one moment: all that an answer may tell of it."""

    capacity: int
    window_seconds: float
    remaining: int
    next_seconds: float
    """Until one more request is let in."""
    full_seconds: float
    """Until the whole capacity is there again: what the dialects call the reset."""
    epoch: float
    """The moment, by the wall clock."""
    daily: int
    daily_remaining: int


Headers = dict[str, str]


@dataclass(frozen=True)
class Refusal:
    """An answer to a request that is one too many."""

    status: int
    headers: Headers = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    after_seconds: float | None = None
    """The wait that it asks for; None where it says nothing of the time."""


def served_headers(dialect: Dialect, at: Standing) -> Headers:
    """What a served answer tells of the limit."""
    return _SERVED[dialect](at) if dialect in _SERVED else {}


def refusal(dialect: Dialect, at: Standing) -> Refusal:
    """The answer to a request that is one too many."""
    return _REFUSED[dialect](at)


def _whole(seconds: float) -> int:
    """Rounded up, as a client that comes early would be refused again; but not for a float's last digits."""
    return ceil(round(seconds, 6))


def _reset_epoch(at: Standing) -> int:
    return _whole(at.epoch + at.full_seconds)


def _github_headers(at: Standing) -> Headers:
    return {
        "x-ratelimit-limit": str(at.capacity),
        "x-ratelimit-remaining": str(at.remaining),
        "x-ratelimit-used": str(at.capacity - at.remaining),
        "x-ratelimit-reset": str(_reset_epoch(at)),
        "x-ratelimit-resource": "core",
    }


def _jira_headers(at: Standing) -> Headers:
    return {
        "X-RateLimit-Limit": str(at.capacity),
        "X-RateLimit-Remaining": str(at.remaining),
        "X-RateLimit-Reset": f"{datetime.fromtimestamp(_reset_epoch(at), UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def _ietf_headers(at: Standing) -> Headers:
    return {
        "RateLimit-Policy": f'"default";q={at.capacity};w={_whole(at.window_seconds)}',
        "RateLimit": f'"default";r={at.remaining};t={_whole(at.full_seconds)}',
    }


def _old_headers(at: Standing) -> Headers:
    return {
        "RateLimit-Limit": str(at.capacity),
        "RateLimit-Remaining": str(at.remaining),
        "RateLimit-Reset": str(_whole(at.full_seconds)),
    }


def _hubspot_headers(at: Standing) -> Headers:
    return {
        "X-HubSpot-RateLimit-Max": str(at.capacity),
        "X-HubSpot-RateLimit-Remaining": str(at.remaining),
        "X-HubSpot-RateLimit-Interval-Milliseconds": str(_whole(at.window_seconds * 1000)),
        "X-HubSpot-RateLimit-Daily": str(at.daily),
        "X-HubSpot-RateLimit-Daily-Remaining": str(at.daily_remaining),
    }


def _retry_after(at: Standing) -> Refusal:
    seconds = _whole(at.next_seconds)
    return Refusal(429, {"Retry-After": str(seconds)}, after_seconds=seconds)


def _retry_after_date(at: Standing) -> Refusal:
    second = _whole(at.epoch + at.next_seconds)
    return Refusal(429, {"Retry-After": formatdate(second, usegmt=True)}, after_seconds=second - at.epoch)


def _github(at: Standing) -> Refusal:
    body = {"message": "API rate limit exceeded for user ID 1."}
    return Refusal(403, _github_headers(at), body, after_seconds=_reset_epoch(at) - at.epoch)


def _github_secondary(at: Standing) -> Refusal:
    seconds = _whole(at.next_seconds)
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return Refusal(403, {"retry-after": str(seconds)}, {"message": message}, after_seconds=seconds)


def _jira(at: Standing) -> Refusal:
    plain = _retry_after(at)
    reason = {"RateLimit-Reason": "jira-quota-tenant-based"}
    return replace(plain, headers=plain.headers | _jira_headers(at) | reason)


def _slack(at: Standing) -> Refusal:
    return replace(_retry_after(at), body={"ok": False, "error": "ratelimited"})


def _google(reason: str, message: str) -> Refusal:
    error = {"domain": "usageLimits", "reason": reason, "message": message}
    return Refusal(403, body={"error": {"code": 403, "message": message, "errors": [error]}})


def _google_429(at: Standing) -> Refusal:
    message = "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user'."
    return Refusal(429, body={"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": message}})


def _hubspot(at: Standing) -> Refusal:
    policy = "TEN_SECONDLY_ROLLING" if at.daily_remaining else "DAILY"
    message = f"You have reached your {policy.lower()} limit."
    return Refusal(429, body={"status": "error", "message": message, "errorType": "RATE_LIMIT", "policyName": policy})


_SERVED: Mapping[Dialect, Callable[[Standing], Headers]] = {
    Dialect.GITHUB: _github_headers,
    Dialect.JIRA: _jira_headers,
    Dialect.IETF: _ietf_headers,
    Dialect.RATELIMIT_OLD: _old_headers,
    Dialect.HUBSPOT: _hubspot_headers,
}
_REFUSED: Mapping[Dialect, Callable[[Standing], Refusal]] = {
    Dialect.RETRY_AFTER: _retry_after,
    Dialect.RETRY_AFTER_DATE: _retry_after_date,
    Dialect.BARE: lambda at: Refusal(429),
    Dialect.GITHUB: _github,
    Dialect.GITHUB_SECONDARY: _github_secondary,
    Dialect.JIRA: _jira,
    Dialect.IETF: lambda at: Refusal(429, _ietf_headers(at), after_seconds=_whole(at.full_seconds)),
    Dialect.RATELIMIT_OLD: lambda at: Refusal(429, _old_headers(at), after_seconds=_whole(at.full_seconds)),
    Dialect.SLACK: _slack,
    Dialect.SLACK_BODY: lambda at: Refusal(200, body={"ok": False, "error": "ratelimited"}),
    Dialect.GOOGLE_RATE: lambda at: _google("rateLimitExceeded", "Rate Limit Exceeded"),
    Dialect.GOOGLE_USER: lambda at: _google("userRateLimitExceeded", "User Rate Limit Exceeded"),
    Dialect.GOOGLE_429: _google_429,
    Dialect.HUBSPOT: _hubspot,
}
