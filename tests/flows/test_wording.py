"""What is said of a value that does not fit its field: in plain words, at its line, with what would be right."""

import pytest

from tests.flows.sound import SOUND, changed, said


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("needs: [ranked, contracts]", "needs: ranked", "field needs: must be a list, not 'ranked'; write [ranked]"),
        ("needs: [ranked, contracts]", "needs: {ranked: 1}", "field needs: must be a list, not a mapping"),
        ("needs: [ranked, contracts]", "needs:", "field needs: must be a list, not nothing"),
        ("needs: [ranked, contracts]", "needs: [ranked, 3]", "field needs[1]: must be text, not 3; put it in quotes"),
        ("purpose: classify", "purpose: clasify", "must be one of classify, extract, synthesise, not 'clasify'; did"),
        ("labels: [low, high]", "labels: [low]", "field labels: classify chooses among at least 2 labels, not 1; add"),
        ("labels: [low, high]", "lables: [low, high]", "field lables: there is no such field; did you mean labels?"),
        ("labels: [low, high]", "labels: [low, true]", "field labels[1]: must be text, not true; put it in quotes"),
        ("timeout: 90s", "timeout: 90", "field timeout: a duration is written with its unit, such as 30s, 5m or 2h"),
        ("timeout: 90s", "timeout: soon", "field timeout: 'soon' is not a duration; write 30s, 5m, 2h or 1h30m"),
        ("timeout: 90s", "timeout: 0s", "field timeout: a duration is at least 1ms"),
        ("timeout: 90s", "timeout: 99999999999d", "field timeout: a duration is at most 3650d, not '99999999999d'"),
        ("timeout: 90s", "retry: 11", "field retry: must be at most 10, not 11"),
        ("timeout: 90s", "retry: twice", "field retry: must be a whole number, not 'twice'"),
        ("timeout: 90s", "max_rows: 0", "field max_rows: must be at least 1, not 0"),
        ("timeout: 90s", "parameters: [month]", "field parameters: must be a mapping, as in name: value, not a list"),
        ("timeout: 90s", "on_failure: ignore", "field on_failure: must be one of fail, degrade, not 'ignore'"),
        (
            "timeout: 90s",
            "tier: fastest",
            "field tier: must be one of fast, standard, frontier, not 'fastest'; did you",
        ),
        ("timeout: 90s", "cascade: maybe", "field cascade: must be true or false, not 'maybe'"),
        ("timeout: 90s", "sure_from: 2", "field sure_from: must be at most 1.0, not 2"),
        ("timeout: 90s", "sure_from: high", "field sure_from: must be a number, not 'high'"),
        ("timeout: 90s", "when: true", "field when: must be text, not true; put it in quotes"),
        (
            "approvers: [head-of-finance]",
            "approvers: []",
            "approvers: must be a list of at least one, not an empty list",
        ),
        ("approvers: [head-of-finance]", "approvers: [7]", "approvers[0]: must be text, not 7; put it in quotes"),
        ("source: documents", "source: ''", "field source: must be some text, not ''"),
        (
            'documents: "spend',
            'document: "spend',
            "field to[0].document: there is no such field; did you mean documents?",
        ),
        ('"company.spend:ranked"', "ranked", "field function: 'ranked' is no function; write package.module:function"),
    ],
)
def test_a_node_s_field_is_refused_in_plain_words(old: str, new: str, problem: str) -> None:
    [said_of_it] = said(changed(old, new))

    line = SOUND[: SOUND.index(old)].count("\n") + 1
    assert said_of_it.startswith(f"{line}: node ")
    assert problem in said_of_it


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name: spend-review", "nmae: spend-review", "field nmae: there is no such field; did you mean name?"),
        ("name: spend-review", "name: 12", "field name: must be text, not 12; put it in quotes"),
        ("name: spend-review", "name: " + "a" * 61, "field name: must be at most 60 characters long, not 'aaaaa"),
        ("owner: procurement", "owner: [a, b]", "field owner: must be text, not a list"),
        ("owner: procurement", "samples: perhaps", "field samples: must be true or false, not 'perhaps'"),
        ("owner: procurement", "budget: 5", "field budget: must be a mapping with run, month, not 5"),
        ("owner: procurement", "budget: {year: 5}", "budget.year: there is no such field; there is run, month"),
        ("owner: procurement", "budget: {run: -1}", "field budget.run.usd: must be at least 0, not -1"),
        ("owner: procurement", "budget: {run: ten}", "budget.run.usd: must be an amount, such as 0.50, not 'ten'"),
        ("owner: procurement", "budget: {run: .inf}", "budget.run.usd: must be an amount, such as 0.50, not inf"),
        ("owner: procurement", "budget: {run: {usd: 1, at_limit: halt}}", "at_limit: must be one of warn, downgrade"),
        ("owner: procurement", "colour: red", "field colour: there is no such field; there is name, description, "),
        ("owner: procurement", "7: red", "field [7]: must be named by text, not 7"),
        ("nodes:", "nodez:", "field nodez: there is no such field; did you mean nodes?"),
        ("  limit: {", "  Limit: {", "field inputs.Limit: 'Limit' is no name; begin with a lower case letter, then"),
        (
            "  limit: {",
            "  from: {",
            "field inputs.from: 'from' cannot be an input, because Python and Prefect keep the",
        ),
        ("  limit: {", "  wait_for: {", "field inputs.wait_for: 'wait_for' cannot be an input, because Python and"),
        ("{type: integer, default: 5}", "integer", "inputs.limit: must be a mapping with type, default, description"),
        (
            "{type: integer, default: 5}",
            "{tpye: integer}",
            "inputs.limit.tpye: there is no such field; did you mean type?",
        ),
        ("{type: integer, default: 5}", "{type: int}", "inputs.limit.type: must be one of string, integer, number, "),
        (
            "  risk: {from: risk.label, type",
            "  r-k: {from: risk.label, type",
            "field outputs.r-k: 'r-k' is no name; begin",
        ),
        ("from: risk.label", "from: The Risk", "outputs.risk.from: 'The Risk' is no node's table or field; write a"),
        ("{from: risk.label, type: string}", "risk.label", "outputs.risk: must be a mapping with from, type, columns"),
        ("risk.label, type: string", "risk.label, type: text", "outputs.risk.type: must be one of string, integer, "),
    ],
)
def test_a_field_of_the_workflow_is_refused_in_plain_words(old: str, new: str, problem: str) -> None:
    [said_of_it] = said(changed(old, new))

    line = SOUND[: SOUND.index(old)].count("\n") + 1
    assert said_of_it.startswith(f"{line}: field ")
    assert problem in said_of_it


def test_a_bad_line_inside_a_list_is_the_one_that_is_pointed_at() -> None:
    problems = said(changed('{{ month }}.md"', '{{ month }}.md"\n      - documents: ok.md\n      - documents: 3'))

    assert problems == ["44: node publish, field to[2].documents: must be text, not 3; put it in quotes"]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("slack: C1\n        as_flie: true", "field to[0].as_flie: there is no such field; did you mean as_file?"),
        ("slak: C1", "field to[0].slak: there is no such field; did you mean slack?"),
        ("fax: 3", "field to[0]: name one place: documents, slack, email, jira, github, drive"),
        ("slack: C1\n        jira: A-1", "field to[0]: name one place: documents, slack, email, jira, github, drive"),
    ],
)
def test_a_target_is_refused_in_plain_words(written: str, problem: str) -> None:
    (said_of_it,) = said(changed('documents: "spend/{{ month }}.md"', written))

    assert problem in said_of_it


def test_inputs_that_are_no_mapping_make_no_name_unknown() -> None:
    text = changed("inputs:\n  month: {type: month, default: last month}\n  limit: {type: integer, default: 5}\n", "")

    assert said(text + "inputs: [month]\n") == ["43: field inputs: must be a mapping, as in name: value, not a list"]
