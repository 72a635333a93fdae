"""The shapes that a model's answer may have: one pydantic model per purpose, which is also the schema that it is given.

Every property is required and none may be added, as OpenAI's strict mode asks. Limits that its subset of JSON Schema
does not have everywhere, such as 0 to 1, are checked here only.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias, assert_never

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
    create_model,
)

from tasks.models.shaped import Confidence
from tasks.reason.node import FieldType, ReasonNode


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    return text


_Text = Annotated[str, AfterValidator(_not_blank), WithJsonSchema({"type": "string"})]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Classified(_Shape):
    """A label and why; the reason comes first, so that it is thought of first."""

    reason: _Text
    label: str
    confidence: Confidence


class Extracted(_Shape):
    """The values that were asked for, null where the data does not have them."""

    values: _Shape
    confidence: Confidence


class Synthesised(_Shape):
    """A report in Markdown."""

    text: _Text
    confidence: Confidence


Answer: TypeAlias = Classified | Extracted | Synthesised

_SHAPES_KEPT = 256
_PYTHON: Mapping[FieldType, Any] = {"string": str, "number": float, "integer": int, "boolean": bool, "date": date}


def answer_type(node: ReasonNode) -> type[Answer]:
    """The shape of an answer to this node."""
    match node.purpose:
        case "classify":
            return _classified(node.labels)
        case "extract":
            return _extracted(tuple(node.fields.items()))
        case "synthesise":
            return Synthesised
        case _:
            assert_never(node.purpose)


@lru_cache(maxsize=_SHAPES_KEPT)
def _classified(labels: tuple[str, ...]) -> type[Classified]:
    literal: Any = Literal
    return create_model("Classified", __base__=Classified, label=(literal[labels], ...))


@lru_cache(maxsize=_SHAPES_KEPT)
def _extracted(asked: tuple[tuple[str, FieldType], ...]) -> type[Extracted]:
    # Under aliases, because a field may be called what pydantic calls a method of its own.
    fields: dict[str, Any] = {
        f"value_{at}": (_PYTHON[kind] | None, Field(alias=name)) for at, (name, kind) in enumerate(asked)
    }
    values = create_model("Values", __base__=_Shape, **fields)
    return create_model("Extracted", __base__=Extracted, values=(values, ...))


@lru_cache(maxsize=_SHAPES_KEPT)
def schema_of(shape: type[Answer]) -> dict[str, Any]:
    """The JSON Schema that a model is given for the shape."""
    return shape.model_json_schema(by_alias=True)


def values_of(answer: Extracted) -> dict[str, JsonValue]:
    """The values by field name, as JSON has them."""
    values: dict[str, JsonValue] = answer.values.model_dump(mode="json", by_alias=True)
    return values
