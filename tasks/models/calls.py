"""Puts every call of a model into the ledger, whatever came of it, and its prompt and answer into the debug log."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic
from typing import Literal, NamedTuple

import anyio

from blocks.errors import ModelUnavailable
from blocks.models.calls import Message, ModelAnswer, Tier
from tasks.context import current_run, run_logger
from tasks.node_task import tries_of_node

CallOutcome = Literal["ok", "invalid", "declined", "refused", "unavailable", "timed_out"]
"""invalid: of the wrong shape. declined: the model would not. refused: the provider would not, so it cost nothing."""

_RECORD_WITHIN_SECONDS = 0.1


class Asking(NamedTuple):
    """The node that asks, and what for, as the ledger has it."""

    node: str
    purpose: str


@dataclass
class Call:
    """A call under way; who makes it fills in the answer, and the outcome once it is judged."""

    answer: ModelAnswer | None = None
    outcome: CallOutcome = "refused"


@asynccontextmanager
async def recorded(asking: Asking, tier: Tier, provider: str, model: str, prompt: str) -> AsyncIterator[Call]:
    """A call that is a row of the ledger at the end of the block, also where it raised or the node's time was up."""
    call, began, cancelled = Call(), monotonic(), False
    try:
        yield call
    except anyio.get_cancelled_exc_class():
        call.outcome, cancelled = "timed_out", True
        raise
    except ModelUnavailable:
        call.outcome = "unavailable"
        raise
    finally:
        # The ledger writes what it was handed even where nobody waits for it any more.
        with anyio.move_on_after(_RECORD_WITHIN_SECONDS if cancelled else None, shield=True):
            await _record(asking, tier, provider, model, prompt, call, monotonic() - began)


async def _record(
    asking: Asking, tier: Tier, provider: str, model: str, prompt: str, call: Call, seconds: float
) -> None:
    run, tries, answer = current_run(), tries_of_node.get(None), call.answer
    # A call without an answer may have been billed, unless the provider refused it.
    unbilled = Decimal(0) if call.outcome == "refused" else None
    await run.ledger.record_model_call(
        run_id=run.run_id,
        node=asking.node,
        attempt=tries.count if tries else 1,
        team=run.team,
        purpose=asking.purpose,
        tier=tier,
        provider=provider,
        model=answer.model if answer else model,
        prompt_version=prompt,
        tokens_in=answer.tokens_in if answer else 0,
        tokens_cached=answer.tokens_cached if answer else 0,
        tokens_out=answer.tokens_out if answer else 0,
        cost_usd=answer.cost_usd if answer else unbilled,
        latency_seconds=answer.latency_seconds if answer else seconds,
        outcome=call.outcome,
        at=run.now(),
    )


def log_prompt(messages: Sequence[Message]) -> None:
    """Writes what is asked to the task run's log, at debug; a key is never part of it."""
    logger = run_logger()
    for message in messages:
        logger.debug("prompt, %s:\n%s", message.role, message.content)


def log_answer(answer: ModelAnswer) -> None:
    """Writes what was answered to the task run's log, at debug."""
    run_logger().debug("answer of %s (%s):\n%s", answer.model, answer.ended, answer.text)
