"""Does what is due at a gate: asks, tells, reminds, escalates, ends. Each step is claimed in the ledger first.

So a process that waits at the gate and the flow that watches all gates may both work on it, and one that was killed
may be followed by another: nothing is done twice. A message whose sender was killed while it sent it is not sent
again, for it may have arrived; the next reminder comes all the same.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from blocks.errors import ChannelRefused, ChannelUnavailable
from blocks.ledger import AskRow, GateRow, GateState, NoticeRow
from tasks.approve.desk import OTHER_KEY, Desk, page_of
from tasks.approve.due import Due, People, again_at, due
from tasks.approve.telling import message_for
from tasks.approve.terms import terms_of


async def work_on(desk: Desk, state: GateState) -> GateState:
    """The gate, once what is due at it is done; decided where its time is up, else as it was."""
    wanted = due_at(desk, state)
    if wanted.time_is_up:
        return await end(desk, state)
    if desk.people is not None and wanted.asks:
        await _ask(desk, desk.people, state.gate, wanted.asks)
    if desk.people is not None and wanted.notices:
        await _tell(desk, desk.people, state.with_asks(wanted.asks), wanted.notices)
    return state


def due_at(desk: Desk, state: GateState) -> Due:
    """What is due at the gate now; without a directory there is nobody to tell, and only its time can be up."""
    now = desk.now()
    if desk.people is None:
        return Due(time_is_up=state.decision is None and now >= state.gate.closes_at)
    return due(state, desk.people, now)


async def end(desk: Desk, state: GateState) -> GateState:
    """The gate, with its time up as the decision unless somebody was faster."""
    on_timeout = terms_of(state).on_timeout
    ended = await desk.gates.time_out(state.gate, on_timeout, desk.now())
    if ended.decision is not None and ended.decision.decision == "timed_out":
        desk.emit(state.gate, "timed_out", detail=ended.decision.comment)
    return ended


async def _ask(desk: Desk, people: People, gate: GateRow, asks: Sequence[AskRow]) -> None:
    for ask in await desk.gates.ask(gate, asks):
        desk.emit(gate, ask.how, ask.person, ask.why)
        if not people.channels_of(ask.person):
            await desk.record(gate, "unreachable", ask.person, "no channel that is set up has an address of theirs")


async def _tell(desk: Desk, people: People, state: GateState, wanted: Sequence[NoticeRow]) -> None:
    claimed = await desk.gates.claim(state.gate, wanted)
    reminded = {
        (each.person, each.occasion) for each in claimed if each.occasion.startswith("reminder") and each.tries == 1
    }
    for person, occasion in sorted(reminded):
        await desk.record(state.gate, "reminded", person, occasion)
    # At once, so that a channel that hangs keeps no other waiting.
    sent = await asyncio.gather(*(_send(desk, people, state, each) for each in claimed), return_exceptions=True)
    ended = [
        # Whatever it was, it is one message's; the others are sent, and this one is tried again.
        _failed(each, f"it failed with a {type(end).__name__}", desk) if isinstance(end, BaseException) else end
        for each, end in zip(claimed, sent, strict=True)
    ]
    if ended:
        await desk.gates.told(ended)
    for each in ended:
        if each.state == "failed":
            await desk.record(state.gate, "undelivered", each.person, f"{each.channel}, {each.occasion}: {each.error}")


async def _send(desk: Desk, people: People, state: GateState, notice: NoticeRow) -> NoticeRow:
    """The notice as its try ended."""
    gate, person = state.gate, people.roster.find(notice.person)
    if person is None:
        return replace(notice, state="failed", error="not in the directory any more")
    if gate.key_fingerprint != desk.codes.fingerprint:
        return _failed(notice, OTHER_KEY, desk)
    code = desk.codes.code(gate.run_id, gate.gate, person.name)
    try:
        await people.channels.send(
            person, notice.channel, message_for(state, person, notice.occasion, code, page_of(gate.run_id))
        )
    except ChannelRefused as refused:
        return replace(notice, state="failed", error=str(refused))
    except ChannelUnavailable as unavailable:
        return _failed(notice, str(unavailable), desk, timedelta(seconds=unavailable.retry_after_seconds or 0))
    return replace(notice, state="sent")


def _failed(notice: NoticeRow, error: str, desk: Desk, after: timedelta = timedelta(0)) -> NoticeRow:
    return replace(notice, state="failed", error=error, again_at=again_at(notice, desk.now(), after))
