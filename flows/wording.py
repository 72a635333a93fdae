"""Pydantic's errors in the words of whoever writes a definition: where, what is wrong, what would be right."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from blocks.errors import Problem
from tasks.node import TAG

_NAME = "is no name; use lower case letters, digits and single hyphens, such as vendor-spend"
_VARIABLE = "is no name; begin with a lower case letter, then lower case letters, digits and underscores"
_PATTERNS = {
    "id": _NAME,
    "name": _NAME,
    "needs": _NAME,
    "content": _NAME,
    "inputs": _VARIABLE,
    "outputs": _VARIABLE,
    "from": "is no node's table or field; write a node's id, or node.field, such as report.text",
    "function": "is no function; write package.module:function",
}
"""What a text that does not match its pattern should have been, by the field or by what it is in."""
_RIGHT = {
    "string_type": "text",
    "string_too_short": "some text",
    "string_too_long": "at most {max_length} characters long",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "decimal_type": "an amount, such as 0.50",
    "decimal_parsing": "an amount, such as 0.50",
    "finite_number": "an amount, such as 0.50",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "too_short": "a list of at least one",
    "dict_type": "a mapping, as in name: value",
    "mapping_type": "a mapping, as in name: value",
    "invalid_key": "named by text",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}
"""What a value must be, by pydantic's code for what is wrong with it."""


def problems_in(error: ValidationError, model: type[BaseModel], where: str = "") -> list[Problem]:
    """One problem per mistake: a misspelt field is not also a missing one, a bad entry not also a list too short."""
    details = error.errors(include_url=False)
    meant = {
        (*detail["loc"][:-1], near)
        for detail in details
        if detail["type"] == "extra_forbidden"
        for near in nearest(str(detail["loc"][-1]), _fields(model, detail["loc"]))
    }
    places = [detail["loc"] for detail in details]
    found = []
    for detail in details:
        loc = detail["loc"]
        if detail["type"] in ("missing", "value_error") and loc in meant:
            continue
        if detail["type"] == "too_short" and any(
            len(place) > len(loc) and place[: len(loc)] == loc for place in places
        ):
            continue
        place = _place(loc)
        path = ", ".join(part for part in (where, f"field {place}" if place else "") if part)
        found.append(Problem(detail["type"], path, _message(detail, model)))
    return found


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """That there is no such thing, with the nearest name, else with all that there are."""
    return f"there is no {what} {name!r}; {_instead(name, known)}"


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """The one that was probably meant, if any."""
    return get_close_matches(name, known, 1, cutoff=0.65)


def shown(value: object) -> str:
    """A value of the definition as it was written there, in short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(str(value)) if len(value) <= 60 else repr(value[:57] + "...")
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence):
        return "a list" if value else "an empty list"
    # Python does not print an integer of more than 4300 digits.
    huge = isinstance(value, int) and value.bit_length() > 200
    return "a very long number" if huge else str(value) if isinstance(value, int | float) else "a tagged value"


def _instead(name: str, known: Sequence[str]) -> str:
    near = nearest(name, known)
    return f"did you mean {near[0]}?" if near else f"there is {', '.join(known) or 'none'}"


def _place(loc: Sequence[int | str]) -> str:
    """The path of a field: to[0].documents; pydantic's names for its own steps are left out."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part != "[key]" and not part.startswith(("function-", TAG)):
            text += f".{part}" if text else part
    return text


def _message(detail: ErrorDetails, model: type[BaseModel]) -> str:
    given, loc, context = detail["input"], detail["loc"], detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return f"there is no such field; {_instead(str(loc[-1]), _fields(model, loc))}"
        case "missing":
            return "is missing; it must be given"
        case "value_error" | "no_place":
            return str(detail["msg"]).removeprefix("Value error, ")
        case "string_pattern_mismatch":
            right = next(
                (_PATTERNS[part] for part in reversed(loc) if part in _PATTERNS), "is not written as it must be"
            )
            return f"{shown(given)} {right}"
        case "literal_error":
            choices = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            near = nearest(given, choices) if isinstance(given, str) else []
            hint = f"; did you mean {near[0]}?" if near else ""
            return f"must be one of {', '.join(choices)}, not {shown(given)}{hint}"
        case kind:
            right = _right(kind, context, _fields(model, (*loc, "")))
            return f"must be {right}, not {shown(given)}{_mend(kind, given)}"


def _right(kind: str, context: Mapping[str, Any], fields: Sequence[str]) -> str:
    """What would have been right where a value has the wrong type or size."""
    if kind in ("model_type", "model_attributes_type"):
        return f"a mapping with {', '.join(fields)}"
    return _RIGHT.get(kind, kind.replace("_", " ")).format(**context)


def _mend(kind: str, given: object) -> str:
    if kind == "string_type" and isinstance(given, int | float):
        return "; put it in quotes"
    if kind == "tuple_type" and isinstance(given, str) and len(given) <= 60:
        return f"; write [{given}]"
    return ""


def _fields(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """The fields of the model, or of the one inside it, that the last step of `loc` is a field of."""
    inside: list[type[BaseModel]] = []
    for part in loc[:-1]:
        named = {field.alias or name: field for name, field in model.model_fields.items()}
        if isinstance(part, str) and part.startswith(TAG):
            model = next((each for each in inside if part.removeprefix(TAG) in each.model_fields), model)
        elif part in named:
            inside = list(_models(named[str(part)].annotation))
            model = next(iter(inside), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
