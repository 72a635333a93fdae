"""When two models' answers say the same: exactly, where there is something exact to compare."""

import json
from typing import Any

import pytest

from tasks.models.agreement import Judged, difference
from tasks.models.routing import Purpose


@pytest.mark.parametrize(
    ("purpose", "before", "after", "said"),
    [
        ("classify", {"label": "low", "reason": "a"}, {"label": "low", "reason": "b", "confidence": 0.1}, ""),
        ("classify", {"label": "low"}, {"label": "high"}, "low became high"),
        ("classify", {"label": "low"}, {}, "no JSON"),
        ("extract", {"values": {"a": 1.0, "b": None}}, {"values": {"b": None, "a": 1}}, ""),
        ("extract", {"values": {"a": 1, "b": "x"}}, {"values": {"a": 2, "b": "x"}}, "a: 1 became 2"),
        ("extract", {"values": {"a": 1}}, {"values": {}}, "a: 1 became None"),
        ("sql", {"sql": "SELECT a FROM t"}, {"sql": "select  A\nfrom T"}, ""),
        ("sql", {"sql": "SELECT a FROM t"}, {"sql": "SELECT b FROM t"}, "SELECT a FROM t became SELECT b FROM t"),
        ("sql", {"sql": "SELECT a FROM t"}, {"sql": None}, "SELECT a FROM t became None"),
        ("sql", {"sql": "SELECT ("}, {"sql": "SELECT ("}, ""),
    ],
)
def test_labels_values_and_sql_are_compared_exactly(
    purpose: Purpose, before: dict[str, Any], after: dict[str, Any], said: str
) -> None:
    assert difference(purpose, json.dumps(before), json.dumps(after) if after else "sorry").lower() == said.lower()


@pytest.mark.parametrize("wrong", ["same_conclusions", "same_figures", "as_complete"])
def test_prose_agrees_where_a_judge_finds_nothing_of_weight(wrong: str) -> None:
    good = {"reason": "None.", "same_conclusions": True, "same_figures": True, "as_complete": True}

    assert Judged.model_validate(good).agrees
    assert not Judged.model_validate({**good, wrong: False}).agrees
