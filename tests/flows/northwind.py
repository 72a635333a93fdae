"""Transforms of the supplier scorecard that the tests run over the Northwind database."""

import pandas as pd


def joined(spend: pd.DataFrame, late: pd.DataFrame, stock: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per supplier: its revenue, late shipments, and products near stock-out where those are known."""
    merged = spend.merge(late, on="supplier", how="outer")
    return merged if stock is None else merged.merge(stock, on="supplier", how="outer")
