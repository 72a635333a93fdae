"""The digest of what a node sees, which decides whether its earlier result still stands."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.outcome import Column, Correction, Gap, Outcome, Scope, Table

TABLE = Table(
    columns=(Column(name="vendor", type="string"), Column(name="spend", type="number")),
    rows=(("Able", 1.0), ("Bold", None), ("Cora", 1e-7)),
)
OUTCOME = Outcome(
    table=TABLE,
    text="née — 100 %",
    fields={"b": [1, 2.5, None], "a": {"y": True, "x": "1"}},
    confidence=1,
    gaps=(Gap(node="stock", reason="it is down", since=datetime(2026, 11, 25, 8, 30, 0, 125, tzinfo=UTC)),),
    evidence=("3 rows",),
)


def test_an_outcome_that_was_persisted_has_the_same_digest() -> None:
    assert Outcome.model_validate_json(OUTCOME.model_dump_json()).digest == OUTCOME.digest


@pytest.mark.parametrize(
    "change",
    [
        {"table": TABLE.model_copy(update={"rows": (("Able", 1), *TABLE.rows[1:])})},
        {"text": ""},
        {"fields": {}},
        {"confidence": 0.9},
        {"gaps": ()},
        {"evidence": ()},
    ],
)
def test_a_change_anywhere_in_an_outcome_changes_its_digest(change: dict[str, Any]) -> None:
    assert Outcome(**{**dict(OUTCOME), **change}).digest != OUTCOME.digest


def test_a_scope_s_digest_is_of_its_inputs_whatever_their_order_and_of_its_outcomes_by_name() -> None:
    scope = Scope(inputs={"month": "2026-10", "limit": 5}, outcomes={"spend": OUTCOME})

    assert Scope(inputs={"limit": 5, "month": "2026-10"}, outcomes={"spend": OUTCOME}).digest == scope.digest
    others = [
        Scope(inputs={"month": "2026-10"}, outcomes={"spend": OUTCOME}),
        Scope(inputs=scope.inputs, outcomes={"stock": OUTCOME}),
        Scope(inputs=scope.inputs, outcomes={"spend": Outcome()}),
    ]
    assert scope.digest not in {other.digest for other in others}


def test_a_correction_takes_the_place_of_a_value_and_stays_with_it() -> None:
    label = Correction(node="risk", field="label", was="high", now="low", by="alice")
    text = Correction(node="risk", field="text", was="Much.", now="Little.", by="bob")
    corrected = Outcome(text="Much.", fields={"label": "high", "note": "n"}).corrected([label, text])

    assert (corrected.text, corrected.fields) == ("Little.", {"label": "low", "note": "n"})
    assert corrected.corrections == (label, text)
    assert Scope(outcomes={"risk": corrected, "gate": Outcome(corrections=(label, text))}).corrections == (label, text)
    assert [str(each) for each in corrected.corrections] == [
        "risk.label, by alice: high became low", "risk.text, by bob",
    ]  # fmt: skip
