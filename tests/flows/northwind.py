"""The transform of the supplier scorecard that the tests run over the Northwind database."""

import pandas as pd


def joined(spend: pd.DataFrame, late: pd.DataFrame, stock: pd.DataFrame) -> pd.DataFrame:
    """One row per supplier that had orders; a supplier that the stock query does not name has nothing near its end."""
    merged = spend.merge(late, on="supplier", how="outer").merge(stock, on="supplier", how="left")
    if len(stock):
        merged["near_stock_out"] = merged["near_stock_out"].fillna(0).astype("Int64")
    return merged.sort_values("supplier", ignore_index=True)
