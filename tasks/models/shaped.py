"""An answer in a shape: a pydantic model is the schema that the model is given, and the check of what comes back."""

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field, ValidationError, WithJsonSchema

from blocks.errors import AnswerInvalid
from blocks.models.calls import ModelAnswer, ModelClient, ModelRequest
from tasks.models.calls import Asking, Call, log_answer, log_prompt, recorded

Confidence = Annotated[
    float,
    Field(ge=0, le=1),
    # Without the bounds, which are checked here: OpenAI's strict subset does not have them everywhere.
    WithJsonSchema({"type": "number", "description": "From 0 to 1: how well the data supports this answer."}),
]
ShapeT = TypeVar("ShapeT", bound=BaseModel)


@dataclass(frozen=True)
class Shaped(Generic[ShapeT]):
    """What a model said, and what that is in the shape that was asked for."""

    answer: ModelAnswer
    made: ShapeT | None
    """None: it has another shape."""
    problem: str = ""
    """What is wrong with it then."""


async def ask(
    client: ModelClient, asking: Asking, request: ModelRequest, prompt: str, shape: type[ShapeT]
) -> Shaped[ShapeT]:
    """The model's answer; `prompt` is the name and version of what it was asked, for the ledger.

    Raises:
        AnswerInvalid: it declined.
        CredentialsRefused, OperatorError, AuthorError, ModelUnavailable: as ModelClient says.
    """
    log_prompt(request.messages)
    async with recorded(asking, request.tier, client.provider, client.model(request.tier), prompt) as call:
        call.answer = await client.answer(request)
        log_answer(call.answer)
        return _judged(call, call.answer, shape)


def _judged(call: Call, answer: ModelAnswer, shape: type[ShapeT]) -> Shaped[ShapeT]:
    if answer.ended == "declined":
        call.outcome = "declined"
        said = " ".join(answer.text.split())[:200]
        raise AnswerInvalid(f"{answer.model} would not answer: {said}", mend="change the instructions or the data")
    try:
        made = shape.model_validate_json(answer.text)
    except ValidationError as error:
        call.outcome = "invalid"
        cut = "it was cut off at the model's length limit; " if answer.ended == "cut" else ""
        return Shaped(answer, None, cut + wrong_with(error))
    call.outcome = "ok"
    return Shaped(answer, made)


def wrong_with(error: ValidationError) -> str:
    """What is wrong with an answer, in one line, for the model that gave it."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'the answer'}: {each['msg']}" for each in details[:10])
