"""How sure an answer may be: the model's own word counts only as far as the evidence goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.outcome import Outcome
from tasks.reason.confidence import bounded, has_data
from tests.tasks.reason.asking import gap, table, vendors


@pytest.mark.parametrize(
    ("own", "gaps", "rounds", "data", "confidence"),
    [
        (1.0, 0, 1, True, 1.0),
        (1.0, 1, 1, True, 0.8),
        (1.0, 3, 1, True, 0.6),
        (1.0, 50, 1, True, 0.1),
        (1.0, 0, 2, True, 0.8),
        (1.0, 0, 1, False, 0.3),
        (1.0, 2, 2, False, 0.3),
        (0.05, 50, 2, False, 0.05),
        (0.0, 0, 1, True, 0.0),
    ],
)
def test_the_weakest_evidence_bounds_the_confidence(
    own: float, gaps: int, rounds: int, data: bool, confidence: float
) -> None:
    assert bounded(own, gaps=gaps, rounds=rounds, has_data=data).confidence == confidence


def test_a_repaired_query_bounds_the_confidence() -> None:
    found = bounded(1.0, gaps=0, rounds=1, has_data=True, repairs=2)

    assert found.confidence == 0.9
    assert found.evidence[-1] == "at most 0.90: 2 repairs of a query whose schema has drifted"


def test_each_bound_that_counted_is_named() -> None:
    assert bounded(0.75, gaps=2, rounds=2, has_data=False).evidence == (
        "own confidence 0.75",
        "at most 0.70: 2 gaps",
        "at most 0.30: no data to go by",
    )


@given(st.floats(0, 1), st.integers(0, 100), st.integers(1, 2), st.booleans())
def test_no_evidence_makes_an_answer_surer_than_it_says_it_is(own: float, gaps: int, rounds: int, data: bool) -> None:
    one = bounded(own, gaps=gaps, rounds=rounds, has_data=data).confidence
    worse = bounded(own, gaps=gaps + 1, rounds=rounds, has_data=data).confidence

    assert 0 <= worse <= one <= own + 0.0001


@pytest.mark.parametrize(
    ("outcome", "there_is"),
    [
        (vendors(), True),
        (Outcome(text="Words."), True),
        (Outcome(fields={"late": False}), True),
        (Outcome(), False),
        (Outcome(text=""), False),
        (Outcome(table=table({"vendor": "string"})), False),
        (Outcome(fields={"label": None}, gaps=(gap(),)), False),
    ],
)
def test_only_rows_texts_and_values_are_data(outcome: Outcome, there_is: bool) -> None:
    assert has_data([Outcome(), outcome]) is there_is
