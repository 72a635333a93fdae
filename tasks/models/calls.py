"""Puts every call of a model into the ledger, whatever came of it, and its prompt and answer into the debug log."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from time import monotonic
from typing import Literal, NamedTuple

import anyio

from blocks.errors import ModelUnavailable
from blocks.ledger import ExchangeRow, Hold, ModelCallRow
from blocks.models.calls import OFFLINE, Message, ModelAnswer, ModelClient, ModelRequest, Tier, Tokens
from tasks.context import current_run, run_logger
from tasks.models.routing import Purpose
from tasks.node_task import tries_of_node

CallOutcome = Literal["ok", "unsure", "invalid", "declined", "refused", "unavailable", "timed_out", "outrun"]
"""unsure: a dearer tier was asked after it. invalid: of the wrong shape. declined: the model would not. refused: the
provider would not, so it cost nothing. outrun: a second request to the same question was faster."""
OUTRUN = "outrun"
"""Why a call is cancelled that another was faster than."""

_RECORD_WITHIN_SECONDS = 0.1


class Asking(NamedTuple):
    """The node that asks, and what for, as the ledger has it."""

    node: str
    purpose: Purpose


@dataclass
class Call:
    """A call under way; who makes it fills in the answer, and the outcome once it is judged."""

    asking: Asking
    tier: Tier
    prompt: str
    """Name and version of what is asked."""
    client: ModelClient | None = None
    """None: the offline model."""
    request: ModelRequest | None = None
    hold: Hold | None = None
    """What a budget holds for it."""
    answer: ModelAnswer | None = None
    outcome: CallOutcome = "refused"
    may_be_billed: bool = False
    """Whether it may have cost something although no answer came."""
    replaced: bool = False
    """Whether a dearer tier is asked in its place, so that without a cascade it had not been made."""


@asynccontextmanager
async def recorded(call: Call) -> AsyncIterator[Call]:
    """A call that is a row of the ledger at the end of the block, also where it raised or the node's time was up."""
    began, cancelled = monotonic(), False
    try:
        yield call
    except anyio.get_cancelled_exc_class() as why:
        call.outcome = "outrun" if why.args == (OUTRUN,) else "timed_out"
        call.may_be_billed = cancelled = True
        raise
    except ModelUnavailable as error:
        call.outcome, call.may_be_billed = "timed_out" if error.timed_out else "unavailable", error.may_be_billed
        raise
    finally:
        # The ledger writes what it was handed even where nobody waits for it any more.
        with anyio.move_on_after(_RECORD_WITHIN_SECONDS if cancelled else None, shield=True):
            await _record(call, monotonic() - began)


async def _record(call: Call, seconds: float) -> None:
    run, tries, answer = current_run(), tries_of_node.get(None), call.answer
    tokens = answer.tokens if answer else Tokens(0, 0, 0)
    unanswered = None if call.may_be_billed else Decimal(0)
    row = ModelCallRow(
        run_id=run.run_id,
        workflow=run.workflow,
        node=call.asking.node,
        attempt=tries.count if tries else 1,
        team=run.team,
        purpose=call.asking.purpose,
        tier=call.tier,
        provider=call.client.provider if call.client else OFFLINE,
        key_fingerprint=call.client.key_fingerprint if call.client else "",
        model=answer.model if answer else call.client.model(call.tier) if call.client else OFFLINE,
        prompt_version=call.prompt,
        tokens_in=tokens.sent,
        tokens_cached=tokens.cached,
        tokens_out=tokens.answered,
        cost_usd=answer.cost_usd if answer else unanswered,
        frontier_cost_usd=_on_frontier(call, unanswered),
        latency_seconds=answer.latency_seconds if answer else seconds,
        first_token_seconds=answer.first_token_seconds if answer else None,
        outcome=call.outcome,
        at=run.now(),
    )
    kept = run.settings.recorded_calls_per_node > 0
    await run.ledger.record_model_call(row, hold=call.hold, exchange=_exchange(call) if kept else None)


def _on_frontier(call: Call, unanswered: Decimal | None) -> Decimal | None:
    if call.client is None or call.answer is None:
        return unanswered
    if call.replaced:
        return Decimal(0)
    # Its own price where that is its tier, by whatever name the provider gave the model.
    return call.answer.cost_usd if call.tier == "frontier" else call.client.price("frontier", call.answer.tokens)


def _exchange(call: Call) -> ExchangeRow | None:
    if call.request is None or call.answer is None or call.outcome != "ok":
        return None
    return ExchangeRow(request=asdict(call.request), answer=call.answer.text)


def offline_answer(seconds: float) -> ModelAnswer:
    """What the ledger has of an answer of the offline model, which took so long and cost nothing."""
    return ModelAnswer("", OFFLINE, Tokens(0, 0, 0), seconds, Decimal(0))


def log_prompt(messages: Sequence[Message]) -> None:
    """Writes what is asked to the task run's log, at debug; a key is never part of it."""
    logger = run_logger()
    for message in messages:
        logger.debug("prompt, %s:\n%s", message.role, message.content)


def log_answer(answer: ModelAnswer) -> None:
    """Writes what was answered to the task run's log, at debug."""
    run_logger().debug("answer of %s (%s):\n%s", answer.model, answer.ended, answer.text)
