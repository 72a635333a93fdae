"""How bad a table looks, by a rule that a person can check with a calculator."""

import pytest

from tasks.outcome import Cell, ColumnType, Table
from tasks.reason.severity import Finding, scores, worst_finding
from tests.tasks.reason.asking import table


def column(name: str, *cells: Cell, kind: ColumnType = "number") -> Table:
    """Vendors a, b, c ... with one figure each."""
    return table({"vendor": "string", name: kind}, *((chr(97 + at), cell) for at, cell in enumerate(cells)))


def found(**tables: Table) -> Finding:
    finding = worst_finding(tables)
    assert finding is not None
    return finding


def test_nobody_short_is_no_severity() -> None:
    finding = found(stock=column("below_target", 0, 0.0, -3))

    assert finding == Finding(0.0, "None of the 3 rows of stock is short (below_target).", by_shortfall=True)


def test_severity_is_the_mean_of_reach_and_depth() -> None:
    finding = found(stock=column("below_target", 0.2, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    # Reach: a tenth of the rows, of 0.3. Depth: 0.2, of 0.5.
    assert finding.severity == pytest.approx((0.1 / 0.3 + 0.2 / 0.5) / 2)
    assert finding.sentence == "1 of 10 rows of stock is short (below_target): a 0.2."


def test_the_worst_come_first_and_at_most_three_are_named() -> None:
    finding = found(stock=column("below_target", 0.1, 0.4, 0.3, 0.2, 0))

    assert finding.sentence == "4 of 5 rows of stock are short (below_target): foremost b 0.4, c 0.3 and d 0.2."


def test_severity_ends_at_one() -> None:
    assert found(stock=column("below_target", 1, 0.9, 1, 0.8)).severity == 1.0


def test_yes_and_no_have_a_reach_and_no_depth() -> None:
    finding = found(invoices=column("is_overdue", True, False, False, None, False, kind="boolean"))

    assert finding.severity == pytest.approx(0.25 / 0.3)
    assert finding.sentence == "1 of 4 rows of invoices is short (is_overdue): a."


def test_empty_cells_are_neither_short_nor_counted() -> None:
    assert found(stock=column("below_target", None, 0.5, None)).sentence.startswith("1 of 1 rows")


def test_a_shortfall_that_is_stated_goes_before_any_that_is_computed() -> None:
    outlying = column("spend", 1, 2, 3, 2, 1, 1000)
    finding = found(spend=outlying, stock=column("below_target", 0, 0))

    assert (finding.severity, finding.by_shortfall) == (0.0, True)


def test_the_worst_of_several_tables_counts() -> None:
    finding = found(mild=column("below_target", 0.1, 0, 0, 0), bad=column("below_target", 0.5, 0.5, 0.5, 0))

    assert "rows of bad" in finding.sentence


def test_an_outlier_is_found_by_its_modified_z_score() -> None:
    finding = found(spend=column("spend", 10, 11, 12, 13, 14, 112))

    # Median 12.5 and MAD 1.5: 0.6745 * 99.5 / 1.5 is 44.7. Reach: a sixth of 0.3.
    assert finding.severity == pytest.approx((1 / 6 / 0.3 + 1) / 2)
    assert finding.sentence == "1 of 6 rows of spend stands out: f by spend (modified z-score 44.7)."
    assert not finding.by_shortfall


def test_an_outlier_may_be_low_too() -> None:
    assert "a by spend" in found(spend=column("spend", -100, 11, 12, 13, 14, 12)).sentence


def test_ids_and_months_do_not_stand_out() -> None:
    cells = table({"vendor_id": "integer", "spend": "number"}, *((number, 10.0) for number in (1, 2, 3, 4, 5, 9999)))

    assert worst_finding({"spend": cells}) is None


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"empty": table({"spend": "number"})},
        {"words": table({"vendor": "string"}, ("a",), ("b",))},
        {"few": column("spend", 1, 2, 3, 1000)},
        {"same": column("spend", 5, 5, 5, 5, 5)},
        {"blank": column("below_target", None, None)},
    ],
)
def test_without_a_figure_to_judge_by_nothing_is_found(tables: dict[str, Table]) -> None:
    assert worst_finding(tables) is None


def test_where_most_values_are_the_same_the_mean_deviation_stands_in() -> None:
    assert scores({0: 5, 1: 5, 2: 5, 3: 5, 4: 10}) == pytest.approx({0: 0, 1: 0, 2: 0, 3: 0, 4: 0.7979 * 5})
