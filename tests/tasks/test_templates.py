"""What templates may say and see."""

import pytest

from blocks.errors import InputRefused
from tasks.outcome import Column, Outcome, Scope, Table
from tasks.templates import Reference, holds, references, render

SPEND = Outcome(table=Table(columns=(Column(name="vendor", type="string"),), rows=(("Acme",), ("Bolt",))))
SCOPE = Scope(inputs={"month": "2026-10"}, outcomes={"risk": Outcome(fields={"label": "high"}), "sign-off": SPEND})


def test_inputs_fields_and_rows_are_filled_in() -> None:
    text = "{{ month }} {{ risk.label }} {% for row in sign_off.rows %}{{ row.vendor }};{% endfor %}"

    assert render(text, SCOPE) == "2026-10 high Acme;Bolt;"


def test_a_text_without_a_template_is_itself() -> None:
    assert render("plain: 100 %", SCOPE) == "plain: 100 %"


@pytest.mark.parametrize(
    "condition", ["{{ risk.label != 'low' }}", "risk.label == 'high'", "{{ sign_off.rows | length == 2 }}"]
)
def test_a_condition_is_true_with_or_without_braces(condition: str) -> None:
    assert holds(condition, SCOPE)


@pytest.mark.parametrize("text", ["{{ nobody }}", "{{ risk.lable }}", "{{ risk.text.nothing }}"])
def test_a_name_without_a_value_is_refused_with_the_template(text: str) -> None:
    with pytest.raises(InputRefused, match="cannot be filled in"):
        render(text, SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        "{{ month.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ risk.label.__init__.__globals__ }}",
    ],
)
def test_a_template_cannot_reach_python(text: str) -> None:
    with pytest.raises(InputRefused):
        render(text, SCOPE)


def test_references_are_the_free_names_with_their_first_attribute() -> None:
    found = references("{{ risk.label }} {{ month }} {% for row in spend.rows %}{{ row.x }}{% endfor %}")

    assert found == {Reference("risk", "label"), Reference("month", None), Reference("spend", "rows")}
