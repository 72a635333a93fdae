"""A provider's model as a reasoner: prompt, structured answer, one more round where the answer has the wrong shape.

A cascade asks the cheaper tier first, and the dearer one where that answer is wrong or unsure.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import assert_never

from blocks.errors import AnswerInvalid, BudgetSpent, ContextTooLong, ModelUnavailable, StepTimedOut
from blocks.models.calls import Message, ModelRequest, Tier
from tasks.models.calls import Asking
from tasks.models.prompt import CORRECT, correction
from tasks.models.routing import cheaper
from tasks.models.shaped import Shaped, ask
from tasks.models.team import TeamModels
from tasks.models.trying import Step
from tasks.outcome import Gap
from tasks.reason.answers import (
    Answer,
    Classified,
    Extracted,
    Synthesised,
    answer_type,
    schema_of,
    values_of,
)
from tasks.reason.material import Material, material_of
from tasks.reason.prompts import PROMPTS, opening
from tasks.reason.reasoner import Question, Reasoned

FIRST_SHARE = 0.6
"""Of a step's time, what the first tier has where a cheaper one is asked once it is over."""
_CONTEXT_CUTS = 3
_ANSWER_SHARE = 0.25
"""Of a model's context, what is left for the answer."""


@dataclass(frozen=True)
class ProviderModel:
    """Asks a team's providers; every call is a row of the ledger."""

    models: TeamModels
    until: float
    """When the node's time is up, in the event loop's time."""

    async def reason(self, question: Question) -> Reasoned:
        """The model's answer, in the shape of the node's purpose.

        Raises:
            AnswerInvalid: it declined, or its answer had the wrong shape twice.
            StepTimedOut, ModelUnavailable, BudgetSpent, BudgetHeld, CreditSpent, CredentialsRefused, OperatorError,
            AuthorError: as `answered` says.
        """
        return await _Reasoning(self, question).reasoned()


@dataclass
class _Reasoning:
    """One question on its way; what was learned on it is kept for the answer's evidence."""

    way: ProviderModel
    question: Question
    notes: list[str] = field(default_factory=list)
    cuts: tuple[Gap, ...] = ()

    async def reasoned(self) -> Reasoned:
        unsure: Shaped[Answer] | None = None
        *first, last = self.question.node.tiers
        for tier in first:
            shaped = await self._ask(tier, sure_from=self.question.node.sure_from)
            if shaped.made is not None and shaped.by.outcome != "unsure":
                return self._reasoned(shaped, shaped.made, 1)
            why = f"was unsure ({shaped.made.confidence:.2f})" if shaped.made else f"was wrong: {shaped.problem}"
            self.notes.append(f"{shaped.by.answer.model} ({shaped.by.tier} tier) {why}, so {last} was asked")
            unsure = shaped if shaped.made is not None else unsure
        try:
            return await self._on_last(last)
        except (ModelUnavailable, BudgetSpent) as error:
            if unsure is None or unsure.made is None:
                raise
            # An unsure answer that says so is worth more than none.
            self.notes.append(f"the {last} tier could not be asked: {error.what}")
            return self._reasoned(unsure, unsure.made, 1)

    async def _on_last(self, tier: Tier) -> Reasoned:
        shaped, rounds = await self._ask(tier), 1
        if shaped.made is None:
            shaped, rounds = await self._ask(tier, correction(shaped.by.answer.text, shaped.problem)), 2
        if shaped.made is None:
            raise AnswerInvalid(
                f"{shaped.by.answer.model} gave an answer that cannot be used, twice: {shaped.problem}",
                means="asking a third time costs money and rarely helps",
                mend="make the instructions clearer, or set the node's tier to a stronger model",
            )
        return self._reasoned(shaped, shaped.made, rounds)

    async def _ask(
        self, tier: Tier, more: tuple[Message, ...] = (), *, sure_from: float | None = None
    ) -> Shaped[Answer]:
        """One question on that tier; where it takes too much time, on the next cheaper one."""
        lower = cheaper(tier) if self.question.node.on_timeout == "cheaper" else None
        if lower is None:
            return await self._ask_until(self.way.until, tier, more, sure_from)
        now = asyncio.get_running_loop().time()
        try:
            return await self._ask_until(now + FIRST_SHARE * max(0.0, self.way.until - now), tier, more, sure_from)
        except StepTimedOut as late:
            self.notes.append(f"{late.what}, so {lower} was asked in place of {tier}")
            return await self._ask_until(self.way.until, lower, more, sure_from)

    async def _ask_until(
        self, until: float, tier: Tier, more: tuple[Message, ...], sure_from: float | None
    ) -> Shaped[Answer]:
        node, shape, window = self.question.node, answer_type(self.question.node), self.way.models.first
        step = Step(Asking(node.id, node.purpose), until, node.hedge, sure_from)
        prompt = f"{PROMPTS[node.purpose]}+{CORRECT}" if more else str(PROMPTS[node.purpose])
        most = room_for_data(window.context_tokens(tier))
        for _ in range(_CONTEXT_CUTS):
            material = material_of(self.question.needed, most)
            request = ModelRequest(tier, (*self._opening(material), *more), node.purpose, schema_of(shape))
            try:
                shaped = await ask(self.way.models, step, request, prompt, shape)
            except ContextTooLong as error:
                too_long, most = error, len(material.text.encode()) // 2
            else:
                self.notes += [note for note in shaped.by.notes if note not in self.notes]
                return shaped
        raise too_long

    def _opening(self, material: Material) -> tuple[Message, ...]:
        self.cuts = tuple(map(self.question.gap, material.cuts))
        gaps = (*self.question.scope.gaps, *self.cuts)
        return opening(self.question.node, self.question.instructions, material.text, gaps)

    def _reasoned(self, shaped: Shaped[Answer], made: Answer, rounds: int) -> Reasoned:
        by, purpose = shaped.by, self.question.node.purpose
        whole = Reasoned(
            made.confidence,
            f"Written by {by.answer.model} ({by.tier} tier, model provider {by.provider}).",
            gaps=self.cuts,
            evidence=(f"{purpose} by {by.answer.model} ({by.tier} tier)", *self.notes),
            rounds=rounds,
        )
        return _filled(whole, made, self.question)


def room_for_data(context_tokens: int | None) -> int | None:
    """How many bytes of data a prompt may have for a model that takes so many tokens; None: any number."""
    if context_tokens is None:
        return None
    # Two bytes a token: tables of figures have hardly more. What the estimate misses, the provider's refusal mends.
    return int(context_tokens * (1 - _ANSWER_SHARE) * 2)


def _filled(whole: Reasoned, made: Answer, question: Question) -> Reasoned:
    match made:
        case Classified():
            return replace(whole, fields={"label": made.label, "reason": made.reason})
        case Extracted():
            values = values_of(made)
            absent = (question.gap(f"no value for {name} was found") for name, value in values.items() if value is None)
            return replace(whole, fields=values, gaps=(*whole.gaps, *absent))
        case Synthesised():
            return replace(whole, text=made.text)
        case _:
            assert_never(made)
