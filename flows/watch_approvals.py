"""The flow `watch-approvals`: does what is due at every open gate. Deployed on a one-minute schedule.

A suspended run holds no process, so nobody else reminds, escalates or ends its gate. Gates of runs that wait with their
process are worked on here as well; the ledger sees to it that nothing is done twice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun

from blocks.ledger import GateState, Ledger
from flows.engine import RunOptions, run_options
from tasks.approve import pause
from tasks.approve.desk import Desk, open_desk
from tasks.approve.form import NUDGE
from tasks.approve.work import due_at, work_on
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
    """Asks, reminds, escalates and ends gates, and starts the runs again whose gates are decided."""
    options = run_options.get(None) or RunOptions()
    async with Ledger.open(options.settings.ledger) as ledger:
        desk = await open_desk(ledger, options.settings, options.now)
        states = await ledger.gates.waiting()
        # Most gates have nothing due, and need no look at their run.
        busy = [state for state in states if state.decision is not None or due_at(desk, state)]
        runs = await _runs_of(busy)
        limit = asyncio.Semaphore(AT_ONCE)

        async def watch(state: GateState) -> bool:
            async with limit:
                return await _watch(desk, state, runs.get(str(state.gate.run_id)))

        kept = await asyncio.gather(*(watch(state) for state in busy))
    watched = Watched(open=len(states), worked_on=sum(kept), abandoned=len(kept) - sum(kept))
    run_logger().info("%d gates wait, %d had something due, %d abandoned", *vars(watched).values())
    return watched


async def _watch(desk: Desk, state: GateState, run: FlowRun | None) -> bool:
    """Whether the gate's run can still go on; what was due at the gate is done."""
    gate = state.gate
    if run is None or run.state is None or run.state.is_final():
        detail = "the run is gone" if run is None or run.state is None else f"the run is {run.state.name}"
        await desk.record(gate, "abandoned", "", detail)
        await desk.gates.taken(gate.run_id, gate.gate, desk.now())
        return False
    if state.decision is None:
        state = await work_on(desk, state)
    if state.decision is not None and run.state.is_paused() and _waits_for(run, gate.gate):
        await pause.resume(gate.run_id, NUDGE)
    return True


def _waits_for(run: FlowRun, gate: str) -> bool:
    """Whether it is this gate's form that the run shows; of several gates, one is asked after the other."""
    key = run.state.state_details.pause_key if run.state else None
    return key is not None and key.rpartition("-")[0] == gate


async def _runs_of(states: Sequence[GateState]) -> dict[str, FlowRun]:
    """The flow runs of the gates, by id."""
    ids = list({state.gate.run_id for state in states})
    found: dict[str, FlowRun] = {}
    async with get_client() as client:
        for at in range(0, len(ids), PAGE):
            these = FlowRunFilter(id=FlowRunFilterId(any_=ids[at : at + PAGE]))
            found |= {str(run.id): run for run in await client.read_flow_runs(flow_run_filter=these, limit=PAGE)}
    return found
