"""The vendor scorecard: figures side by side, worst first, and what is missing stays missing."""

import pandas as pd
import pytest
from pandas.errors import MergeError

from flows.shipped.vendor_performance import scorecard
from tasks.frames import frame_of, table_of, table_of_rows
from tasks.outcome import Column, Table

Rows = list[tuple[object, ...]]

NAMES = {
    "spend": ("vendor", "spend", "invoices"),
    "deliveries": ("vendor", "deliveries", "on_time_share", "rejected_share"),
    "complaints": ("vendor", "complaints", "high_severity"),
    "contracts": ("vendor", "on_time_target", "annual_value", "end_date"),
}
ROWS: dict[str, Rows] = {
    "spend": [("Able", 100.25, 4), ("Bold", 300, 2), ("Calm", 50.5, 1)],
    "deliveries": [("Able", 10, 0.7, 0.05), ("Bold", 20, 0.95, 0.0), ("Calm", 4, 1.0, None)],
    "complaints": [("Able", 3, 1), ("Bold", 2, 0)],
    "contracts": [("Able", 0.9, 1200, "2027-01-31"), ("Bold", 0.9, 900, "2027-05-31"), ("Calm", 0.8, 10, "2026-12-31")],
}


def frames(**rows: Rows) -> dict[str, pd.DataFrame]:
    return {name: frame_of(table_of_rows(NAMES[name], rows.get(name, ROWS[name]))) for name in NAMES}


def missing(source: str) -> pd.DataFrame:
    """The frame of a source that failed: its columns, as text, and no rows."""
    return frame_of(Table(columns=tuple(Column(name=name, type="string") for name in NAMES[source])))


def row(card: pd.DataFrame, vendor: str) -> dict[str, object]:
    names = list(card.columns)
    return next(dict(zip(names, cells, strict=True)) for cells in table_of(card).rows if cells[0] == vendor)


def test_each_vendor_s_figures_stand_in_one_row() -> None:
    assert row(scorecard(**frames()), "Able") == {
        "vendor": "Able",
        "spend": 100.25,
        "invoices": 4,
        "deliveries": 10,
        "on_time_share": 0.7,
        "on_time_target": 0.9,
        "below_target": 0.2,
        "rejected_share": 0.05,
        "complaints": 3,
        "high_severity": 1,
    }


def test_a_vendor_on_target_is_zero_below_it() -> None:
    assert row(scorecard(**frames()), "Bold")["below_target"] == 0


def test_the_worst_vendor_comes_first_then_complaints_then_spend() -> None:
    spend: Rows = [("Able", 1.0, 1), ("Bold", 5.0, 1), ("Calm", 3.0, 1), ("Dear", 9.0, 1)]
    deliveries: Rows = [(name, 10, 0.0 if name == "Able" else 1.0, 0.0) for name, *_ in spend]
    contracts: Rows = [(name, 0.9, 1, "2027-01-31") for name, *_ in spend]
    complaints: Rows = [("Calm", 2, 0)]
    card = scorecard(**frames(spend=spend, deliveries=deliveries, contracts=contracts, complaints=complaints))

    assert list(card["vendor"]) == ["Able", "Calm", "Dear", "Bold"]


def test_a_vendor_that_only_one_source_knows_is_in() -> None:
    card = scorecard(**frames(spend=[*ROWS["spend"], ("Dear", 7.0, 1)]))
    dear = row(card, "Dear")

    assert dear["spend"] == 7.0
    assert [name for name, cell in dear.items() if cell is None] == [
        "deliveries",
        "on_time_share",
        "on_time_target",
        "below_target",
        "rejected_share",
        "complaints",
        "high_severity",
    ]


def test_a_vendor_with_deliveries_that_no_complaint_names_had_none() -> None:
    calm = row(scorecard(**frames()), "Calm")

    assert calm["complaints"] == 0
    assert calm["high_severity"] == 0
    assert calm["rejected_share"] is None


@pytest.mark.parametrize("source", NAMES)
def test_the_figures_of_a_missing_source_are_missing_and_the_others_are_right(source: str) -> None:
    whole = scorecard(**frames()).set_index("vendor").sort_index()
    part = scorecard(**{**frames(), source: missing(source)}).set_index("vendor").sort_index()
    gone = [name for name in NAMES[source][1:] if name in whole.columns]
    gone += ["below_target"] if source in ("deliveries", "contracts") else []

    # Without deliveries nobody can say that a vendor without complaints had none.
    unsure = ["complaints", "high_severity"] if source == "deliveries" else []
    assert bool(part[gone].isna().all(axis=None))
    kept = [name for name in whole.columns if name not in (*gone, *unsure)]
    pd.testing.assert_frame_equal(part[kept], whole[kept])


def test_nothing_but_missing_sources_make_an_empty_scorecard() -> None:
    card = scorecard(**{name: missing(name) for name in NAMES})

    assert len(card) == 0
    assert "below_target" in card.columns


def test_a_column_without_values_is_missing() -> None:
    no_target: Rows = [("Able", None, None, None), ("Bold", None, None, None)]
    able = row(scorecard(**frames(contracts=no_target)), "Able")

    assert able["on_time_target"] is None
    assert able["below_target"] is None
    assert able["on_time_share"] == 0.7


def test_a_vendor_twice_in_a_source_is_refused() -> None:
    with pytest.raises(MergeError):
        scorecard(**frames(contracts=[*ROWS["contracts"], ("Able", 0.8, 1, "2025-12-31")]))
