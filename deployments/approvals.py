"""Gates at the command line: which wait, and a decision given there."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any
from uuid import UUID

import typer
from pydantic import JsonValue
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from blocks.errors import DecisionRefused, RunUnknown
from blocks.ledger import GateState, Ledger
from blocks.settings import HoldfastSettings
from blocks.signed_in import signed_in_user
from deployments.local_server import quiet_prefect, start_server
from deployments.results import aligned, print_json
from tasks.approve.terms import terms_of
from tasks.context import Verdict, utc_now


def list_approvals(*, as_json: bool) -> None:
    """Prints the gates that wait for a decision, the oldest first."""
    waiting = [state for state in asyncio.run(_waiting()) if state.decision is None]
    if as_json:
        print_json({"gates": [_as_json(state) for state in waiting]})
    elif not waiting:
        typer.echo("No gate waits for a decision.")
    else:
        rows = [("run", "workflow", "gate", "asked", "open until"), *map(_line, waiting)]
        for line in aligned(rows, left=len(rows[0])):
            typer.echo(line)


def approve_run(
    run: str, *, gate: str, name: str, verdict: Verdict, comment: str, code: str, edits: Mapping[str, str]
) -> None:
    """Decides at the run's gate, and says what that came to.

    Raises:
        RunUnknown: the run has no such gate that waits.
        DecisionRefused: the answer does not count.
    """
    quiet_prefect()
    asyncio.run(_approve(run, gate, name, verdict, comment, code, edits))


async def _waiting() -> tuple[GateState, ...]:
    async with Ledger.open(HoldfastSettings().ledger) as ledger:
        return await ledger.gates.waiting()


async def _approve(
    run: str, gate: str, name: str, verdict: Verdict, comment: str, code: str, edits: Mapping[str, str]
) -> None:
    settings = HoldfastSettings()
    async with Ledger.open(settings.ledger) as ledger:
        state = _chosen(await _meant(ledger, run), run, gate)
        await start_server(lambda text: typer.echo(text, err=True))
        from tasks.approve.deciding import Answer, decide, needs_code, said
        from tasks.approve.desk import open_desk

        desk, terms, login = await open_desk(ledger, settings, utc_now), terms_of(state), signed_in_user()
        if not code and needs_code(desk, state, login):
            code = _asked_for_code(name or "you")
        answer = Answer(
            verdict, "terminal", comment, _typed(edits, terms.editable), code, login,
            name=name or ("" if terms.wants_proof else login),
        )  # fmt: skip
        after = await decide(desk, state, answer)
        if after.decision is None:
            asked = ", ".join(each for each in after.asked() if after.vote_of(each) is None)
            typer.echo(f"Recorded. The gate still waits for {asked}.")
            return
        typer.echo(f"{state.gate.title}: {said(after.decision)}. {await _set_going(state.gate.run_id)}")


async def _set_going(run_id: UUID) -> str:
    """What becomes of the run now, in words."""
    from prefect.exceptions import ObjectNotFound

    from tasks.approve.form import NUDGE
    from tasks.approve.pause import is_waiting, read_run, resume

    try:
        state = (await read_run(run_id)).state
        if await is_waiting(run_id):
            await resume(run_id, NUDGE)
    except ObjectNotFound:
        return "It is recorded; this Prefect server does not have the run, so its own will set it going."
    return "The run has ended without it." if state is not None and state.is_final() else "The run goes on."


async def _meant(ledger: Ledger, run: str) -> tuple[GateState, ...]:
    """The gates of the run of that id, also those that are over; of the beginning of an id, those that wait."""
    try:
        return await ledger.gates.of_run(UUID(run))
    except ValueError:
        waiting = await ledger.gates.waiting()
        return tuple(state for state in waiting if str(state.gate.run_id).startswith(run.lower()))


def _chosen(of_run: Sequence[GateState], run: str, gate: str) -> GateState:
    """The one gate that is meant, by its name where the run has several."""
    found = [state for state in of_run if gate in ("", state.gate.gate, state.gate.node)]
    still_open = [state for state in found if state.decision is None] or found
    if len(still_open) == 1:
        return still_open[0]
    if still_open:
        several = ", ".join(f"{state.gate.run_id} --gate {state.gate.gate}" for state in still_open)
        raise RunUnknown(f"{run!r} is more than one gate", mend=f"name one of {several}")
    what = f"run {run!r} has no gate {gate!r}" if gate else f"no gate of run {run!r} waits for a decision"
    raise RunUnknown(what, mend="see holdfast approvals")


def _asked_for_code(whose: str) -> str:
    if not sys.stdin.isatty():
        raise DecisionRefused(
            "the decision needs a proof",
            means=f"it comes with a code that only {whose} got",
            mend="give it with --code",
        )
    return str(typer.prompt("The code from your message", hide_input=True, err=True))


def _typed(edits: Mapping[str, str], editable: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What was typed, as values of the types that the fields have.

    Raises:
        DecisionRefused: it cannot be read as one.
    """
    return {name: text if isinstance(editable.get(name), str | None) else _value(name, text)
            for name, text in edits.items()}  # fmt: skip


def _value(name: str, text: str) -> bool | int | float | str:
    try:
        value = YAML(typ="safe").load(text)
    except YAMLError:
        value = None
    if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not isfinite(value)):
        raise DecisionRefused(f"{text!r} is no value for {name}", mend="write a number, true, false or a text")
    return value


def _line(state: GateState) -> tuple[str, str, str, str, str]:
    gate = state.gate
    asked = state.asked() or terms_of(state).approvers
    until = f"{gate.closes_at:%Y-%m-%d %H:%M} UTC"
    return (str(gate.run_id), gate.workflow, gate.gate, ", ".join(asked), until)


def _as_json(state: GateState) -> dict[str, Any]:
    gate = state.gate
    return {
        "run": str(gate.run_id),
        "workflow": gate.workflow,
        "gate": gate.gate,
        "title": gate.title,
        "summary": gate.summary,
        "opened_at": gate.opened_at.isoformat(),
        "closes_at": gate.closes_at.isoformat(),
        "asked": [
            {"person": ask.person, "in_place_of": ask.slot, "how": ask.how, "because_of": ask.because_of}
            for ask in state.asks
        ],
        "answered": [{"person": vote.person, "decision": vote.decision} for vote in state.votes],
        "editable": terms_of(state).editable,
    }
