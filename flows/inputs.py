"""A workflow's inputs: their types, and the values of one run."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from blocks.errors import InputRefused

InputType = Literal["string", "integer", "number", "boolean", "date", "month"]

MONTH = r"^(\d{4}-(0[1-9]|1[0-2])|last month|this month)$"
"""A month as it may be written; a relative one is turned into YYYY-MM when the run starts."""


def _written_as_a_date(value: object) -> object:
    # Pydantic would also take a number, as the seconds since 1970.
    if isinstance(value, date) or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value)):
        return value
    raise ValueError("a date is written YYYY-MM-DD")


_ANNOTATIONS: dict[InputType, Any] = {
    "string": str,
    "integer": int,
    "number": Annotated[float, Field(allow_inf_nan=False)],
    "boolean": bool,
    "date": Annotated[date, BeforeValidator(_written_as_a_date)],
    "month": Annotated[str, Field(pattern=MONTH)],
}


class Input(BaseModel):
    """One input: a typed parameter of the Prefect flow, with a form field in its UI."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: InputType
    default: JsonValue = None
    """None: the run must be given a value."""
    description: str = ""

    @field_validator("default")
    @classmethod
    def _the_default_fits(cls, default: JsonValue, info: ValidationInfo) -> JsonValue:
        kind = info.data.get("type")
        if default is not None and kind is not None:
            try:
                TypeAdapter(_ANNOTATIONS[kind]).validate_python(default)
            except ValidationError as error:
                raise ValueError(f"must be {_described(kind)}, not {default!r}") from error
        return default

    @property
    def annotation(self) -> Any:
        """The Python type of the flow's parameter."""
        kind = _ANNOTATIONS[self.type]
        return Annotated[kind, Field(description=self.description)] if self.description else kind

    def value(self, given: object, now: datetime) -> JsonValue:
        """The value as nodes see it: checked, dates in ISO form, a relative month made absolute.

        Raises:
            pydantic.ValidationError: the value is not of this type.
        """
        value = TypeAdapter(self.annotation).validate_python(given)
        if self.type == "month":
            return _month(value, now)
        return value.isoformat() if isinstance(value, date) else value


def input_values(inputs: Mapping[str, Input], given: Mapping[str, object], now: datetime) -> dict[str, JsonValue]:
    """Every input's value for one run, defaults filled in.

    Raises:
        InputRefused: a name is unknown, a value is missing or of the wrong type; says all of it.
    """
    wrong = [
        f"there is no input {name!r} (there is {', '.join(inputs) or 'none'})" for name in given if name not in inputs
    ]
    values: dict[str, JsonValue] = {}
    for name, declared in inputs.items():
        value = given.get(name, declared.default)
        if value is None:
            wrong.append(f"input {name!r} has no value")
            continue
        try:
            values[name] = declared.value(value, now)
        except ValidationError:
            wrong.append(f"input {name!r} must be {_described(declared.type)}, not {value!r}")
    if wrong:
        raise InputRefused("; ".join(wrong), mend="give inputs as -i name=value")
    return values


def _described(kind: InputType) -> str:
    return {
        "string": "text (in quotes, where it looks like a number)",
        "month": "a month (YYYY-MM, 'last month' or 'this month')",
        "date": "a date (YYYY-MM-DD)",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
    }[kind]


def _month(value: str, now: datetime) -> str:
    first = now.replace(day=1)
    match value:
        case "this month":
            return f"{first:%Y-%m}"
        case "last month":
            return f"{first - timedelta(days=1):%Y-%m}"
        case _:
            return value
