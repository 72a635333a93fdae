"""The flow `delegate-approvals`: somebody stands in for an approver who is away. Started from the Prefect UI, or by the
`holdfast delegate` command.

Whoever can reach Prefect can start it, and Prefect does not say who that was. So it is a gate of its own: it counts
once the person who delegates has approved it with the code that came to them, or somebody above them has.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta

from prefect import flow
from prefect.context import FlowRunContext

from blocks.errors import DelegationRefused, HoldfastError
from blocks.folders import digest
from blocks.ledger import Ledger
from blocks.people.directory import required_roster
from blocks.people.roster import Roster
from flows.engine import RunOptions, run_options
from tasks.approve.deciding import said
from tasks.approve.delegating import Planned, planned
from tasks.approve.gate import Gate
from tasks.approve.waiting import decided
from tasks.context import RunContext

CONFIRM_WITHIN = timedelta(hours=4)


@flow(name="delegate-approvals", retries=0, persist_result=True)
async def delegate_approvals(person: str, to: str, until: date, begins: date | None = None) -> str:
    """What is now so, in words.

    Args:
        person: Who is away, as the directory has them. They must approve it with the code that is sent to them.
        to: Who decides in their place.
        until: The last day.
        begins: The first day; empty: from now on.
    """
    options = run_options.get(None) or RunOptions()
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("this is called by its Prefect flow only")
    inputs = {"person": person, "to": to, "until": str(until), "begins": str(begins or "")}
    async with Ledger.open(options.settings.ledger) as ledger:

        async def plan_now() -> Planned:
            roster = await required_roster()
            return await plan_delegation(ledger, options, roster, person=person, to=to, until=until, begins=begins)

        plan = await plan_now()
        await ledger.start_run(
            run_id=context.flow_run.id,
            workflow="delegate-approvals",
            version=None,
            team="default",
            definition="",
            inputs=inputs,
            sources={},
            started_at=options.now(),
        )
        run = RunContext(
            context.flow_run.id, "delegate-approvals", "default", ledger, options.settings,
            listener=options.listener, now=options.now,
        )  # fmt: skip
        try:
            decision = await decided(run, _gate(plan, inputs))
            if decision.decision != "approve":
                raise DelegationRefused(f"nobody stands in for {plan.person.name}: it was {said(decision)}")
            # Hours may have passed, and other delegations may have been set.
            plan = await plan_now()
            await record_delegation(ledger, options, plan, set_by=decision.decided_by)
        except HoldfastError as refused:
            await ledger.finish_run(run.run_id, "Failed", str(refused), [], options.now())
            raise
        await ledger.finish_run(run.run_id, "Completed", str(plan), [], options.now())
    return str(plan)


def _gate(plan: Planned, inputs: Mapping[str, str]) -> Gate:
    return Gate(
        id="confirm",
        node="confirm",
        title=f"{plan.person.name} delegates to {plan.alternate.name}",
        text=f"{plan}.",
        # What was asked for: "from now on" is a later moment each time that the run starts.
        content=digest(json.dumps(inputs, sort_keys=True)),
        gaps=(),
        approvers=(plan.person.name,),
        timeout=CONFIRM_WITHIN,
        on_timeout="reject",
        # Whoever stands in for somebody must not prolong that, or pass it on.
        delegable=False,
    )


async def plan_delegation(
    ledger: Ledger, options: RunOptions, roster: Roster, *, person: str, to: str, until: date, begins: date | None
) -> Planned:
    """The delegation that is wanted.

    Raises:
        DelegationRefused: it cannot be; see tasks.approve.delegating.planned.
    """
    known = await ledger.gates.delegations(options.now())
    return planned(roster, known, person=person, to=to, begins=begins, until=until, now=options.now())


async def record_delegation(ledger: Ledger, options: RunOptions, plan: Planned, *, set_by: str) -> None:
    """Sets it, from its first moment on."""
    each = plan.delegation
    await ledger.gates.delegate(
        each.person, each.alternate, each.begins_at, each.ends_at, set_by=set_by, set_at=options.now()
    )
