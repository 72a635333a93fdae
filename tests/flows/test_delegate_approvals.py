"""`delegate-approvals` as a deployment: suspended until the person confirms, then set for what was asked."""

from datetime import date
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Pending

from flows.delegate_approvals import delegate_approvals
from flows.engine import run_options
from tests.flows.office import Office, office
from tests.flows.running import ledger

pytestmark = pytest.mark.usefixtures("prefect_api")


async def started(desk: Office, run_id: Any) -> Any:
    """What the flow returns in its next start."""
    run_options.set(desk.options())
    async with get_client() as client:
        await client.set_flow_run_state(run_id, Pending(), force=True)
        flow_run = await client.read_flow_run(run_id)
    return await run_flow(delegate_approvals, flow_run=flow_run)  # type: ignore[arg-type, misc]


async def test_a_delegation_from_now_on_is_asked_once_though_its_run_starts_again_later() -> None:
    async with office({}) as desk:
        async with get_client() as client:
            deployment = await client.create_deployment(await client.create_flow(delegate_approvals), "delegate")
            wanted = {"person": "bob", "to": "dora", "until": date(2099, 12, 10).isoformat()}
            run_id = (await client.create_flow_run_from_deployment(deployment, parameters=wanted)).id
        with pytest.raises(Pause):
            await started(desk, run_id)
        desk.clock.advance(minutes=5)
        await desk.answer(run_id, code=desk.mail.code_for("bob@example.com"))
        said = await started(desk, run_id)
        async with ledger() as rows:
            (delegation,) = await rows.gates.delegations(desk.clock())
            await rows.gates.end_delegations("bob", desk.clock())

    assert len(desk.mail.to("bob@example.com")) == 1
    assert said.startswith("dora decides in place of bob from ")
    assert (delegation.begins_at, delegation.set_by) == (desk.clock(), "bob")
