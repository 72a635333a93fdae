"""The flow `watch-approvals`: does what is due at every open gate. Deployed on a one-minute schedule.

A suspended run holds no process, so nobody else reminds, escalates or ends its gate. Gates of runs that wait with their
process are worked on here as well; the ledger sees to it that nothing is done twice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun

from blocks.codes import code_maker
from blocks.errors import OperatorError
from blocks.ledger import GateState, Ledger
from flows.engine import RunOptions, run_options
from tasks.approve import pause
from tasks.approve.desk import Desk, open_desk
from tasks.approve.form import NUDGE
from tasks.approve.work import due_at, end, work_on
from tasks.context import run_logger

PAGE = 200
"""Flow runs that Prefect gives at once."""
AT_ONCE = 20
"""Gates that are worked on at the same time."""


@dataclass(frozen=True)
class Watched:
    """What one look at the gates came to."""

    open: int
    worked_on: int
    """Those at which something was due."""
    abandoned: int
    """Those whose run has ended without them."""


@flow(name="watch-approvals", retries=0)
async def watch_approvals() -> Watched:
    """Asks, reminds, escalates and ends gates, and starts the runs again whose gates are decided.

    What goes wrong at one gate keeps no other waiting; it is raised once all are done.
    """
    options = run_options.get(None) or RunOptions()
    async with Ledger.open(options.settings.ledger) as ledger:
        desk, broken = await _desk(ledger, options)
        states = await ledger.gates.waiting()
        # Most gates have nothing due, and need no look at their run.
        busy = [state for state in states if state.decision is not None or due_at(desk, state)]
        runs = await _runs_of(busy)
        decided = {state.gate.run_id for state in busy if state.decision is not None}
        limit = asyncio.Semaphore(AT_ONCE)

        async def watch(state: GateState) -> bool:
            async with limit:
                return await _watch(desk, state, runs.get(state.gate.run_id))

        kept = await asyncio.gather(*(watch(state) for state in busy), return_exceptions=True)
        for run_id in decided & runs.keys():
            await _set_going(runs[run_id])
    failures = [end for end in kept if isinstance(end, BaseException)]
    for failure in (*failures, *broken):
        run_logger().error("watch-approvals: %s", failure)
    if failures or broken:
        raise (*failures, *broken)[0]
    done = [end for end in kept if end is True]
    watched = Watched(open=len(states), worked_on=len(done), abandoned=len(kept) - len(done))
    run_logger().info("%d gates wait, %d had something due, %d abandoned", *vars(watched).values())
    return watched


async def _desk(ledger: Ledger, options: RunOptions) -> tuple[Desk, list[OperatorError]]:
    """The desk, and what is broken: without its directory nobody can be told, yet a gate's time must end."""
    try:
        return await open_desk(ledger, options.settings, options.now), []
    except OperatorError as error:
        return Desk(ledger.gates, None, code_maker(options.settings), options.now), [error]


async def _watch(desk: Desk, state: GateState, run: FlowRun | None) -> bool:
    """Whether the gate's run can still go on; what was due at the gate is done."""
    gate = state.gate
    if run is None:
        # Deleted, or of another server, where its own process or watch-approvals works on it.
        if state.decision is None and desk.now() >= gate.closes_at:
            state = await end(desk, state)
        if state.decision is not None:
            await desk.gates.taken(gate.run_id, gate.gate, desk.now())
        return True
    if run.state is not None and run.state.is_final():
        await desk.record(gate, "abandoned", "", f"the run is {run.state.name}")
        await desk.gates.taken(gate.run_id, gate.gate, desk.now())
        return False
    if state.decision is None and (await work_on(desk, state)).decision is not None:
        await _set_going(run)
    return True


async def _set_going(run: FlowRun) -> None:
    """Starts a run again that waits at any gate: each of its gates then takes what was decided, or goes on waiting."""
    if run.state is not None and run.state.is_paused():
        await pause.resume(run.id, NUDGE)


async def _runs_of(states: Sequence[GateState]) -> dict[UUID, FlowRun]:
    """The flow runs of the gates, by id."""
    ids = list({state.gate.run_id for state in states})
    found: dict[UUID, FlowRun] = {}
    async with get_client() as client:
        for at in range(0, len(ids), PAGE):
            these = FlowRunFilter(id=FlowRunFilterId(any_=ids[at : at + PAGE]))
            found |= {run.id: run for run in await client.read_flow_runs(flow_run_filter=these, limit=PAGE)}
    return found
