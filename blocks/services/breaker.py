"""A circuit breaker: a service that fails again and again is left alone for a while, then asked by one request.

The decisions alone, on values; every run that uses the service shares one breaker in the ledger.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

_NEVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
LONGEST_FACTOR = 8
"""A service that is still down at each probe is left alone for up to so many times as long."""


@dataclass(frozen=True)
class Breaker:
    """What is known of a service's health."""

    failures: int = 0
    """Requests in a row that failed."""
    since: datetime = _NEVER
    """When the first of them did."""
    opens_until: datetime = _NEVER
    """Until then nothing is asked; past it, one request at a time is."""
    probe_until: datetime = _NEVER
    """How long the one that tests the service now may take before another one may."""
    last: str = ""
    """What the last failure was."""

    def is_open(self, threshold: int) -> bool:
        """Whether requests fail at once, unless one of them tests the service."""
        return self.failures >= threshold


@dataclass(frozen=True)
class Pass:
    """A request may go; a probe decides whether the breaker closes."""

    is_probe: bool = False


@dataclass(frozen=True)
class Rejected:
    """No request may go before that time."""

    since: datetime
    again_at: datetime
    failures: int
    last: str
    is_tested: bool = False
    """Whether a request is under way that may close it sooner."""


def asked(breaker: Breaker, threshold: int, now: datetime, probe: timedelta) -> tuple[Breaker, Pass | Rejected]:
    """Whether a request may go; the one that tests the service has the time `probe` to come back."""
    if not breaker.is_open(threshold):
        return breaker, Pass()
    again_at = max(breaker.opens_until, breaker.probe_until)
    if now < again_at:
        is_tested = breaker.opens_until <= now
        return breaker, Rejected(breaker.since, again_at, breaker.failures, breaker.last, is_tested)
    return replace(breaker, probe_until=now + probe), Pass(is_probe=True)


def succeeded(breaker: Breaker) -> Breaker:
    """The breaker once the service has answered."""
    return Breaker()


def failed(breaker: Breaker, why: str, threshold: int, rest: timedelta, now: datetime) -> Breaker:
    """The breaker once a request has failed for a reason that is the service's; `rest` is how long it is left alone."""
    since = breaker.since if breaker.failures else now
    failures = breaker.failures + 1
    opens_until = breaker.opens_until
    if failures >= threshold:
        opens_until = now + rest * min(2 ** (failures - threshold), LONGEST_FACTOR)
    return Breaker(failures, since, opens_until, _NEVER, why)


def gave_up(breaker: Breaker) -> Breaker:
    """The breaker once a probe has ended without a word of the service's health."""
    return replace(breaker, probe_until=_NEVER)
