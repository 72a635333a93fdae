"""What an API's answer says of its limits, in whichever of the usual ways it says so.

Read alike from every API, because the names tell the forms apart (checked 2026-11):
Retry-After in seconds or as a date (RFC 9110, 10.2.3); RateLimit and RateLimit-Policy
(draft-ietf-httpapi-ratelimit-headers-11); X-RateLimit-*, RateLimit-* and X-Rate-Limit-* with a reset as epoch seconds
(GitHub), as ISO 8601 (Jira) or as seconds left (the draft's first forms); X-HubSpot-RateLimit-*, whose interval is
rolling and has no reset. What else means a refusal is the preset's to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from http_sfv.item import Item
from http_sfv.list import List as Items

from blocks.retry_after import retry_after_seconds

LONGEST_WAIT = timedelta(hours=24)
"""A limit that is said to last longer is not believed: the API is asked again after this."""
_EPOCH_FROM = 1_000_000_000
"""A reset from here on is a time, and below it the seconds that are left."""
_MOST_DIGITS = 15
_PREFIXES = ("x-ratelimit-", "ratelimit-", "x-rate-limit-")


@dataclass(frozen=True)
class Quota:
    """So many requests in so many seconds."""

    requests: int
    per_seconds: float


@dataclass(frozen=True)
class Limit:
    """What one answer says of the limit that it counted against."""

    wait_seconds: float | None = None
    """How long no request will be taken; None: not said."""
    remaining: int | None = None
    """How many more are taken before the reset."""
    allowed: int | None = None
    """How many are taken from one reset to the next."""
    resets_in_seconds: float | None = None
    quota: Quota | None = None
    """A limit that rolls, with no reset."""
    lie: str = ""
    """What the answer says that cannot be meant; it is bounded, or taken as not said."""


def limit_of(headers: Mapping[str, str], now: datetime) -> Limit:
    """What the answer's headers say; a header that cannot be read is as none, which the draft asks for (section 6)."""
    said = {name.lower(): value for name, value in headers.items()}
    wait, lie = _wait(said, now)
    rolling = _hubspot(said)
    if rolling is not None:
        return Limit(wait, quota=rolling, lie=lie)
    remaining, resets_in, allowed = _structured(said) or _separate(said, now)
    if resets_in is not None and resets_in > LONGEST_WAIT.total_seconds():
        lie = lie or f"a reset in {timedelta(seconds=int(resets_in))}"
        resets_in = None
    return Limit(wait, remaining, allowed, resets_in, lie=lie)


def _wait(said: Mapping[str, str], now: datetime) -> tuple[float | None, str]:
    written = said.get("retry-after", "").strip() or said.get("retry-after-ms", "").strip() + " ms"
    seconds = retry_after_seconds(said, now)
    if seconds is None:
        return None, f"Retry-After: {written[:40]}" if "retry-after" in said else ""
    if seconds > LONGEST_WAIT.total_seconds():
        return LONGEST_WAIT.total_seconds(), f"Retry-After: {written[:40]}"
    return seconds, ""


def _structured(said: Mapping[str, str]) -> tuple[int, float | None, int | None] | None:
    """By the draft: of several policies the one that is nearest to its end."""
    policies = _items(said.get("ratelimit-policy", ""))
    of_others = {name for name, params in policies if params.get("qu", "requests") != "requests"}
    left = {
        name: (remaining, _count_in(params, "t"))
        for name, params in _items(said.get("ratelimit", ""))
        if name not in of_others and (remaining := _count_in(params, "r")) is not None
    }
    if not left:
        return None
    name, (remaining, resets_in) = min(left.items(), key=lambda each: each[1][0])
    allowed = [_count_in(params, "q") for policy, params in policies if policy == name]
    return remaining, resets_in, allowed[0] if allowed else None


def _items(written: str) -> list[tuple[str, Mapping[str, object]]]:
    items = Items()
    try:
        items.parse(written.encode())
    except ValueError:
        return []
    return [(str(each.value), each.params) for each in items if isinstance(each, Item)]


def _count_in(params: Mapping[str, object], name: str) -> int | None:
    value = params.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _separate(said: Mapping[str, str], now: datetime) -> tuple[int | None, float | None, int | None]:
    for prefix in _PREFIXES:
        remaining = _count(said.get(f"{prefix}remaining", ""))
        if remaining is not None:
            resets_in = _reset(said.get(f"{prefix}reset", "").strip(), now)
            return remaining, resets_in, _count(said.get(f"{prefix}limit", ""))
    return None, None, None


def _count(written: str) -> int | None:
    # Some write the policy behind it: `100, 100;w=60`.
    first = written.partition(",")[0].partition(";")[0].strip()
    return int(first) if first.isascii() and first.isdigit() and len(first) <= _MOST_DIGITS else None


def _reset(written: str, now: datetime) -> float | None:
    try:
        seconds = float(written)
    except ValueError:
        return _until(written, now)
    if not 0 <= seconds < 1e12:
        return None
    return max(0.0, seconds - now.timestamp()) if seconds >= _EPOCH_FROM else seconds


def _until(written: str, now: datetime) -> float | None:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())


def _hubspot(said: Mapping[str, str]) -> Quota | None:
    requests = _count(said.get("x-hubspot-ratelimit-max", ""))
    milliseconds = _count(said.get("x-hubspot-ratelimit-interval-milliseconds", ""))
    return Quota(requests, milliseconds / 1000) if requests and milliseconds else None
