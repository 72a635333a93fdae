"""The shapes of answers: what is taken, what is refused and why, and the schema that a provider is given."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.models.shaped import wrong_with
from tasks.reason.answers import Extracted, answer_type, schema_of, values_of
from tasks.reason.node import ReasonNode
from tests.servers.schema_values import value_for
from tests.tasks.reason.asking import node

EVERY_TYPE = {"text": "string", "amount": "number", "count": "integer", "late": "boolean", "due": "date"}
# What pydantic calls methods of its own, and what the shape calls its fields.
AWKWARD = ("schema", "json", "copy", "model_config", "value_1", "value_0", "class", "values", "confidence")


def every_type() -> ReasonNode:
    return node("extract", fields={name if name != "text" else "name": kind for name, kind in EVERY_TYPE.items()})


def problem(asked: ReasonNode, answer: Any) -> str:
    """What is wrong with the answer; it must be something."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    with pytest.raises(ValidationError) as raised:
        answer_type(asked).model_validate_json(text)
    return wrong_with(raised.value)


def extracted(asked: ReasonNode, **values: Any) -> Any:
    answer = answer_type(asked).model_validate_json(json.dumps({"values": values, "confidence": 1}))
    assert isinstance(answer, Extracted)
    return values_of(answer)


@pytest.mark.parametrize("asked", [node("classify"), every_type(), node("synthesise")], ids=lambda each: each.purpose)
def test_every_schema_is_in_the_strict_subset_and_what_fits_it_is_an_answer(asked: ReasonNode) -> None:
    shape = answer_type(asked)
    answer = value_for(schema_of(shape))

    assert json.loads(shape.model_validate_json(json.dumps(answer)).model_dump_json(by_alias=True)) == answer


def test_values_keep_their_types_and_dates_are_iso_text() -> None:
    values = extracted(every_type(), name="Able", amount=12, count=3, late=False, due="2026-10-31")

    assert values == {"name": "Able", "amount": 12.0, "count": 3, "late": False, "due": "2026-10-31"}
    assert extracted(every_type(), **dict.fromkeys(values)) == dict.fromkeys(values)


def test_a_field_may_have_any_name_that_the_node_allows() -> None:
    asked = node("extract", fields=dict.fromkeys(AWKWARD, "string"))
    values = {name: f"{name} it is" for name in AWKWARD}

    assert extracted(asked, **values) == values
    assert set(value_for(schema_of(answer_type(asked)))["values"]) == set(AWKWARD)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", "12"),
        ("amount", True),
        ("count", 1.5),
        ("count", "3"),
        ("late", "yes"),
        ("late", 1),
        ("due", "31.10.2026"),
        ("due", "2026-02-30"),
        ("name", 7),
    ],
)
def test_a_value_of_another_type_is_refused_rather_than_converted(field: str, value: object) -> None:
    values = {"name": "Able", "amount": 1.0, "count": 1, "late": True, "due": "2026-10-31", field: value}

    assert problem(every_type(), {"values": values, "confidence": 0.5}).startswith(f"values.{field}: ")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "the answer: Invalid JSON"),
        ('{"reason": "r", "label": "lo', "the answer: Invalid JSON"),
        ('```json\n{"reason": "r", "label": "low", "confidence": 1}\n```', "the answer: Invalid JSON"),
        ("[]", "the answer: "),
        ({"reason": "r", "label": "severe", "confidence": 1}, "label: Input should be 'low', 'medium' or 'high'"),
        ({"reason": "r", "label": "Low", "confidence": 1}, "label: "),
        ({"reason": "r", "label": None, "confidence": 1}, "label: "),
        ({"reason": " ", "label": "low", "confidence": 1}, "reason: Value error, it is empty"),
        ({"reason": "r", "label": "low", "confidence": 1.01}, "confidence: "),
        ({"reason": "r", "label": "low", "confidence": -0.1}, "confidence: "),
        ({"reason": "r", "label": "low", "confidence": "high"}, "confidence: "),
        ('{"reason": "r", "label": "low", "confidence": NaN}', "confidence: "),
        ({"label": "low", "confidence": 1}, "reason: Field required"),
        ({"reason": "r", "label": "low", "confidence": 1, "sql": "DROP"}, "sql: Extra inputs are not permitted"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_in_words_for_the_model(answer: object, said: str) -> None:
    told = problem(node("classify"), answer)

    assert told.startswith(said)
    assert "\n" not in told


def test_every_problem_of_an_answer_is_told_at_once() -> None:
    told = problem(node("classify"), {"label": "severe", "confidence": 2})

    assert [part.split(": ")[0] for part in told.split("; ")] == ["reason", "label", "confidence"]
