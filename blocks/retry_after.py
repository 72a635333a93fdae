"""When a server that is over its limit, or down, says that it may be asked again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long to wait, by Retry-After in seconds or as a date (RFC 9110, 10.2.3), or by OpenAI's `retry-after-ms`.

    None: the headers do not say, or not so that it can be read.
    """
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        written = headers.get("retry-after", "").strip()
        if not written or written.replace(".", "", 1).isdigit():
            return float(written) if written else None
        at = parsedate_to_datetime(written)
        if at.utcoffset() is None:
            at = at.replace(tzinfo=UTC)
        left = (at - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return max(0.0, left)
