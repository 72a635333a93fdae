"""The offline model: right figures, the same each time, and never passed off as a language model."""

import random
from decimal import Decimal
from pathlib import Path

import pytest

from tasks.outcome import Cell, ColumnType, Outcome, Scope
from tasks.reason.node import FieldType, Purpose, ReasonNode
from tasks.reason.offline import WRITTEN_BY, OfflineModel, answer
from tasks.reason.task import outcome_of
from tests.tasks.reason.asking import PASSAGES, VENDORS, a_run, gap, node, question, table, vendors

COLUMNS: dict[str, ColumnType] = {"vendor": "string", "spend": "decimal", "below_target": "number"}


def below(*cells: Cell) -> Outcome:
    rows = ((f"v{at}", cell) for at, cell in enumerate(cells))
    return Outcome(table=table({"vendor": "string", "below_target": "number"}, *rows))


def extracted(name: str, kind: FieldType, **outcomes: Outcome) -> object:
    asked = node("extract", needs=tuple(outcomes), fields={name: kind})
    return answer(question(asked, "", **outcomes)).fields[name]


@pytest.mark.parametrize(
    ("outcome", "label"), [(below(0, 0, 0), "low"), (below(0.2, 0, 0, 0, 0, 0), "medium"), (below(1, 1, 0), "high")]
)
def test_a_label_follows_from_the_figures_and_the_reason_names_them(outcome: Outcome, label: str) -> None:
    made = answer(question(node("classify"), spend=outcome))

    assert made.fields["label"] == label
    assert "(below_target)" in str(made.fields["reason"])
    assert made.confidence == 0.8


@pytest.mark.parametrize("outcome", [Outcome(), Outcome(table=table(COLUMNS)), Outcome(text="All is very bad.")])
def test_a_label_without_a_figure_is_the_middle_one_and_says_that_it_is_no_finding(outcome: Outcome) -> None:
    made = answer(question(node("classify"), spend=outcome))

    assert made.fields["label"] == "medium"
    assert "not a finding" in str(made.fields["reason"])
    assert made.confidence == 0.2


def test_a_report_has_the_figures_of_the_data_and_its_title_from_the_instructions() -> None:
    text = answer(question(node("synthesise"), "Vendors in October\nBe brief.", spend=vendors())).text

    total = f"{sum(Decimal(str(row[1])) for row in VENDORS):,.2f}"
    assert text.startswith("# Vendors in October\n")
    assert f"in total spend {total}." in text
    assert "By below target, the worst is Bold (0.3)." in text
    assert "2 of 3 rows are not short." in text
    assert "| Bold | 300.25 | 0.3 |" in text


def test_a_report_shows_the_worst_rows_of_a_long_table_and_says_of_how_many() -> None:
    rows = [(f"v{number}", f"{number}.00", number / 100) for number in range(50)]
    text = answer(question(node("synthesise"), spend=Outcome(table=table(COLUMNS, *rows)))).text

    shown = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| v") and "vendor" not in line]
    assert shown == [f"| v{number}" for number in range(49, 39, -1)]
    assert "10 of 50 rows, by below target:" in text


def test_a_report_quotes_documents_and_names_the_label_of_other_nodes() -> None:
    found = Outcome(table=table(PASSAGES, ("acme.md", "Terms", "A | penalty\nfollows.", 1.0)))
    risk = Outcome(fields={"label": "high", "reason": "Bold is late."})
    asked = node("synthesise", needs=("docs", "risk"))
    text = answer(question(asked, docs=found, risk=risk)).text

    assert "Risk is **high**: Bold is late." in text
    assert "> A | penalty follows.\n>\n> From acme.md, Terms" in text


def test_a_cell_cannot_break_the_report_s_table() -> None:
    rows = Outcome(table=table({"vendor": "string", "spend": "number"}, ("Ev|l\nInc.", 5)))

    assert "| Ev\\|l Inc. | 5 |" in answer(question(node("synthesise"), spend=rows)).text


@pytest.mark.parametrize("purpose", ["classify", "extract", "synthesise"])
def test_without_any_data_there_is_an_answer_that_says_so(purpose: Purpose) -> None:
    made = answer(question(node(purpose)))

    assert "no data to report on" in made.text or made.fields or made.gaps
    assert all(value in (None, "medium") or "no figure" in str(value) for value in made.fields.values())


def test_the_same_data_gives_the_same_report_and_the_order_of_rows_does_not_decide_a_label() -> None:
    shuffled = list(VENDORS)
    random.Random(4).shuffle(shuffled)  # noqa: S311  # a fixed order, not a secret
    other = Outcome(table=table(COLUMNS, *shuffled))
    asked = node("synthesise")

    assert answer(question(asked, spend=vendors())) == answer(question(asked, spend=vendors()))
    assert answer(question(node("classify"), spend=vendors())) == answer(question(node("classify"), spend=other))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Spend: 1,200.50", "number", 1200.5),
        ("**Spend:** EUR 1,200", "integer", 1200),
        ("Spend = -$5", "number", -5.0),
        ("Spend: \u22125 %", "number", -5.0),
        ("Spend: 2 million", "number", None),
        ("Spend: 3k", "number", None),
        ("Spend: (500)", "number", None),
        ("Spend: .5", "number", None),
        ("Spend: 1.234,56", "number", None),
        ("Spend: 12.5", "integer", None),
        ("Spend: yes", "boolean", True),
        ("Spend: perhaps", "boolean", None),
        ("Spend: 2026-10-31", "date", "2026-10-31"),
        ("Spend: 2026-02-30", "date", None),
        ("Overspend: 5", "number", None),
        ("Spend: 5\nspend: 6", "number", None),
        ("Spend: 5\nSPEND: 5.0", "number", 5.0),
    ],
)
def test_a_value_in_a_text_is_found_or_left_out_never_guessed(text: str, kind: FieldType, value: object) -> None:
    assert extracted("spend", kind, note=Outcome(text=text)) == value


@pytest.mark.parametrize("cell", [1e-7, 1e20, -4.5, 0, 12])
def test_a_number_in_a_table_is_found_however_large_or_small(cell: float) -> None:
    assert extracted("spend", "number", spend=Outcome(table=table({"spend": "number"}, (cell,)))) == cell


def test_a_value_that_is_not_there_or_there_in_two_ways_is_a_gap_that_says_which() -> None:
    asked = node("extract", fields={"spend": "number", "penalty": "number", "vendor": "string"})
    made = answer(question(asked, spend=vendors()))

    assert made.fields == {"spend": None, "penalty": None, "vendor": None}
    assert [each.reason for each in made.gaps] == [
        "spend has 3 different values in spend",
        "no number called penalty was found",
        "vendor has 3 different values in spend",
    ]


async def reported(asked: ReasonNode, scope: Scope, home: Path) -> Outcome:
    async with a_run(home):
        return await outcome_of(asked, scope, OfflineModel())


async def test_every_report_says_that_no_model_was_called(tmp_path: Path) -> None:
    outcome = await reported(node("synthesise"), Scope(outcomes={"spend": vendors()}), tmp_path)

    assert outcome.text is not None
    assert outcome.text.endswith(f"\n\n{WRITTEN_BY}\n")
    assert "no language model was called" in WRITTEN_BY
    assert "computed by the offline model" in outcome.evidence


async def test_missing_sources_are_listed_in_the_report_and_lower_its_confidence(tmp_path: Path) -> None:
    empty = Outcome(table=table(COLUMNS), gaps=(gap("stock", "the store\nis down"),))
    asked = node("synthesise", needs=("spend", "stock"))
    outcome = await reported(asked, Scope(outcomes={"spend": vendors(), "stock": empty}), tmp_path)

    assert outcome.text is not None
    assert "Figures of stock are missing." in outcome.text
    assert "## What is missing\n\n- stock: the store is down (since 2026-11-24 12:00 UTC)\n" in outcome.text
    assert outcome.gaps == empty.gaps
    assert outcome.confidence == 0.8


async def test_an_offline_answer_is_in_the_ledger_and_costs_nothing(tmp_path: Path) -> None:
    async with a_run(tmp_path) as run:
        await outcome_of(node("classify"), Scope(outcomes={"spend": vendors()}), OfflineModel())
        (call,) = await run.ledger.model_calls(run.run_id)

    assert (call.provider, call.model, call.outcome) == ("offline", "offline", "ok")
    assert (call.tokens_in, call.tokens_out, call.cost_usd) == (0, 0, Decimal(0))
