"""What is wrong between the parts of a definition: names, edges, templates, SQL, outputs. All of it is said at once."""

import pytest

from tests.flows.sound import SOUND, changed, said

TEN_MISTAKES = """\
name: Spend Review
trigger: {cron: "0 6 31 2 *"}
inputs:
  month: {type: month, default: next month}
nodes:
  - id: spend
    kind: query
    source: finance
    sql: DELETE FROM invoices
  - id: stock
    kind: query
    source: warehouse
    timeout: 30
    sql: SELECT pieces FROM stock WHERE vendor = :vendor
  - id: risk
    kind: reason
    purpose: clasify
    needs: [spend, stok]
  - id: report
    kind: reason
    purpose: synthesise
    needs: [risk]
    instructions: "{{ mnth }} {{ spend.columns }}"
  - id: sign-off
    kind: approve
    needs: [publish]
    aprovers: [head-of-finance]
  - id: publish
    kind: deliver
    needs: [sign-off, report]
    to: [{documents: "{{ month"}]
  - id: archive
    kind: shelve
outputs:
  risk: {from: rissk.label, type: string}
"""


def test_a_definition_with_every_kind_is_sound() -> None:
    assert said(SOUND) == []


def test_every_mistake_of_a_definition_is_said_once_and_nothing_else_is() -> None:
    assert said(TEN_MISTAKES) == [
        "1: field name: 'Spend Review' is no name; "
        "use lower case letters, digits and single hyphens, such as vendor-spend",
        "2: field trigger.cron: '0 6 31 2 *' is no schedule: bad day-of-month; "
        "write five fields of a time that comes, as in '0 6 1 * *'",
        "4: field inputs.month.default: must be a month (YYYY-MM, 'last month' or 'this month'), not 'next month'",
        "9: node spend, field sql: the SQL writes, locks or is no query (DELETE); a query node only reads; "
        "write one SELECT statement",
        "13: node stock, field timeout: a duration is written with its unit, such as 30s, 5m or 2h, not 30",
        "14: node stock, field sql: :vendor is bound to nothing; add an input vendor, or parameters: {vendor: ...}",
        "17: node risk, field purpose: must be one of classify, extract, synthesise, not 'clasify'; "
        "did you mean classify?",
        "18: node risk, field needs: there is no node 'stok'; did you mean stock?",
        "23: node report, field instructions: there is no input or node upstream called 'mnth'; did you mean month?",
        "23: node report, field instructions: there is no field of spend called 'columns'; there is gaps, rows, text",
        "27: node sign-off, field aprovers: there is no such field; did you mean approvers?",
        "30: node publish, field needs: it can never start, because it waits for itself: "
        "publish needs sign-off needs publish; remove one of these",
        "31: node publish, field to[0].documents: the template cannot be read: "
        "unexpected end of template, expected 'end of print statement'",
        "33: node archive, field kind: there is no kind 'shelve'; "
        "there is query, search, request, reason, transform, approve, deliver",
        "35: field outputs.risk: there is no node 'rissk'; did you mean risk?",
    ]


@pytest.mark.parametrize(
    ("needs", "problem"),
    [
        ("[rankd, contracts]", "27: node risk, field needs: there is no node 'rankd'; did you mean ranked?"),
        ("[ranked, contracts, risk]", "27: node risk, field needs: it needs itself; remove that"),
    ],
)
def test_an_edge_that_leads_nowhere_is_refused(needs: str, problem: str) -> None:
    assert said(changed("needs: [ranked, contracts]", f"needs: {needs}")) == [problem]


def test_a_cycle_is_named_in_the_order_of_its_needs() -> None:
    [problem] = said(changed("source: finance", "source: finance\n    needs: [risk]"))

    assert "spend needs risk needs ranked needs spend; remove one of these" in problem


def test_two_cycles_are_both_said() -> None:
    loops = "".join(
        f"\n  - {{id: {a}, kind: query, source: s, sql: SELECT 1 AS one, needs: [{b}]}}"
        for a, b in [("a", "b"), ("b", "a"), ("c", "c")]
    )

    problems = said(f"name: loops\nnodes:{loops}\n")

    assert [problem.split(": ")[1] for problem in problems] == ["node a, field needs", "node c, field needs"]


def test_a_second_node_of_one_id_is_the_one_that_is_pointed_at() -> None:
    problems = said(changed("id: contracts", "id: spend").replace("[ranked, contracts]", "[ranked]"))

    assert problems == ["18: node spend, field id: 2 nodes are called spend; rename all but one"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  limit: {", "  spend: {", "7: field inputs.spend: node spend has this name too; rename one of them"),
        (
            "  limit: {",
            "  sign_off: {",
            "7: field inputs.sign_off: node sign-off has this name too; rename one of them",
        ),
        ("  limit: {", "  range: {", "7: field inputs.range: templates keep this word for themselves; choose another"),
        ("id: publish", "id: none", "38: node none, field id: templates keep this word for themselves; choose another"),
    ],
)
def test_a_name_that_a_template_could_not_tell_apart_is_refused(old: str, new: str, problem: str) -> None:
    assert said(changed(old, new)) == [problem]


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ mont }}", "there is no input or node upstream called 'mont'; did you mean month?"),
        ("{{ spend.rows }}", "spend is not upstream; add it to needs"),
        ("{{ publish.delivered }}", "publish runs after this node; name an input, or a node upstream"),
        ("{{ risk.label }}", "risk runs after this node; name an input, or a node upstream"),
        ("{{ contracts.rows }}", "a node cannot read its own result; name an input, or a node upstream"),
        ("{{ month", "the template cannot be read: unexpected end of template, expected 'end of print statement'"),
        ("{{ month | shout }}", "the template cannot be read: there is no filter 'shout'"),
        ("{% include 'x' %}", "the template cannot be read: there are no other templates to include"),
    ],
)
def test_a_template_that_could_not_be_filled_in_is_refused(template: str, problem: str) -> None:
    problems = said(changed('"penalty {{ month }}"', f'"{template}"'))

    assert problems == [f"21: node contracts, field query: {problem}"]


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("risk.lable != 'low'", "there is no field of risk called 'lable'; did you mean label?"),
        ("{{ risk.lable != 'low' }}", "there is no field of risk called 'lable'; did you mean label?"),
        ("{{ risk.label }} != 'low'", "the template cannot be read: unexpected '}'; "),
        ("", "the template cannot be read: Expected an expression, got 'end of print statement'; "),
    ],
)
def test_a_condition_is_checked_with_and_without_braces(condition: str, problem: str) -> None:
    [said_of_it] = said(changed("when: \"{{ risk.label != 'low' }}\"", f'when: "{condition}"'))

    assert said_of_it.startswith(f"36: node sign-off, field when: {problem}")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (":month", ":mont", ":mont is bound to nothing; did you mean :month?"),
        (":month", ":who", ":who is bound to nothing; add an input who, or parameters: {who: ...}"),
        ("SELECT vendor,", "SELECT total, vendor,", "it gives two columns called total; name each with AS"),
        ("FROM invoices", "FROM (SELECT", "the SQL cannot be parsed: line 3 is wrong near 'GROUP BY vendor'; "),
    ],
)
def test_sql_that_could_not_run_is_refused(old: str, new: str, problem: str) -> None:
    [said_of_it] = said(changed(old, new))

    assert said_of_it.startswith(f"14: node spend, field sql: {problem}")


def test_a_parameter_that_the_sql_does_not_use_is_refused() -> None:
    problems = said(changed("timeout: 90s", 'parameters: {year: "{{ month }}"}'))

    assert problems == ["13: node spend, field parameters.year: the SQL has no :year; use it there, or remove this"]


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("{from: spnd, columns: {vendor: string}}", "there is no node 'spnd'; did you mean spend?"),
        ("{from: spend, columns: {totl: number}}", "there is no column of spend called 'totl'; did you mean total?"),
        ("{from: spend}", "a table's output says its columns and no type: columns: {name: type}"),
        ("{from: spend.total, type: number}", "spend is of kind query and has a table, not fields; "),
        ("{from: report, columns: {a: string}}", "report is of kind reason and has no table; "),
        ("{from: sign-off.decison, type: string}", "there is no field of sign-off called 'decison'; "),
        ("{from: risk.label}", "a field's output says its type and no columns, as in type: string"),
        ("{from: report.text, type: number}", "a text is of type string, not number"),
    ],
)
def test_an_output_that_its_node_cannot_give_is_refused(output: str, problem: str) -> None:
    [said_of_it] = said(changed("spend: {from: spend, columns: {vendor: string, total: number}}", f"it: {output}"))

    assert said_of_it.startswith(f"44: field outputs.it: {problem}")


@pytest.mark.parametrize("column", ["VENDOR", "Vendor"])
def test_an_output_s_column_may_differ_in_case_as_databases_do(column: str) -> None:
    assert said(changed("columns: {vendor:", f"columns: {{{column}:")) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("needs: [sign-off, report]", "needs: [contracts]", "nothing upstream has a text to deliver; need a reason"),
        ("needs: [sign-off, report]", "needs: [report]\n    content: risk", "risk is of kind reason and has no text"),
        (
            "needs: [sign-off, report]",
            "needs: [report]\n    content: reprot",
            "there is no node 'reprot'; did you mean",
        ),
        ("needs: [sign-off, report]", "needs: [report]\n    content: sign-off", "sign-off is not upstream; add it to"),
    ],
)
def test_a_delivery_without_a_text_is_refused(old: str, new: str, problem: str) -> None:
    [said_of_it] = said(changed(old, new))

    assert f"node publish, field content: {problem}" in said_of_it


def test_a_gate_and_a_delivery_do_not_guess_between_two_texts() -> None:
    two = SOUND.replace("[report]", "[report, summary]").replace("[sign-off, report]", "[sign-off]")
    text = two.replace("outputs:", "  - {id: summary, kind: reason, purpose: synthesise, needs: [ranked]}\noutputs:")

    assert [problem.partition(": ")[2] for problem in said(text)] == [
        f"node {node}, field content: report and summary could each be meant; say which, as in content: report"
        for node in ("sign-off", "publish")
    ]
