"""Asks for a decision about what other nodes made, and returns it."""

import json
from datetime import timedelta

from blocks.errors import DecisionMissing
from blocks.folders import digest
from blocks.ledger import DecisionRow
from tasks.approve.form import shortened
from tasks.approve.gate import Gate
from tasks.approve.node import ApproveNode
from tasks.approve.waiting import decided
from tasks.context import current_run
from tasks.node import format_duration
from tasks.node_task import node_task
from tasks.outcome import Correction, Outcome, Scope


def _said(decision: DecisionRow) -> str:
    if decision.decision == "timed_out":
        return "nobody decided in time"
    return f"{decision.decision} by {decision.decided_by or 'an unnamed person'}"


@node_task
async def ask_approval(node: ApproveNode, scope: Scope) -> Outcome:
    """The decision that stands for this gate: an earlier one, one given with the run, or a person's.

    Raises:
        DecisionMissing: nobody decided in time and `on_timeout` is `fail`.
    """
    run = current_run()
    text = scope.text_of(node.content)
    editable = {name: value for name in node.editable for value in [scope.value_of(name)] if value is not None}
    gate = Gate(
        id=node.id,
        node=node.id,
        title=f"{run.workflow}: {node.id}",
        text=shortened(text),
        content=digest(json.dumps([text, editable], sort_keys=True)),
        gaps=scope.gaps,
        approvers=node.approvers,
        timeout=timedelta(seconds=node.timeout_seconds),
        on_timeout=node.on_timeout,
        required=node.required,
        remind_every=node.remind_every,
        escalate_after=node.escalate_after,
        hold=node.hold,
        editable=editable,
    )
    decision = await decided(run, gate)
    if decision.decision == "timed_out" and node.on_timeout == "fail":
        raise DecisionMissing(
            f"nobody decided gate {node.id!r} within {format_duration(gate.timeout)}",
            means="its on_timeout is fail",
            mend=f"start the run again with --decide {node.id}=approve|reject",
        )
    return Outcome(
        fields={"decision": decision.decision, "comment": decision.comment, "decided_by": decision.decided_by},
        gaps=scope.gaps,
        evidence=(f"{node.id}: {_said(decision)} ({decision.via})",),
        corrections=tuple(
            Correction(
                node=name.partition(".")[0],
                field=name.partition(".")[2],
                was=gate.editable.get(name),
                now=edit["now"],
                by=str(edit["by"]),
            )
            for name, edit in decision.edits.items()
        ),
    )
