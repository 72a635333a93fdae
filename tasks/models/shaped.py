"""An answer in a shape: a pydantic model is the schema that the model is given, and the check of what comes back."""

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field, ValidationError, WithJsonSchema

from blocks.errors import AnswerInvalid
from blocks.models.calls import ModelAnswer, ModelRequest
from tasks.models.calls import CallOutcome, log_prompt
from tasks.models.team import TeamModels
from tasks.models.trying import Answered, Step, answered

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

    by: Answered
    made: ShapeT | None
    """None: it has another shape."""
    problem: str = ""
    """What is wrong with it then."""


async def ask(
    models: TeamModels, step: Step, request: ModelRequest, prompt: str, shape: type[ShapeT]
) -> Shaped[ShapeT]:
    """The model's answer; `prompt` is the name and version of what it was asked, for the ledger.

    Raises:
        AnswerInvalid: it declined.
        StepTimedOut, ModelUnavailable, BudgetSpent, BudgetHeld, CreditSpent, CredentialsRefused, OperatorError,
        AuthorError: as `answered` says.
    """
    log_prompt(request.messages)
    by = await answered(models, step, request, prompt, lambda answer: _read(answer, shape, step.sure_from)[0])
    if by.outcome == "declined":
        said = " ".join(by.answer.text.split())[:200]
        raise AnswerInvalid(f"{by.answer.model} would not answer: {said}", mend="change the instructions or the data")
    _, made, problem = _read(by.answer, shape, step.sure_from)
    return Shaped(by, made, problem)


def _read(answer: ModelAnswer, shape: type[ShapeT], sure_from: float | None) -> tuple[CallOutcome, ShapeT | None, str]:
    if answer.ended == "declined":
        return "declined", None, ""
    try:
        made = shape.model_validate_json(answer.text)
    except ValidationError as error:
        cut = "it was cut off at the model's length limit; " if answer.ended == "cut" else ""
        return "invalid", None, cut + wrong_with(error)
    unsure = sure_from is not None and getattr(made, "confidence", 1.0) < sure_from
    return "unsure" if unsure else "ok", made, ""


def wrong_with(error: ValidationError) -> str:
    """What is wrong with an answer, in one line, for the model that gave it."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'the answer'}: {each['msg']}" for each in details[:10])
