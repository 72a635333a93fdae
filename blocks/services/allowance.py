"""When the next request may be sent, decided for every run that uses the same credential.

An allowance is what is known of one limit: how long nothing is taken, how much of a window is left, at what pace it
goes. It is kept in the ledger; each request takes its turn from it there before it is sent, and what the answer says
goes back into it. Here are the decisions alone, on values: nothing waits and nothing is sent.

Three ways to stay within a limit, each used where it is known:
- a window, of which answers say how much is left: requests go at once until a tenth is left, and that is spread over
  the time to the reset;
- a rolling quota, from the block, the preset or an answer: one after another, a twentieth of it at once (GCRA, the
  generic cell rate algorithm of ATM Forum TM 4.0, 4.4.2);
- neither: a slow start (as TCP's, RFC 5681, 3.1), ten a second and, where that holds requests back, twice as many each
  second; after a refusal, the pace at which requests were taken until then, a little quicker with use. So few are under
  way when one is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from blocks.services.limits import Limit, Quota

NEAR_ZERO = 0.1
"""The share of a window from which on requests are spread."""
AT_ONCE = 0.05
"""The share of a rolling quota that may go at once; the pace makes up for it, so that no span has more than it."""
FIRST_PACE = 10.0
"""Requests a second, where nothing is known of a limit."""
QUICKER = {"guessed": 0.7, "learned": 0.02, "set": 0.0, "told": 0.0}
"""By how much a pace grows with each request that it holds back, in requests a second: where it holds back all, by e to
the power of that each second. What was refused once may be allowed again."""
SLOWER = 1.5
"""By how much a pace that was learned is slowed at most when it is refused."""
IDLE = timedelta(seconds=10)
"""Requests that are further apart show no pace, and a pace that was only guessed begins anew."""
FORGOTTEN = timedelta(hours=1)
"""How long a pace that was learned or told is kept when nothing is sent."""
SHORT_SECONDS = 5.0
"""A longer wait teaches a pace only where it is no longer than the time in which requests were taken: how quick they
were has nothing to do with a day's quota that is used up."""
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""The longest wait after so many refusals in a row that name none; the real one is drawn from 0 to it (full jitter)."""
ROUNDING = timedelta(seconds=1.1)
"""How far two answers of one window may be apart in when they say that it ends."""
FIRST_ALONE_SECONDS = 5.0
"""How long others wait for the very first answer, which may say what the limit is."""

_NEVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class Allowance:
    """What is known of one limit."""

    sent: int = 0
    """How many requests have taken a turn, ever: the last one's number."""
    sent_at: datetime = _NEVER
    """The turn of the last one."""
    heard: bool = False
    """Whether any answer is known."""
    blocked_until: datetime = _NEVER
    refusals: int = 0
    """In a row."""
    round: int = 0
    """Counts the times that turns which were given out stopped being good."""
    left: int | None = None
    """Turns of the window that may yet be given out; None: no window is known."""
    open: int = 0
    """Turns of the window that were given out and whose answers have not come."""
    window: int | None = None
    """How many it has in all."""
    ends_at: datetime = _NEVER
    opens_at: datetime = _NEVER
    """When the window begins whose turns are given out."""
    window_from: int = 0
    """The number of the last request before this window."""
    pace: float = FIRST_PACE
    """Requests a second."""
    paced: Literal["guessed", "learned", "set", "told"] = "guessed"
    """`learned`: from refusals. `set`: a quota of the block or the preset. `told`: one that an answer has named."""
    at_once: int = 1
    """How many may go as if the pace were not."""
    due_at: datetime = _NEVER
    """When the next request would be sent if all kept the pace."""
    since_at: datetime = _NEVER
    since_sent: int = 0
    """From when on requests are counted to learn a pace, and the number of the last one before that."""


@dataclass(frozen=True)
class Turn:
    """When a request may be sent; it is good as long as the round is the same."""

    at: datetime
    number: int
    round: int
    unwatched: bool = False
    """Whether only a refusal, or an answer that says something of the limit, would change what is known of it."""
    is_guess: bool = False
    """Whether neither a window nor a quota is known, so that another request may be refused at any moment."""


@dataclass(frozen=True)
class NotYet:
    """No turn is given: ask again at `at`, which is later than the caller can wait, or when more is known."""

    at: datetime
    limited: bool
    """Whether a limit is why; else the first answer is awaited."""


def under(allowance: Allowance, own: Quota | None, preset: Quota | None) -> Allowance:
    """The allowance that keeps to the block's own quota, else to one that an answer has named, else to the preset's."""
    quota = own or (None if allowance.paced == "told" else preset)
    if quota is not None:
        return _with_quota(allowance, quota, "set")
    if allowance.paced == "set":
        return _without_pace(allowance)
    return allowance


def _without_pace(allowance: Allowance) -> Allowance:
    """The allowance of which no pace is known."""
    return replace(allowance, pace=FIRST_PACE, at_once=1, paced="guessed", due_at=_NEVER)


def _with_quota(allowance: Allowance, quota: Quota, paced: Literal["set", "told"]) -> Allowance:
    at_once = max(1, int(quota.requests * AT_ONCE))
    pace = max(1, quota.requests - at_once) / quota.per_seconds
    if (allowance.pace, allowance.at_once, allowance.paced) == (pace, at_once, paced):
        return allowance
    return replace(allowance, pace=pace, at_once=at_once, paced=paced)


def next_turn(allowance: Allowance, now: datetime, latest: datetime) -> tuple[Allowance, Turn | NotYet]:
    """The next request's turn, and the allowance after it; none is taken where it would come after `latest`."""
    if not allowance.heard and allowance.sent and now - allowance.sent_at < timedelta(seconds=FIRST_ALONE_SECONDS):
        return allowance, NotYet(now + timedelta(seconds=0.1), limited=False)
    at = max(now, allowance.blocked_until, allowance.opens_at)
    fresh = _in_this_window(allowance, at)
    if fresh.left is not None:
        at = max(at, _in_window(fresh, at))
        fresh = _in_this_window(fresh, at)
    if fresh.left is None or _is_quota(fresh):
        fresh, at = _at_its_pace(fresh, at)
    if at > latest:
        return allowance, NotYet(at, limited=True)
    unwatched = fresh.heard and fresh.left is None and not fresh.refusals
    turn = Turn(at, fresh.sent + 1, fresh.round, unwatched, fresh.left is None and not _is_quota(fresh))
    left = None if fresh.left is None else fresh.left - 1
    under_way = fresh.open if unwatched else fresh.open + 1
    return replace(fresh, sent=turn.number, sent_at=max(at, fresh.sent_at), left=left, open=under_way), turn


def _is_quota(allowance: Allowance) -> bool:
    """Whether the pace is a quota, which holds in a window too."""
    return allowance.paced in ("set", "told")


def _at_its_pace(allowance: Allowance, at: datetime) -> tuple[Allowance, datetime]:
    """The allowance and the time of the next request, which would be sent at `at` but for the pace."""
    idle = at - max(allowance.sent_at, allowance.blocked_until)
    if idle > FORGOTTEN and allowance.paced in ("learned", "told"):
        allowance = _without_pace(allowance)
    if idle > max(IDLE, timedelta(seconds=2 / allowance.pace)):
        allowance = replace(allowance, since_at=at, since_sent=allowance.sent)
        if allowance.paced == "guessed":
            allowance = replace(allowance, pace=FIRST_PACE)
    else:
        # Time in which the pace would have let more be sent says nothing of a limit.
        since_at = allowance.since_at + max(timedelta(0), at - max(allowance.due_at, allowance.since_at))
        allowance = replace(allowance, since_at=since_at)
    spacing = timedelta(seconds=1 / allowance.pace)
    first = allowance.due_at - spacing * (allowance.at_once - 1)
    if first > at:
        at, allowance = first, replace(allowance, pace=allowance.pace + QUICKER[allowance.paced])
    return replace(allowance, due_at=max(allowance.due_at, at) + spacing), at


def _in_this_window(allowance: Allowance, at: datetime) -> Allowance:
    """The allowance as it is at that time: the next window is as large, and until an answer says it has no end."""
    if allowance.left is None or not _NEVER < allowance.ends_at <= at:
        return allowance
    return replace(
        allowance, left=allowance.window, ends_at=_NEVER, opens_at=allowance.ends_at, open=0, window_from=allowance.sent
    )


def _in_window(allowance: Allowance, at: datetime) -> datetime:
    """When the window has room for the next request; its end where nothing is left."""
    left = allowance.left or 0
    if allowance.ends_at == _NEVER:
        # All of it may be given out before its first answer has come.
        return at if left > 0 else at + timedelta(seconds=1)
    if left <= 0:
        return allowance.ends_at
    if allowance.window and left > allowance.window * NEAR_ZERO:
        return at
    last = allowance.sent_at
    return min(max(at, last + (allowance.ends_at - last) / (left + 1)), allowance.ends_at)


def is_good(allowance: Allowance, turn: Turn, now: datetime) -> bool:
    """Whether the turn, whose time has come, still is what it was when it was given out."""
    return turn.round == allowance.round and allowance.blocked_until <= now


def given_back(allowance: Allowance, turn: Turn) -> Allowance:
    """The allowance once a turn is not used."""
    due_at, left = allowance.due_at, allowance.left
    if turn.round == allowance.round:
        due_at -= timedelta(seconds=1 / allowance.pace)
        left = None if left is None else left + 1
    if turn.number <= allowance.window_from:
        return replace(allowance, due_at=due_at)
    return replace(allowance, open=_without(allowance, turn), left=left, due_at=due_at)


def _without(allowance: Allowance, turn: Turn) -> int:
    """How many are under way once that one no longer is."""
    return allowance.open if turn.unwatched else max(0, allowance.open - 1)


def answered(
    allowance: Allowance, turn: Turn, limit: Limit, *, refused: bool, now: datetime, jitter: Callable[[float], float]
) -> Allowance:
    """The allowance once that request's answer is known; `jitter` draws a wait from 0 to its argument."""
    allowance = replace(allowance, heard=True)
    if limit.quota is not None:
        allowance = _with_quota(allowance, limit.quota, "told")
    if turn.number > allowance.window_from:
        allowance = _counted(replace(allowance, open=_without(allowance, turn)), limit, now, refused=refused)
    if refused:
        return _refused(allowance, turn, limit, now, jitter)
    return replace(allowance, refusals=0) if turn.round == allowance.round else allowance


def _counted(allowance: Allowance, limit: Limit, now: datetime, *, refused: bool) -> Allowance:
    """The allowance with what the answer to a request of its window says is left."""
    if limit.remaining is None or not limit.resets_in_seconds:
        if allowance.left is not None and allowance.ends_at == _NEVER and not refused:
            # Its answers say nothing of the window that has begun, so there may be none.
            return replace(allowance, left=None, window=None, since_at=now, since_sent=allowance.sent)
        return allowance
    # The API has not counted all that are under way, so its figure is a bound, and exact only once none is.
    known = allowance.left is not None and allowance.ends_at != _NEVER
    left = limit.remaining - allowance.open
    if known and allowance.left is not None and allowance.open:
        left = min(limit.remaining, allowance.left)
    window = limit.allowed or max(allowance.window or 0, limit.remaining + 1)
    ends_at = now + timedelta(seconds=limit.resets_in_seconds)
    if known and ends_at - allowance.ends_at < ROUNDING:
        # Resets are rounded up to whole seconds, so the earliest that is said of a window is the nearest to the truth.
        ends_at = min(ends_at, allowance.ends_at)
    return replace(allowance, left=left, ends_at=ends_at, window=window)


def _refused(
    allowance: Allowance, turn: Turn, limit: Limit, now: datetime, jitter: Callable[[float], float]
) -> Allowance:
    # `Retry-After: 0` from who has just refused names no time.
    wait = limit.wait_seconds or None
    if wait is None and limit.remaining == 0:
        wait = limit.resets_in_seconds
    if turn.round != allowance.round:
        # It was under way when another was refused, and says nothing new but perhaps a longer wait.
        until = max(now + timedelta(seconds=wait or 0), allowance.blocked_until)
        longer = 0 if until == allowance.blocked_until else 1
        return replace(allowance, blocked_until=until, round=allowance.round + longer)
    if wait is None:
        wait = jitter(BACKOFF_SECONDS[min(allowance.refusals, len(BACKOFF_SECONDS) - 1)])
    until = max(now + timedelta(seconds=wait), allowance.blocked_until)
    paced = (
        _slower(allowance, turn, now, until) if allowance.left is None else replace(allowance, left=0, ends_at=until)
    )
    return replace(
        paced,
        blocked_until=until,
        sent_at=now,
        refusals=allowance.refusals + 1,
        round=allowance.round + 1,
        due_at=until,
        since_at=until,
        since_sent=allowance.sent,
    )


def _slower(allowance: Allowance, turn: Turn, now: datetime, until: datetime) -> Allowance:
    """The allowance with a pace from what was taken between the last two refusals, where there is no quota."""
    if _is_quota(allowance):
        return allowance
    taken = turn.number - 1 - allowance.since_sent
    in_use, wait = (now - allowance.since_at).total_seconds(), (until - now).total_seconds()
    if taken < 1 or in_use <= 0 or wait > max(in_use, SHORT_SECONDS):
        return replace(allowance, pace=FIRST_PACE) if allowance.paced == "guessed" else allowance
    # A bucket that was full gave more in that time than it gives in the long run.
    pace = taken / (in_use + wait)
    if allowance.paced == "learned":
        pace = max(pace, allowance.pace / SLOWER)
    return replace(allowance, pace=pace, paced="learned", at_once=1)
