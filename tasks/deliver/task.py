"""Delivers a text once: the intent is in the ledger before the act, the receipt after it."""

from blocks.errors import AuthorError, DeliveryRefused
from blocks.folders import digest, place_of, stored_digest, write_document
from blocks.ledger import DeliveryRow
from tasks.context import RunContext, current_run
from tasks.deliver.node import DeliverNode, DocumentTarget
from tasks.node_task import node_task
from tasks.outcome import Gap, Outcome, Scope
from tasks.templates import render


@node_task
async def deliver_text(node: DeliverNode, scope: Scope) -> Outcome:
    """Where the text now is, for each target; a target with a receipt is not written again.

    Where an earlier start of the run delivered another text, that one stays, and this is a gap.

    Raises:
        DeliveryRefused: a place cannot be written, or something else stands where an earlier try was cut off.
        AuthorError: there is no text to deliver.
    """
    run = current_run()
    content = scope.text_of(node.content)
    if not content:
        raise AuthorError(f"node {node.id!r} has no text to deliver", mend="set content to a node that has one")
    text = content.rstrip() + "\n" + _footer(run, scope)
    if node.writes_outside and node.confirm == "none":
        await run.ledger.gates.add_event(run.run_id, node.id, "unconfirmed", "", node.because, run.now())
    places = [_place(run, target, scope) for target in node.to]
    deliveries = [await _once(run, node.id, place, text) for place in places]
    stale = tuple(
        Gap(
            node=node.id,
            reason=f"{delivery.target} has the text of an earlier start of this run, which is not the one it has now",
            since=delivery.receipt_at,
        )
        for delivery in deliveries
        if delivery.receipt_at is not None and delivery.sha256 != digest(text)
    )
    evidence = tuple(f"delivered {place}" for place in places)
    return Outcome(fields={"delivered": list(places)}, gaps=scope.gaps + stale, evidence=evidence)


def _place(run: RunContext, target: DocumentTarget, scope: Scope) -> str:
    path = render(target.documents, scope)
    if "://" in path and "://" not in target.documents:
        # Who starts a run chooses its inputs; where it may write is the definition's to say.
        raise DeliveryRefused(f"{path!r} became a URL by its values", mend="write the protocol in the definition")
    return place_of(run.settings.deliveries_root, path)


async def _once(run: RunContext, node: str, place: str, text: str) -> DeliveryRow:
    """The delivery as it stood in the ledger before this try; with a receipt, it was already made."""
    sha256 = digest(text)
    delivery = await run.ledger.intend_delivery(run.run_id, node, place, sha256, run.now())
    if delivery.receipt_at is not None:
        return delivery
    # An earlier intent without a receipt may or may not have been carried out; a document can be asked.
    if not delivery.new:
        if await _done_before(place, delivery.sha256, sha256):
            await run.ledger.confirm_delivery(delivery.id, {"found": place}, run.now())
            return delivery
        await run.ledger.fail_delivery(delivery.id, f"nothing is at {place}")
        delivery = await run.ledger.intend_delivery(run.run_id, node, place, sha256, run.now())
    try:
        await write_document(place, text)
    except DeliveryRefused as refused:
        await run.ledger.fail_delivery(delivery.id, str(refused))
        raise
    await run.ledger.confirm_delivery(delivery.id, {"wrote": place, "bytes": len(text.encode())}, run.now())
    return delivery


async def _done_before(place: str, intended: str, now: str) -> bool:
    """Whether the intended text is there; False where nothing is.

    Raises:
        DeliveryRefused: another text is there, or the intended one is and is not what the run would deliver now.
    """
    stored = await stored_digest(place)
    if stored is None:
        return False
    if stored == intended == now:
        return True
    raise DeliveryRefused(
        f"an earlier try to deliver to {place} was cut off, and another text is there",
        means="it may be older or newer than this one, so it is not written over",
        mend="look at the document, remove it if it is wrong, then resume the run",
    )


def _footer(run: RunContext, scope: Scope) -> str:
    decisions = [
        line for outcome in scope.outcomes.values() if "decision" in outcome.fields for line in outcome.evidence
    ]
    corrected = [f"Corrected: {each}." for each in scope.corrections]
    return "\n".join(["", "---", "", *decisions, *corrected, *run.notes, f"Run {run.run_id} of {run.workflow}.", ""])
