"""A provider's model as a reasoner: prompt, structured answer, one more round where the answer has the wrong shape."""

from dataclasses import replace
from typing import assert_never

from blocks.errors import AnswerInvalid
from blocks.models.calls import ModelAnswer, ModelClient, ModelRequest
from tasks.models.calls import Asking
from tasks.models.prompt import CORRECT, correction
from tasks.models.shaped import ask
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
from tasks.reason.material import material_of
from tasks.reason.prompts import PROMPTS, opening
from tasks.reason.reasoner import Question, Reasoned


class ProviderModel:
    """Asks through a client; every call is a row of the ledger."""

    def __init__(self, client: ModelClient) -> None:
        self._client = client

    async def reason(self, question: Question) -> Reasoned:
        """The model's answer, in the shape of the node's purpose.

        Raises:
            AnswerInvalid: it declined, or its answer had the wrong shape twice.
            CredentialsRefused, OperatorError, AuthorError, ModelUnavailable: as ModelClient says.
        """
        node, shape = question.node, answer_type(question.node)
        material = material_of(question.needed)
        cuts = tuple(map(question.gap, material.cuts))
        prompt = str(PROMPTS[node.purpose])
        messages = opening(node, question.instructions, material.text, (*question.scope.gaps, *cuts))
        request = ModelRequest(node.model_tier, messages, node.purpose, schema_of(shape))
        asking = Asking(node.id, node.purpose)
        shaped, rounds = await ask(self._client, asking, request, prompt, shape), 1
        if shaped.made is None:
            rounds = 2
            request = replace(request, messages=(*messages, *correction(shaped.answer.text, shaped.problem)))
            shaped = await ask(self._client, asking, request, f"{prompt}+{CORRECT}", shape)
        if shaped.made is None:
            raise AnswerInvalid(
                f"{shaped.answer.model} gave an answer that cannot be used, twice: {shaped.problem}",
                means="asking a third time costs money and rarely helps",
                mend="make the instructions clearer, or set the node's tier to a stronger model",
            )
        return _reasoned(question, shaped.made, shaped.answer, rounds, cuts, self._client.provider)


def _reasoned(
    question: Question, made: Answer, answer: ModelAnswer, rounds: int, cuts: tuple[Gap, ...], provider: str
) -> Reasoned:
    tier = question.node.model_tier
    whole = Reasoned(
        made.confidence,
        f"Written by {answer.model} ({tier} tier, model provider {provider}).",
        gaps=cuts,
        evidence=(f"{question.node.purpose} by {answer.model} ({tier} tier)",),
        rounds=rounds,
    )
    match made:
        case Classified():
            return replace(whole, fields={"label": made.label, "reason": made.reason})
        case Extracted():
            values = values_of(made)
            absent = (question.gap(f"no value for {name} was found") for name, value in values.items() if value is None)
            return replace(whole, fields=values, gaps=(*cuts, *absent))
        case Synthesised():
            return replace(whole, text=made.text)
        case _:
            assert_never(made)
