"""Delivers a text once: the intent is in the ledger before the act, the receipt after it."""

from blocks.errors import AuthorError
from blocks.folders import digest
from blocks.ledger import DeliveryRow
from tasks.context import RunContext, current_run
from tasks.deliver.doors.door import Door, Parcel
from tasks.deliver.doors.opening import doors_of
from tasks.deliver.node import DeliverNode
from tasks.node_task import node_task
from tasks.once import carried_out, key_of
from tasks.outcome import Gap, Outcome, Scope


@node_task
async def deliver_text(node: DeliverNode, scope: Scope) -> Outcome:
    """Where the text now is, for each target; a target with a receipt is not written again.

    Where an earlier start of the run delivered another text, that one stays, and this is a gap.

    Raises:
        DeliveryRefused: a place cannot be written, or nobody knows what became of a try that was cut off.
        AuthorError: there is no text to deliver.
        HoldfastError: as the place's service or channel says.
    """
    run = current_run()
    content = scope.text_of(node.content)
    if not content:
        raise AuthorError(f"node {node.id!r} has no text to deliver", mend="set content to a node that has one")
    text = content.rstrip() + "\n" + _footer(run, scope)
    if node.writes_outside and node.confirm == "none":
        await run.ledger.gates.add_event(run.run_id, node.id, "unconfirmed", "", node.because, run.now())
    doors = await doors_of(node, scope)
    deliveries = [await _once(run, node.id, door, text) for door in doors]
    stale = tuple(
        Gap(
            node=node.id,
            reason=f"{delivery.target} has the text of an earlier start of this run, which is not the one it has now",
            since=delivery.receipt_at,
        )
        for delivery in deliveries
        if delivery.receipt_at is not None and delivery.sha256 != digest(text)
    )
    evidence = tuple(f"delivered {door.place}" for door in doors)
    return Outcome(fields={"delivered": [door.place for door in doors]}, gaps=scope.gaps + stale, evidence=evidence)


async def _once(run: RunContext, node: str, door: Door, text: str) -> DeliveryRow:
    """The delivery as it stood in the ledger before this try; with a receipt, it was already made."""
    sha256 = digest(text)
    delivery = await run.ledger.intend_delivery(run.run_id, node, door.place, sha256, run.now())
    if delivery.receipt_at is not None:
        return delivery
    parcel = Parcel(text, key_of(run.run_id, node, door.place), "" if delivery.new else delivery.sha256)
    # An earlier intent without a receipt may or may not have been carried out; most places can be asked.
    if not delivery.new:
        if (receipt := await door.found(parcel)) is not None:
            await run.ledger.confirm_delivery(delivery.id, receipt, run.now())
            return delivery
        await run.ledger.fail_delivery(delivery.id, f"nothing is at {door.place}")
        delivery = await run.ledger.intend_delivery(run.run_id, node, door.place, sha256, run.now())
    await carried_out(delivery, lambda: door.deliver(parcel))
    return delivery


def _footer(run: RunContext, scope: Scope) -> str:
    decisions = [
        line for outcome in scope.outcomes.values() if "decision" in outcome.fields for line in outcome.evidence
    ]
    corrected = [f"Corrected: {each}." for each in scope.corrections]
    return "\n".join(["", "---", "", *decisions, *corrected, *run.notes, f"Run {run.run_id} of {run.workflow}.", ""])
