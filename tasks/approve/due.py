"""What is due at a gate: one pure function of the gate, the people and the time.

The process that waits at a gate and the flow that watches all of them both act on its answer (tasks/approve/work.py).
Working hours hold a reminder back and nothing else: an escalation and a timeout come when they come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from blocks.channels.sending import Channels
from blocks.ledger import AskRow, GateState, NoticeRow
from blocks.people.person import Person
from blocks.people.roster import Delegation, Roster, stands_in
from tasks.approve.terms import Terms, is_covered, terms_of

AGAIN_AFTER = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300, 600))
"""How long after each try of a message the next one is; from then on as long as after the last."""
UNREACHED_TRIES = 3
"""After so many tries that failed on each channel, somebody counts as not reached."""
TOLD_REFUSALS = 3
"""Of so many answers that did not count, the approvers are told; more would only be noise."""


@dataclass(frozen=True)
class People:
    """Everybody, who stands in for whom, and how they are reached."""

    roster: Roster
    delegations: Sequence[Delegation] = ()
    channels: Channels = field(default_factory=Channels)

    def channels_of(self, name: str) -> tuple[str, ...]:
        """The channels of the person of that name; none where there is no such person any more."""
        person = self.roster.find(name)
        return self.channels.of(person) if person else ()


@dataclass(frozen=True)
class Due:
    """What is to be done at a gate now."""

    asks: tuple[AskRow, ...] = ()
    """Who is to be asked as well."""
    notices: tuple[NoticeRow, ...] = ()
    """What is to be sent, each with the number of this try."""
    time_is_up: bool = False

    def __bool__(self) -> bool:
        return bool(self.asks or self.notices or self.time_is_up)


def due(state: GateState, people: People, now: datetime) -> Due:
    """What is due at the gate; nothing where it is decided."""
    if state.decision is not None:
        return Due()
    if now >= state.gate.closes_at:
        return Due(time_is_up=True)
    terms = terms_of(state)
    asks = tuple(_new_asks(state, terms, people, now))
    return Due(asks, tuple(_notices(state.with_asks(asks), terms, people, now)))


def again_at(notice: NoticeRow, now: datetime, after: timedelta = timedelta(0)) -> datetime:
    """When a message that could not be sent is tried again; not before `after`, which the channel asked for."""
    wait = AGAIN_AFTER[min(notice.tries, len(AGAIN_AFTER)) - 1]
    return now + max(wait, after)


def _new_asks(state: GateState, terms: Terms, people: People, now: datetime) -> Iterator[AskRow]:
    asked = {(ask.slot, ask.person): ask for ask in state.asks}
    levels = (now - state.gate.opened_at) // terms.escalate_after if terms.escalate_after else 0
    wanted = dict(asked)
    for approver in terms.people:
        if not is_covered(state, approver):
            wanted |= {(ask.slot, ask.person): ask for ask in _line(state, people, approver, now, levels, terms)}
    # Where somebody stands in for two, too few different people may be asked: those above are asked as well.
    needed, before = terms.required if isinstance(terms.required, int) else 0, -1
    while len({person for _, person in wanted}) < needed and len(wanted) > before:
        before, levels = len(wanted), levels + 1
        for approver in terms.people:
            wanted |= {(ask.slot, ask.person): ask for ask in _line(state, people, approver, now, levels, terms)}
    yield from (ask for key, ask in wanted.items() if key not in asked)


def _line(
    state: GateState, people: People, approver: str, now: datetime, levels: int, terms: Terms
) -> Iterator[AskRow]:
    """Who is asked in the place of an approver: who stands in for them, then those above, so many levels.

    Whoever cannot be reached takes no level: the next one is asked at once.
    """
    person, below, seen = people.roster.find(approver), "", set[str]()
    while person is not None and person.key not in seen:
        seen.add(person.key)
        chain = stands_in(people.roster, person, people.delegations if terms.delegable else (), now)
        if len(chain) > 1:
            yield AskRow(slot=approver, person=chain[-1].name, how="delegated", because_of=chain[-2].name, at=now)
        elif below:
            yield AskRow(slot=approver, person=person.name, how="escalated", because_of=below, at=now)
        else:
            yield AskRow(slot=approver, person=person.name, how="asked", at=now)
        if is_reached(state, chain[-1], people):
            if levels == 0:
                return
            levels -= 1
        below, person = chain[-1].name, people.roster.manager_of(person)


def is_reached(state: GateState, person: Person, people: People) -> bool:
    """Whether some channel of the person works, as far as is known."""
    first = {notice.channel: notice for notice in state.notices if _is_of(notice, person.name, "asked")}
    return any(channel not in first or not _has_failed(first[channel]) for channel in people.channels_of(person.name))


def _has_failed(notice: NoticeRow) -> bool:
    return notice.state == "failed" and (notice.again_at is None or notice.tries >= UNREACHED_TRIES)


def _notices(state: GateState, terms: Terms, people: People, now: datetime) -> Iterator[NoticeRow]:
    """What is to be sent: what nobody was told yet, and what could not be sent before."""
    for name in state.asked():
        person = people.roster.find(name)
        if person is None or state.vote_of(name) is not None:
            continue
        occasions = ["asked", *(f"refused-{number}" for number in range(1, min(state.refusals, TOLD_REFUSALS) + 1))]
        if terms.remind_every is not None and (reminder := _reminder(state, person, terms.remind_every, now)):
            occasions.append(reminder)
        told = {(notice.channel, notice.occasion) for notice in state.notices if notice.person == name}
        for channel in people.channels_of(name):
            for occasion in occasions:
                if (channel, occasion) not in told:
                    yield NoticeRow(
                        person=name, channel=channel, occasion=occasion, state="sending", tries=1, tried_at=now
                    )
    for notice in state.notices:
        is_due = notice.state == "failed" and notice.again_at is not None and notice.again_at <= now
        if is_due and state.vote_of(notice.person) is None:
            yield replace(notice, state="sending", tries=notice.tries + 1, tried_at=now, again_at=None)


def _reminder(state: GateState, person: Person, every: timedelta, now: datetime) -> str:
    """The reminder that is due; empty where none is. Those that were held back go as one."""
    asked_at = min(ask.at for ask in state.asks if ask.person == person.name)
    sent = max((_number(notice) for notice in state.notices if notice.person == person.name), default=0)
    for number in range(int((now - asked_at) / every), sent, -1):
        if person.works_from(asked_at + number * every) <= now:
            return f"reminder-{number}"
    return ""


def _number(notice: NoticeRow) -> int:
    return int(notice.occasion.removeprefix("reminder-")) if notice.occasion.startswith("reminder-") else 0


def _is_of(notice: NoticeRow, person: str, occasion: str) -> bool:
    return notice.person == person and notice.occasion == occasion
