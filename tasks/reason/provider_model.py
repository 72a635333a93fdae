"""A provider's model as a reasoner: prompt, structured answer, one more round where the answer has the wrong shape."""

from dataclasses import replace
from typing import assert_never

from pydantic import ValidationError

from blocks.errors import AnswerInvalid
from blocks.models.calls import ModelAnswer, ModelClient, ModelRequest
from tasks.outcome import Gap
from tasks.reason.answers import (
    Answer,
    Classified,
    Extracted,
    Synthesised,
    answer_type,
    schema_of,
    values_of,
    wrong_with,
)
from tasks.reason.calls import Call, log_answer, log_prompt, recorded
from tasks.reason.material import material_of
from tasks.reason.prompts import CORRECT, PROMPTS, correction, opening
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
        answer, made, problem = await self._ask(question, request, prompt, shape)
        rounds = 1
        if made is None:
            rounds = 2
            request = replace(request, messages=(*messages, *correction(answer.text, problem)))
            answer, made, problem = await self._ask(question, request, f"{prompt}+{CORRECT}", shape)
        if made is None:
            raise AnswerInvalid(
                f"{answer.model} gave an answer that cannot be used, twice: {problem}",
                means="asking a third time costs money and rarely helps",
                mend="make the instructions clearer, or set the node's tier to a stronger model",
            )
        return _reasoned(question, made, answer, rounds, cuts, self._client.provider)

    async def _ask(
        self, question: Question, request: ModelRequest, prompt: str, shape: type[Answer]
    ) -> tuple[ModelAnswer, Answer | None, str]:
        """The call's answer, what it holds or None, and what is wrong with it then."""
        client = self._client
        log_prompt(request.messages)
        async with recorded(question.node, request.tier, client.provider, client.model(request.tier), prompt) as call:
            call.answer = await client.answer(request)
            log_answer(call.answer)
            made, problem = _judge(call, call.answer, shape)
        return call.answer, made, problem


def _judge(call: Call, answer: ModelAnswer, shape: type[Answer]) -> tuple[Answer | None, str]:
    if answer.ended == "declined":
        call.outcome = "declined"
        said = " ".join(answer.text.split())[:200]
        raise AnswerInvalid(f"{answer.model} would not answer: {said}", mend="change the instructions or the data")
    try:
        made = shape.model_validate_json(answer.text)
    except ValidationError as error:
        call.outcome = "invalid"
        cut = "it was cut off at the model's length limit; " if answer.ended == "cut" else ""
        return None, cut + wrong_with(error)
    call.outcome = "ok"
    return made, ""


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
