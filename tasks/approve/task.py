"""Asks for a decision and returns it; a timeout is a decision too, made by the gate itself.

The recorded decision is read first and written before anything acts on it, so a run that is started again neither
asks twice nor acts on two answers.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from blocks.errors import DecisionMissing
from blocks.ledger import DecisionRow
from tasks.approve import pause
from tasks.approve.form import Decision, summary
from tasks.approve.node import ApproveNode
from tasks.context import NodeEvent, Question, RunContext, current_run
from tasks.node import format_duration
from tasks.node_task import node_task
from tasks.outcome import Outcome, Scope


@node_task
async def ask_approval(node: ApproveNode, scope: Scope) -> Outcome:
    """The decision that stands for this gate: an earlier one, one given with the run, or a person's.

    Raises:
        DecisionMissing: nobody decided in time and `on_timeout` is `fail`.
    """
    run = current_run()
    decision = await run.ledger.decision(run.run_id, node.id)
    if decision is None and node.id in run.decisions:
        decision = await _record(run, node, run.decisions[node.id], "decided when the run was started", "", "--decide")
    if decision is None:
        async with run.gate:  # Prefect holds one pause at a time per run
            decision = await _ask(run, node, scope)
    if decision.decision == "timed_out" and node.on_timeout == "fail":
        raise DecisionMissing(
            f"nobody decided gate {node.id!r} within {format_duration(node.timeout or node.default_timeout)}",
            means="its on_timeout is fail",
            mend=f"start the run again with --decide {node.id}=approve|reject",
        )
    fields = {"decision": decision.decision, "comment": decision.comment, "decided_by": decision.decided_by}
    evidence = (f"{node.id}: {decision.decision} by {decision.decided_by or 'an unnamed person'} ({decision.via})",)
    return Outcome(fields=fields, gaps=scope.gaps, evidence=evidence)


async def _ask(run: RunContext, node: ApproveNode, scope: Scope) -> DecisionRow:
    deadline = run.now() + timedelta(seconds=node.timeout_seconds)
    cost = await run.ledger.cost(run.run_id)
    gaps = tuple(map(str, scope.gaps))
    title, until = f"{run.workflow}: {node.id}", f"{deadline:%Y-%m-%d %H:%M} UTC"
    markdown = summary(title, scope.text_of(node.content), gaps, str(cost), node.approvers, until)
    form = Decision.with_initial_data(description=markdown)
    run.listener.on_event(NodeEvent(node.id, "asking", detail=f"waiting for {', '.join(node.approvers)}"))
    question = Question(node.id, markdown, deadline)
    async with _beside(_answer_from_listener(run, node, question), _time_out(run, node, deadline)):
        answer = await pause.wait_for_decision(run.run_id, node.id, form, node.timeout_seconds)
    if (earlier := await run.ledger.decision(run.run_id, node.id)) is not None:
        return earlier
    if answer is None:
        raise DecisionMissing(
            f"the run was resumed at gate {node.id!r} with no decision", mend="resume it with the form, or --decide"
        )
    return await _record(run, node, answer.decision, answer.comment, answer.decided_by, "Prefect")


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


async def _answer_from_listener(run: RunContext, node: ApproveNode, question: Question) -> None:
    await _until_waiting(run)
    answer = await run.listener.on_question(question)
    if answer is not None:
        await _decide(
            run, node, answer["decision"], answer.get("comment", ""), answer.get("decided_by", ""), "terminal"
        )


async def _time_out(run: RunContext, node: ApproveNode, deadline: datetime) -> None:
    while (left := (deadline - run.now()).total_seconds()) > 0:
        await asyncio.sleep(min(left, pause.POLL_SECONDS))
    await _until_waiting(run)  # a short time may be up before Prefect has paused the run
    await _decide(run, node, "timed_out", f"on_timeout: {node.on_timeout}", "", "timeout")


async def _decide(run: RunContext, node: ApproveNode, decision: str, comment: str, decided_by: str, via: str) -> None:
    """Records the decision, then ends the pause; does nothing when a person was faster in the Prefect UI."""
    if await pause.is_waiting(run.run_id):
        await _record(run, node, decision, comment, decided_by, via)
        # Only the ledger's word counts from here on; Prefect's form has no third choice for a timeout.
        await pause.resume(run.run_id, {"decision": "approve" if decision == "approve" else "reject", "comment": via})


async def _record(
    run: RunContext, node: ApproveNode, decision: str, comment: str, decided_by: str, via: str
) -> DecisionRow:
    return await run.ledger.record_decision(
        run.run_id, node.id, decision, comment=comment, decided_by=decided_by, via=via, at=run.now()
    )
