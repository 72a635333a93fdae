"""The transform of vendor-performance: what finance, operations and procurement know of a vendor, in one row."""

from collections.abc import Sequence
from functools import reduce

import pandas as pd

_COLUMNS = [
    "vendor",
    "spend",
    "invoices",
    "deliveries",
    "on_time_share",
    "on_time_target",
    "below_target",
    "rejected_share",
    "complaints",
    "high_severity",
]
_COUNTS = ["invoices", "deliveries", "complaints", "high_severity"]


def scorecard(
    spend: pd.DataFrame, deliveries: pd.DataFrame, complaints: pd.DataFrame, contracts: pd.DataFrame
) -> pd.DataFrame:
    """One row per vendor that any of the frames names, worst first: below target, then complaints, then spend.

    A figure whose source has no rows is missing (NA), never zero. `below_target` is how far the on-time share is under
    the contract's target, 0 when it is not. Shares are from 0 to 1; spend has two decimals.

    Raises:
        pandas.errors.MergeError: a frame names a vendor twice; one of its figures would be counted twice.
        ValueError: a figure is not a number.
    """
    card = reduce(
        _joined,
        (
            _figures(spend, ["spend", "invoices"]),
            _figures(deliveries, ["deliveries", "on_time_share", "rejected_share"]),
            _figures(complaints, ["complaints", "high_severity"]),
            _figures(contracts, ["on_time_target"]),
        ),
    )
    if len(complaints):
        # Complaints are grouped by vendor: one whose deliveries are known and that is not among them had none.
        quiet = card["deliveries"].notna() & card["complaints"].isna()
        card.loc[quiet, ["complaints", "high_severity"]] = 0
    card["below_target"] = (card["on_time_target"] - card["on_time_share"]).clip(lower=0).round(4)
    card["spend"] = card["spend"].round(2)
    card = card.astype(dict.fromkeys(_COUNTS, "Int64"))
    worst_first = ["below_target", "complaints", "spend", "vendor"]
    return card.sort_values(worst_first, ascending=[False, False, False, True], ignore_index=True)[_COLUMNS]


def _figures(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The vendor and these figures; a column without values comes as text, so its type is set here."""
    numbers = {name: pd.to_numeric(frame[name]).astype("Float64") for name in names}
    return pd.DataFrame({"vendor": frame["vendor"].astype("str"), **numbers})


def _joined(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return left.merge(right, on="vendor", how="outer", validate="one_to_one")
