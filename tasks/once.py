"""An effect on the outside that happens once, whichever node has it: its key, and its receipt after the act."""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from uuid import UUID

from pydantic import JsonValue

from blocks.errors import ChannelUnavailable, DeliveryRefused, HoldfastError, ServiceUnavailable
from blocks.ledger import DeliveryRow
from tasks.context import current_run

Receipt = Mapping[str, JsonValue]


def key_of(run_id: UUID, node: str, place: str) -> str:
    """What a delivery or a write is known by at its place; the same for every try of it."""
    return f"holdfast-{sha256(f'{run_id}/{node}/{place}'.encode()).hexdigest()[:24]}"


def nobody_knows(what: str) -> DeliveryRefused:
    """The refusal to do a second time what an earlier try, that was cut off, may have done."""
    return DeliveryRefused(
        f"an earlier try {what} was cut off",
        means="it may have been made, and the place cannot tell, so it is not made again",
        mend="look there; if it is missing, start a new run",
    )


async def carried_out(delivery: DeliveryRow, act: Callable[[], Awaitable[Receipt]]) -> Receipt:
    """What `act` gave, once it is the receipt of the delivery, whose intent is in the ledger.

    An act that failed is known not to have been done, unless its error says that it may be: then the intent stays.
    """
    run = current_run()
    try:
        receipt = await act()
    except HoldfastError as error:
        if not (isinstance(error, ServiceUnavailable | ChannelUnavailable) and error.may_be_done):
            await run.ledger.fail_delivery(delivery.id, str(error))
        raise
    await run.ledger.confirm_delivery(delivery.id, receipt, run.now())
    return receipt
