"""One question, put to a team's providers until one answers: the next where one is down, again after a wait.

Each request is a row of the ledger of its own. Time is the event loop's, which is monotonic.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_exponential_jitter

from blocks.errors import CreditSpent, HoldfastError, ModelUnavailable, StepTimedOut
from blocks.models.calls import ModelAnswer, ModelClient, ModelRequest, Tier
from blocks.models.slots import slot
from tasks.context import current_run, run_logger
from tasks.models.calls import Asking, Call, CallOutcome, log_answer, recorded
from tasks.models.hedging import first_answer, hedge_after
from tasks.models.spending import allowed
from tasks.models.team import TeamModels

TRIES = 3
_BACKOFF = wait_exponential_jitter(initial=1, max=8, jitter=0.5)


@dataclass(frozen=True)
class Step:
    """A node's question to a model, with the time that all tries, providers and waits have together."""

    asking: Asking
    until: float
    """In the event loop's time."""
    hedge: bool = False
    sure_from: float | None = None
    """In a cascade, the confidence from which this tier's answer is taken; None: it is the last to be asked."""

    @property
    def left(self) -> float:
        """How many seconds there are yet; 0 when they are up."""
        return max(0.0, self.until - asyncio.get_running_loop().time())


@dataclass(frozen=True)
class Answered:
    """An answer, and who was asked for it."""

    answer: ModelAnswer
    provider: str
    tier: Tier
    """Lower than was asked for, where a budget downgrades."""
    outcome: CallOutcome
    notes: tuple[str, ...] = ()
    """What a budget has to say of it."""


Judge = Callable[[ModelAnswer], CallOutcome]


async def answered(models: TeamModels, step: Step, request: ModelRequest, prompt: str, judge: Judge) -> Answered:
    """The answer of the first provider that gives one; `judge` says what the ledger calls it.

    Raises:
        StepTimedOut: the step's time was up.
        ModelUnavailable, CreditSpent: no provider answers, also after the waits that they asked for.
        BudgetSpent, BudgetHeld: a budget does not allow the call.
        CredentialsRefused, OperatorError, AuthorError: as ModelClient says.
    """
    rounds = _Rounds(models.providers, _Single(models, step, request, prompt, judge))
    retrying = AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, ModelUnavailable)),
        wait=_wait,
        # A wait that would outlast the step is not begun.
        stop=stop_after_attempt(TRIES) | stop_before_delay(step.left),
        before_sleep=_log_wait,
        sleep=asyncio.sleep,
        reraise=True,
    )
    try:
        return await retrying(rounds.next)
    except ModelUnavailable as error:
        raise _at_the_end(step, error) from None


@dataclass(frozen=True)
class _Single:
    """One request to one provider."""

    models: TeamModels
    step: Step
    request: ModelRequest
    prompt: str
    judge: Judge

    async def to(self, client: ModelClient, first_token_seconds: float | None) -> Answered:
        """The answer, once a budget and the provider's concurrency limit have room for the request."""
        async with slot(client, first_token_seconds or self.step.left):
            tier, hold, notes = await allowed(self.models, client, self.step.asking, self.request)
            request = replace(self.request, tier=tier)
            call = Call(self.step.asking, tier, self.prompt, client, request, hold)
            async with recorded(call):
                call.answer = await client.answer(request, self.step.left, first_token_seconds)
                log_answer(call.answer)
                call.outcome = self.judge(call.answer)
                call.replaced = self.step.sure_from is not None and call.outcome in ("unsure", "invalid")
        return Answered(call.answer, client.provider, tier, call.outcome, notes)


@dataclass
class _Rounds:
    """Goes round the providers: each once, in order, until one answers; none before the time that it asked for."""

    providers: Sequence[ModelClient]
    single: _Single
    _at_limit: dict[str, tuple[float, ModelUnavailable]] = field(default_factory=dict)
    """By provider: from when on it can be asked again, in the event loop's time, and what it said."""

    async def next(self) -> Answered:
        failures: list[ModelUnavailable | CreditSpent] = []
        for place, client in enumerate(self.providers, 1):
            others = self.providers[place:]
            try:
                self._require_ready(client)
                return await self._ask(client, last=not others)
            except (ModelUnavailable, CreditSpent) as error:
                failures.append(error)
                self._remember(client, error)
                if self.single.step.left <= 0:
                    break
                if others:
                    run_logger().warning("%s; asking %s", error.what, others[0].provider)
        raise _together(failures)

    async def _ask(self, client: ModelClient, *, last: bool) -> Answered:
        step = self.single.step
        # The others must have their turn also where this one hangs.
        first_token = None if last else step.left / 2
        after = await hedge_after(step.asking, self.single.request.tier) if step.hedge else None
        return await first_answer(lambda: self.single.to(client, first_token), after)

    def _require_ready(self, client: ModelClient) -> None:
        at, error = self._at_limit.get(client.provider, (0.0, None))
        left = at - asyncio.get_running_loop().time()
        if error is not None and left > 0:
            error.retry_after_seconds = left
            raise error

    def _remember(self, client: ModelClient, error: HoldfastError) -> None:
        if isinstance(error, ModelUnavailable) and error.retry_after_seconds is not None:
            at = asyncio.get_running_loop().time() + error.retry_after_seconds
            self._at_limit[client.provider] = (at, error)


def _together(failures: Sequence[ModelUnavailable | CreditSpent]) -> HoldfastError:
    """What a round without an answer comes to; it can be begun again as soon as one of the providers can."""
    if len(failures) == 1:
        return failures[0]
    what = "no provider of the team answers: " + "; ".join(each.what for each in failures)
    passing = [each for each in failures if isinstance(each, ModelUnavailable)]
    if not passing:
        return CreditSpent(what, mend="mend the accounts at the providers")
    error = ModelUnavailable(what, mend="try again later")
    waits = [each.retry_after_seconds for each in passing]
    error.retry_after_seconds = None if None in waits else min(wait for wait in waits if wait is not None)
    error.timed_out = all(each.timed_out for each in passing)
    return error


def _wait(state: RetryCallState) -> float:
    """As long as the provider asks for; else 1, 2, 4, 8 s and up to half a second."""
    error = state.outcome.exception() if state.outcome else None
    asked_for = error.retry_after_seconds if isinstance(error, ModelUnavailable) else None
    return _BACKOFF(state) if asked_for is None else asked_for


def _log_wait(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    seconds = state.next_action.sleep if state.next_action else 0.0
    run_logger().warning("%s; asking again in %.1f s", getattr(error, "what", error), seconds)


def _at_the_end(step: Step, error: ModelUnavailable) -> ModelUnavailable:
    """The last error, as what it means for the step: its time is up, or a wait would outlast it."""
    if step.left <= 0:
        return StepTimedOut(error.what, means="the time of the step was up", mend=error.mend)
    wait = error.retry_after_seconds
    if wait is not None and wait >= step.left:
        at = current_run().now() + timedelta(seconds=wait)
        means = f"it can be asked again at {at:%H:%M:%S} UTC, and the step has {step.left:.0f} s left"
        return ModelUnavailable(error.what, means=means, mend=error.mend)
    return error
