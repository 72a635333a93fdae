"""The gate itself: asks for a decision in every way at once and returns the one that stands.

The recorded decision is read first and written before anything acts on it, so a run that is started again neither
asks twice nor acts on two answers. A timeout is a decision too, made by the gate.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from blocks.errors import DecisionMissing
from blocks.ledger import DecisionRow
from tasks.approve import pause
from tasks.approve.form import Decision, summary
from tasks.approve.node import OnTimeout
from tasks.context import NodeEvent, Question, RunContext
from tasks.models.opening import spent_so_far
from tasks.outcome import Gap


@dataclass(frozen=True)
class Gate:
    """What is asked, of whom, and for how long."""

    id: str
    """Under which the decision is recorded: the node's id, and more where the node could ask about another thing."""
    node: str
    title: str
    text: str
    """Markdown: what is to be approved."""
    gaps: tuple[Gap, ...]
    approvers: tuple[str, ...]
    timeout: timedelta
    on_timeout: OnTimeout
    """What no decision in time means; here it is only recorded."""


async def decided(run: RunContext, gate: Gate) -> DecisionRow:
    """The decision that stands for this gate: an earlier one, one given with the run, or a person's.

    Raises:
        DecisionMissing: the run was resumed without one.
    """
    decision = await run.ledger.decision(run.run_id, gate.id)
    if decision is None and gate.node in run.decisions:
        given = run.decisions[gate.node]
        decision = await _record(run, gate, given, "decided when the run was started", "", "--decide")
    if decision is None:
        async with run.gate:  # Prefect holds one pause at a time per run
            decision = await _ask(run, gate)
        run.schemas.forget()  # it may have waited for hours
    return decision


async def _ask(run: RunContext, gate: Gate) -> DecisionRow:
    deadline = run.now() + gate.timeout
    cost = await spent_so_far(run, await run.ledger.cost(run.run_id))
    gaps, until = tuple(map(str, gate.gaps)), f"{deadline:%Y-%m-%d %H:%M} UTC"
    markdown = summary(gate.title, gate.text, gaps, cost, gate.approvers, until)
    form = Decision.with_initial_data(description=markdown)
    run.listener.on_event(NodeEvent(gate.node, "asking", detail=f"waiting for {', '.join(gate.approvers)}"))
    question = Question(gate.node, markdown, deadline)
    async with _beside(_answer_from_listener(run, gate, question), _time_out(run, gate, deadline)):
        answer = await pause.wait_for_decision(run.run_id, gate.id, form, gate.timeout.total_seconds())
    if (earlier := await run.ledger.decision(run.run_id, gate.id)) is not None:
        return earlier
    if answer is None:
        raise DecisionMissing(
            f"the run was resumed at gate {gate.node!r} with no decision", mend="resume it with the form, or --decide"
        )
    return await _record(run, gate, answer.decision, answer.comment, answer.decided_by, "Prefect")


@asynccontextmanager
async def _beside(*coroutines: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs the coroutines beside the body and ends them with it; what goes wrong in one of them ends the body."""
    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(coroutine) for coroutine in coroutines]
            yield
            for each in running:
                each.cancel()
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _until_waiting(run: RunContext) -> None:
    while not await pause.is_waiting(run.run_id):
        await asyncio.sleep(0.05)


async def _answer_from_listener(run: RunContext, gate: Gate, question: Question) -> None:
    await _until_waiting(run)
    answer = await run.listener.on_question(question)
    if answer is not None:
        await _decide(
            run, gate, answer["decision"], answer.get("comment", ""), answer.get("decided_by", ""), "terminal"
        )


async def _time_out(run: RunContext, gate: Gate, deadline: datetime) -> None:
    while (left := (deadline - run.now()).total_seconds()) > 0:
        await asyncio.sleep(min(left, pause.POLL_SECONDS))
    await _until_waiting(run)  # a short time may be up before Prefect has paused the run
    await _decide(run, gate, "timed_out", f"on_timeout: {gate.on_timeout}", "", "timeout")


async def _decide(run: RunContext, gate: Gate, decision: str, comment: str, decided_by: str, via: str) -> None:
    """Records the decision, then ends the pause; does nothing when a person was faster in the Prefect UI."""
    if await pause.is_waiting(run.run_id):
        await _record(run, gate, decision, comment, decided_by, via)
        # Only the ledger's word counts from here on; Prefect's form has no third choice for a timeout.
        await pause.resume(run.run_id, {"decision": "approve" if decision == "approve" else "reject", "comment": via})


async def _record(run: RunContext, gate: Gate, decision: str, comment: str, decided_by: str, via: str) -> DecisionRow:
    return await run.ledger.record_decision(
        run.run_id, gate.id, decision, comment=comment, decided_by=decided_by, via=via, at=run.now()
    )
