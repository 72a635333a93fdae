"""What templates may say and see."""

import pytest

from blocks.errors import InputRefused
from tasks.outcome import Column, Outcome, Scope, Table
from tasks.templates import Reference, can_name, condition_template, holds, references, render, syntax_error

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


@pytest.mark.parametrize("text", ["{{ month + 1 }}", "{{ 1 / 0 }}", "{{ none_yet.score > 0.5 }}", "{{ '%d' % month }}"])
def test_values_that_do_not_fit_together_are_refused_and_not_raised(text: str) -> None:
    scope = Scope(inputs={"month": "2026-10"}, outcomes={"none-yet": Outcome(fields={"score": None})})

    with pytest.raises(InputRefused, match="cannot be filled in"):
        render(text, scope)


def test_a_condition_on_a_field_that_a_degraded_node_left_empty_is_refused_and_not_raised() -> None:
    with pytest.raises(InputRefused, match="cannot be filled in"):
        holds("risk.score > 0.5", Scope(outcomes={"risk": Outcome(fields={"score": None})}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ month", "unexpected end of template"),
        ("{{ month | shout }}", "there is no filter 'shout'"),
        ("{% if month is loud %}x{% endif %}", "there is no test 'loud'"),
        ("{% if month %}{{ month | shout }}{% endif %}", "there is no filter 'shout'"),
        ("{{ f(a=1, a=2) }}", "keyword argument repeated"),
        ("{% include 'other' %}", "there are no other templates"),
        ("{% import 'other' as other %}", "there are no other templates"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "it is nested too deeply"),
    ],
)
def test_what_could_never_be_filled_in_is_a_syntax_error(text: str, said: str) -> None:
    assert said in (syntax_error(text) or "")


@pytest.mark.parametrize("condition", ["risk.label == 'low'", "{{ risk.label == 'low' }}", " {{risk.label == 'low'}} "])
def test_a_condition_names_what_it_uses_with_and_without_braces(condition: str) -> None:
    template = condition_template(condition)

    assert syntax_error(template) is None
    assert references(template) == {Reference("risk", "label")}


@pytest.mark.parametrize("condition", ["", "{{ }}", "{{ month }} and {{ month }}", "{{ month }} == 'x'", "month =="])
def test_what_could_not_be_decided_is_no_condition(condition: str) -> None:
    assert syntax_error(condition_template(condition))


@pytest.mark.parametrize("name", ["not", "true", "none", "range", "dict", "self"])
def test_a_word_that_jinja_keeps_cannot_name_a_node(name: str) -> None:
    assert not can_name(name)
    assert can_name(f"{name}_it")
