"""What is wrong with the gates of a definition: who is asked, what may be corrected, what has no gate before it."""

import pytest

from flows.definitions import load
from flows.gate_checks import unknown_approvers
from tests.blocks.people.directories import roster
from tests.flows.sound import said

GATED = """
name: gated
nodes:
  - {id: spend, kind: query, source: shop, sql: SELECT vendor FROM invoices}
  - {id: risk, kind: reason, purpose: classify, needs: [spend], labels: [low, high]}
  - {id: report, kind: reason, purpose: synthesise, needs: [risk]}
  - {id: sign-off, kind: approve, needs: [report], approvers: [alice]}
  - {id: publish, kind: deliver, needs: [report, sign-off], to: [{documents: "s3://bucket/report.md"}]}
"""


def test_a_gate_and_a_delivery_outside_behind_it_are_sound() -> None:
    assert said(GATED) == []
    assert said(GATED.replace("approvers: [alice]", "approvers: [alice], editable: [risk.label, report.text]")) == []


@pytest.mark.parametrize(
    ("to", "problem"),
    [
        (
            '{documents: "s3://bucket/report.md"}',
            "8: node publish: it writes outside and no gate comes before it; need an approve node, "
            "or write confirm: none and because: why nobody need confirm it",
        ),
        ("{documents: report.md}", None),
        ('{documents: "file:///srv/report.md"}', None),
    ],
)
def test_what_writes_outside_needs_a_gate_before_it_or_a_reason(to: str, problem: str | None) -> None:
    alone = GATED.replace("[report, sign-off]", "[report]").replace('{documents: "s3://bucket/report.md"}', to)

    assert said(alone) == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("confirm", "problem"),
    [
        ("confirm: none, because: the figures are public", None),
        ("confirm: none", "because: confirm: none needs a reason; write because: why nobody need confirm it"),
        ("because: the figures are public", "because: a reason goes with confirm: none; write both, or neither"),
        ("confirm: never", "confirm: must be one of gate, none, not 'never'"),
    ],
)
def test_nobody_need_confirm_what_says_why(confirm: str, problem: str | None) -> None:
    alone = GATED.replace("needs: [report, sign-off],", f"needs: [report], {confirm},")

    assert (problem is None and not said(alone)) or any(f"field {problem}" in each for each in said(alone))


@pytest.mark.parametrize(
    ("editable", "problem"),
    [
        ("[risk.lable]", "field editable[0]: there is no field of risk called 'lable'; did you mean label?"),
        ("[spend.text]", "field editable[0]: there is no field of spend called 'text'; there is none"),
        ("[publish.delivered]", "field editable[0]: publish runs after this node"),
        ("[nobody.text]", "field editable[0]: there is no node 'nobody'"),
        ("[report]", "field editable[0]"),
        ("[report.text, report.text]", "field editable: report.text is there twice"),
    ],
)
def test_what_may_be_corrected_is_a_field_upstream(editable: str, problem: str) -> None:
    problems = said(GATED.replace("approvers: [alice]", f"approvers: [alice], editable: {editable}"))

    assert any(problem in each for each in problems), problems


def test_approvers_are_people_or_roles_of_the_directory() -> None:
    nodes = load(GATED.replace("[alice]", "[alicia, buyer, boss]"), "gated").nodes

    assert [str(each) for each in unknown_approvers(nodes, roster())] == [
        "node sign-off, field approvers: there is no person or role 'alicia'; did you mean alice?",
        "node sign-off, field approvers: there is no person or role 'boss'; "
        "there is alice, bob, carol, dora, procurement-lead, buyer",
    ]


def test_a_gate_that_fails_is_never_open() -> None:
    problems = said(GATED.replace("approvers: [alice]", "approvers: [alice], on_failure: degrade"))

    assert any("a gate that fails would be open" in each for each in problems), problems


def test_more_people_than_there_are_approvers_cannot_be_required() -> None:
    nodes = load(GATED.replace("approvers: [alice]", "approvers: [buyer], required: 3"), "gated").nodes

    assert [str(each) for each in unknown_approvers(nodes, roster())] == [
        "node sign-off, field required: 3 people must agree and the approvers are 2; name more, or require fewer"
    ]
