"""The wait itself, on Prefect: a run is paused, with its process, or suspended, without one; its form takes the answer.

Facts of Prefect 3.8 that shape it (read in its source, 2026-11): a pause key can be used once, whether for a pause or a
suspension; the run is paused first and its form stored after that, the description last; after the server's pause
timeout a run can only fail, so that timeout is longer than the gate's own. Prefect's own `apause_flow_run` gives up
where the server does not answer for a moment, so the wait is written here, on the same states and keys.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import FlowPauseTimeout, NotPausedError, Pause, PrefectHTTPStatusError
from prefect.flow_runs import aresume_flow_run
from prefect.input import RunInput, keyset_from_base_key, keyset_from_paused_state
from prefect.input.actions import acreate_flow_run_input, adelete_flow_run_input, aread_flow_run_input
from prefect.input.run_input import Keyset
from prefect.states import Paused, Suspended
from prefect.utilities.engine import propose_state
from pydantic import JsonValue
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

Wait = Literal["pause", "suspend"]

SERVER_MARGIN_SECONDS = 24 * 3600
"""How much longer the server's pause lasts than the gate's timeout: the gate must always end first."""
PATIENCE_SECONDS = 600
"""How long a server that does not answer is asked again."""


def way_to_wait(flow_run: FlowRun, hold: Literal["auto", "pause", "suspend"]) -> Wait:
    """How a run can wait: only a deployed one that is no subflow can be started again by Prefect."""
    can_suspend = flow_run.deployment_id is not None and flow_run.parent_task_run_id is None
    return "suspend" if can_suspend and hold != "pause" else "pause"


def server_is_away(error: BaseException) -> bool:
    """Whether it is likely that the Prefect server did not answer, and will."""
    if isinstance(error, PrefectHTTPStatusError):
        return error.response.status_code >= 500
    return isinstance(error, httpx.TransportError)


patiently = retry(
    retry=retry_if_exception(server_is_away), wait=wait_fixed(1), stop=stop_after_delay(PATIENCE_SECONDS), reraise=True
)
"""For what must not fail because the server was started again in between."""


async def begin_wait(run_id: UUID, key: str, form: type[RunInput], wait: Wait, timeout_seconds: float) -> State[Any]:
    """The paused state, with its form there to be answered; another state where the run may not pause.

    The form is stored first: a run that waited without one could not be answered, nor set going. Both steps can be
    made twice, for the server may have done what it did not live to say.
    """
    make = Paused if wait == "pause" else Suspended
    proposed: State[Any] = make(timeout_seconds=int(timeout_seconds) + SERVER_MARGIN_SECONDS, pause_key=key)
    keys = keyset_from_paused_state(proposed)
    proposed.state_details.run_input_keyset = {str(name): each for name, each in keys.items()}
    await patiently(_store)(form, keys, run_id)
    async with get_client() as client:
        try:
            return await patiently(propose_state)(client, proposed, flow_run_id=run_id)
        except Pause as already:
            if already.state is None or already.state.state_details.pause_key != key:
                raise
            return already.state


async def _store(form: type[RunInput], keys: Keyset, run_id: UUID) -> None:
    stored = {keys["schema"]: form.model_json_schema(by_alias=True), keys["description"]: form._description}
    for key, value in stored.items():
        try:
            await acreate_flow_run_input(key=key, value=value, flow_run_id=run_id)
        except PrefectHTTPStatusError as error:
            if error.response.status_code != HTTPStatus.CONFLICT:
                raise


@patiently
async def is_waiting(run_id: UUID) -> bool:
    """Whether the run waits now and its form is there, so that an answer would be taken."""
    async with get_client() as client:
        state = (await client.read_flow_run(run_id)).state
    if state is None or not state.is_paused():
        return False
    description = keyset_from_paused_state(state)["description"]
    return await aread_flow_run_input(description, flow_run_id=run_id) is not None


@patiently
async def resume(run_id: UUID, answer: Mapping[str, JsonValue]) -> bool:
    """Answers the run's form; False when somebody else has in the meantime, or does at this moment."""
    try:
        await aresume_flow_run(run_id, run_input=dict(answer))
    except (NotPausedError, FlowPauseTimeout, RuntimeError):  # Prefect 3.8 raises a RuntimeError where it is rejected
        return False
    return True


def keys_used(flow_run: FlowRun, gate: str) -> int:
    """How many waits of this gate there were."""
    keys = flow_run.empirical_policy.pause_keys or ()
    return sum(key.rpartition("-")[0] == gate for key in keys)


@patiently
async def stored_answer(run_id: UUID, key: str) -> dict[str, Any] | None:
    """What was filled in where the run waited under that key, if anything was."""
    for response in _responses(key):
        answer: dict[str, Any] | None = await aread_flow_run_input(response, flow_run_id=run_id)
        if answer:
            return answer
    return None


@patiently
async def forget_answer(run_id: UUID, key: str) -> None:
    """Takes what was filled in there out of Prefect, where everybody can read it: it may have a code that is good."""
    for response in _responses(key):
        if await aread_flow_run_input(response, flow_run_id=run_id) is not None:
            await adelete_flow_run_input(response, flow_run_id=run_id)


@patiently
async def read_run(run_id: UUID) -> FlowRun:
    """The run as Prefect has it."""
    async with get_client() as client:
        return await client.read_flow_run(run_id)


def _responses(key: str) -> list[str]:
    return [keyset_from_base_key(f"{state}-{key}")["response"] for state in ("paused", "suspended")]
