"""The wait itself, on Prefect's pause: one at a time in a run, and never lost when the process dies.

Facts of Prefect 3.8 that shape it (read in its source, 2026-11): a pause key can be used once; `apause_flow_run`
returns None when the key was already used, although the answer is stored; after the server's pause timeout a run can
only fail, so that timeout is longer than the gate's own.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.exceptions import FlowPauseTimeout, NotPausedError
from prefect.flow_runs import apause_flow_run, aresume_flow_run
from prefect.input import keyset_from_base_key, keyset_from_paused_state
from prefect.input.actions import aread_flow_run_input

from tasks.approve.form import Decision

SERVER_MARGIN_SECONDS = 24 * 3600
"""How much longer the server's pause lasts than the gate's timeout: the gate must always end first."""
POLL_SECONDS = 1


async def wait_for_decision(run_id: UUID, node: str, form: type[Decision], timeout_seconds: float) -> Decision | None:
    """The answer to the run's pause; None when the run was set running with no answer.

    A run that was started again takes the answer that came while it was down, or asks under a new pause key.
    """
    number, answered = await _earlier_pauses(run_id, node)
    if answered is not None:
        return answered
    key = f"{node}-{number + 1}"
    decision: Decision | None = await apause_flow_run(
        wait_for_input=form,
        timeout=int(timeout_seconds) + SERVER_MARGIN_SECONDS,
        poll_interval=POLL_SECONDS,
        key=key,
    )
    return decision or await _stored(run_id, key)


async def is_waiting(run_id: UUID) -> bool:
    """Whether the run is paused now and its form is there, so that an answer would be taken."""
    async with get_client() as client:
        state = (await client.read_flow_run(run_id)).state
    if state is None or not state.is_paused():
        return False
    # Prefect pauses the run first and stores its form after that, the description last; until then it refuses answers.
    description = keyset_from_paused_state(state)["description"]
    return await aread_flow_run_input(description, flow_run_id=run_id) is not None


async def resume(run_id: UUID, answer: Mapping[str, str]) -> bool:
    """Answers the run's pause; False when it was answered by someone else in the meantime."""
    try:
        await aresume_flow_run(run_id, run_input=dict(answer))
    except (NotPausedError, FlowPauseTimeout):
        return False
    return True


async def _earlier_pauses(run_id: UUID, node: str) -> tuple[int, Decision | None]:
    """How many pauses of this gate there were, and the answer to the last one."""
    async with get_client() as client:
        flow_run = await client.read_flow_run(run_id)
    used = [key for key in flow_run.empirical_policy.pause_keys or () if key.rpartition("-")[0] == node]
    count = len(used)
    return count, await _stored(run_id, f"{node}-{count}") if count else None


async def _stored(run_id: UUID, key: str) -> Decision | None:
    value: dict[str, Any] | None = await aread_flow_run_input(
        keyset_from_base_key(f"paused-{key}")["response"], flow_run_id=run_id
    )
    return Decision(**value) if value else None
