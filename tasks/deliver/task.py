"""Delivers a text once: the intent is in the ledger before the act, the receipt after it."""

from blocks.errors import AuthorError, DeliveryRefused
from blocks.folders import digest, place_of, stored_digest, write_document
from tasks.context import RunContext, current_run
from tasks.deliver.node import DeliverNode
from tasks.node_task import node_task
from tasks.outcome import Outcome, Scope
from tasks.templates import render


@node_task
async def deliver_text(node: DeliverNode, scope: Scope) -> Outcome:
    """Where the text now is, for each target; a target with a receipt is not written again.

    Raises:
        DeliveryRefused: a place cannot be written, or something else stands where an earlier try was cut off.
        AuthorError: there is no text to deliver.
    """
    run = current_run()
    content = scope.text_of(node.content)
    if not content:
        raise AuthorError(f"node {node.id!r} has no text to deliver", mend="set content to a node that has one")
    text = content.rstrip() + "\n" + _footer(run, scope)
    places = [place_of(run.settings.deliveries_root, render(target.documents, scope)) for target in node.to]
    for place in places:
        await _once(run, node.id, place, text)
    return Outcome(fields={"delivered": list(places)}, gaps=scope.gaps, evidence=tuple(f"wrote {p}" for p in places))


async def _once(run: RunContext, node: str, place: str, text: str) -> None:
    sha256 = digest(text)
    delivery = await run.ledger.intend_delivery(run.run_id, node, place, sha256, run.now())
    if delivery.receipt_at is not None:
        return
    # An earlier intent without a receipt may or may not have been carried out; a document can be asked.
    if not delivery.new and await _done_before(place, delivery.sha256, sha256):
        await run.ledger.confirm_delivery(delivery.id, {"found": place}, run.now())
        return
    try:
        await write_document(place, text)
    except DeliveryRefused as refused:
        await run.ledger.fail_delivery(delivery.id, str(refused))
        raise
    await run.ledger.confirm_delivery(delivery.id, {"wrote": place, "bytes": len(text.encode())}, run.now())


async def _done_before(place: str, intended: str, now: str) -> bool:
    if intended != now:
        raise DeliveryRefused(
            f"an earlier try may have delivered another text to {place}",
            means="what stands there cannot be told from a half-finished delivery",
            mend="look at the document, remove it if it is wrong, and start a new run",
        )
    return await stored_digest(place) == now


def _footer(run: RunContext, scope: Scope) -> str:
    decisions = [
        line for outcome in scope.outcomes.values() if "decision" in outcome.fields for line in outcome.evidence
    ]
    return "\n".join(["", "---", "", *decisions, *run.notes, f"Run {run.run_id} of {run.workflow}.", ""])
