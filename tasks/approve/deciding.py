"""Whether an answer counts: who gave it, by what proof, in time, once. What does not count changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from blocks.codes import is_code
from blocks.errors import DecisionRefused
from blocks.ledger import DecisionRow, GateState, VoteRow
from blocks.people.person import Person
from tasks.approve.desk import OTHER_KEY, Desk
from tasks.approve.terms import editable_now, outcome_of, terms_of
from tasks.approve.work import end
from tasks.context import Verdict


@dataclass(frozen=True)
class Answer:
    """What somebody says at a gate, and how they prove who they are."""

    decision: Verdict
    via: str
    comment: str = ""
    edits: Mapping[str, JsonValue] = field(default_factory=dict)
    """node.field to its corrected value."""
    code: str = ""
    login: str = ""
    """The user of this machine who gives it."""
    name: str = ""
    """Who they say they are; without a directory nobody can check."""
    key: str = ""
    """Which answer it is, where it may be read twice."""


async def decide(desk: Desk, state: GateState, answer: Answer) -> GateState:
    """The gate after the answer; it may need more answers before it is decided.

    Raises:
        DecisionRefused: the answer does not count; the gate is as it was.
    """
    if state.decision is None and desk.now() >= state.gate.closes_at:
        state = await end(desk, state)
    if state.decision is not None:
        raise await _too_late(desk, state, state.decision, answer)
    person = await _proven(desk, state, answer)
    vote = VoteRow(
        person=person,
        decision=answer.decision,
        comment=answer.comment,
        edits=_corrections(state, answer),
        via=answer.via,
        answer=answer.key,
        at=desk.now(),
    )
    after, counted = await desk.gates.vote(state.gate, vote, outcome_of)
    if not counted and after.decision is not None:
        raise await _too_late(desk, after, after.decision, answer)
    if not counted:
        raise await _refused(desk, state, person, f"{person} has answered already, and a code counts once")
    desk.emit(state.gate, "voted", person, answer.decision)
    if after.decision is not None:
        desk.emit(state.gate, "decided", after.decision.decided_by, after.decision.decision)
    return after


def needs_code(desk: Desk, state: GateState, login: str) -> bool:
    """Whether an answer of that user of the machine counts only with a code."""
    known = _known(desk, login)
    return terms_of(state).wants_proof and (known is None or known.name not in state.asked())


def said(decision: DecisionRow) -> str:
    """The decision in words."""
    by = f" by {decision.decided_by}" if decision.decided_by else ""
    return f"{decision.decision.replace('_', ' ')}{by} at {decision.at:%Y-%m-%d %H:%M} UTC ({decision.via})"


def _known(desk: Desk, login: str) -> Person | None:
    return desk.people.roster.with_login(login) if desk.people is not None else None


async def _proven(desk: Desk, state: GateState, answer: Answer) -> str:
    """The name of the person who gave the answer; without a directory, the name that they gave."""
    terms = terms_of(state)
    if not terms.wants_proof:
        return answer.name
    if state.gate.key_fingerprint != desk.codes.fingerprint:
        raise await _refused(desk, state, answer.name, OTHER_KEY)
    known = _known(desk, answer.login)
    if answer.code:
        person = _given_to(desk, state, answer.code)
        wrong = "the code is none that was given out for this gate"
        if person is None and (other := await _meant_by(desk, state, answer.code)):
            wrong = f"the code is for gate {other!r} of this run, which holdfast approve can answer"
    else:
        person = known.name if known is not None and known.name in state.asked() else None
        wrong = "it came without a code" if known is None else f"{known.name} was not asked, and it came without a code"
    if person is None:
        raise await _refused(desk, state, answer.name, wrong)
    if answer.name and answer.name.casefold() != person.casefold():
        raise await _refused(desk, state, answer.name, f"the proof is {person}'s, not {answer.name}'s")
    return person


def _given_to(desk: Desk, state: GateState, code: str) -> str | None:
    """Whom the code was given to at this gate, if they are still in the directory."""
    run_id, gate = state.gate.run_id, state.gate.gate
    known_now = [each for each in state.asked() if desk.people is None or desk.people.roster.find(each)]
    return next((each for each in known_now if is_code(code, desk.codes.code(run_id, gate, each))), None)


async def _meant_by(desk: Desk, state: GateState, code: str) -> str | None:
    """The run's other gate that the code is for: while two wait, Prefect shows the form of one."""
    others = [each for each in await desk.gates.of_run(state.gate.run_id) if each.gate.gate != state.gate.gate]
    return next((each.gate.gate for each in others if _given_to(desk, each, code)), None)


async def _refused(desk: Desk, state: GateState, person: str, why: str) -> DecisionRefused:
    """The refusal, once it is in the ledger; those who were asked are told when the gate is worked on next."""
    await desk.record(state.gate, "refused", person, why)
    return DecisionRefused(
        f"the answer at gate {state.gate.gate!r} does not count: {why}",
        means="it is recorded, and the gate is still open",
        mend="give the code from your own message",
    )


async def _too_late(desk: Desk, state: GateState, decision: DecisionRow, answer: Answer) -> DecisionRefused:
    await desk.record(state.gate, "refused", answer.name, f"{answer.decision} came after {decision.decision}")
    return DecisionRefused(
        f"gate {state.gate.gate!r} of run {state.gate.run_id} was decided before: {said(decision)}",
        means="this answer changes nothing",
    )


def _corrections(state: GateState, answer: Answer) -> dict[str, JsonValue]:
    """Those of the edits that change something.

    Raises:
        DecisionRefused: one is not editable, is of another type, or comes after somebody has approved.
    """
    editable = editable_now(state)
    for name, value in answer.edits.items():
        if name not in editable:
            known = ", ".join(editable) or "nothing"
            raise DecisionRefused(f"{name} cannot be corrected at gate {state.gate.gate!r}", mend=f"there is {known}")
        was = editable[name]
        if was is not None and type(value) is not type(was) and not _both_numbers(value, was):
            raise DecisionRefused(f"{name} is {was!r}, so {value!r} cannot take its place")
    changed = {name: value for name, value in answer.edits.items() if value != editable[name]}
    if answer.decision == "reject":
        return {}
    if changed and state.votes:
        raise DecisionRefused(
            f"{next(iter(changed))} cannot be corrected any more at gate {state.gate.gate!r}",
            means=f"{state.votes[0].person or 'somebody'} has approved it as it is",
            mend="approve it as it is, or reject it",
        )
    return changed


def _both_numbers(one: JsonValue, other: JsonValue) -> bool:
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other))
