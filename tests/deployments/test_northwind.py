"""A definition over a database that nobody here made: its figures are those of SQL written by hand."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest

from tests.deployments.commands import ROOT, Said, holdfast

NORTHWIND = ROOT.parent / "shared" / "data" / "northwind.db"
DEFINITION = str(ROOT / "tests" / "flows" / "northwind.yaml")

pytestmark = [
    pytest.mark.usefixtures("prefect_api"),
    pytest.mark.skipif(not NORTHWIND.exists(), reason="the Northwind database is not beside this checkout"),
]

# One statement, other joins and other arithmetic than the definition's, so that a shared mistake is unlikely.
BY_HAND = """
    WITH lines AS (
        SELECT p.SupplierID AS supplier_id, o.OrderID AS order_id, d.Quantity * d.UnitPrice AS gross,
               d.Quantity * d.UnitPrice * d.Discount AS off,
               JULIANDAY(o.ShippedDate) - JULIANDAY(o.RequiredDate) AS days
        FROM Orders o, "Order Details" d, Products p
        WHERE d.OrderID = o.OrderID AND p.ProductID = d.ProductID
          AND o.OrderDate >= '1997-01-01' AND o.OrderDate < '1998-01-01'),
    ends AS (
        SELECT SupplierID AS supplier_id, SUM(UnitsInStock + UnitsOnOrder <= ReorderLevel) AS near
        FROM Products WHERE Discontinued = 0 GROUP BY SupplierID)
    SELECT s.CompanyName, ROUND(SUM(gross) - SUM(off), 2), COUNT(DISTINCT order_id),
           COUNT(DISTINCT IIF(days > 0, order_id, NULL)), COALESCE(MAX(near), 0)
    FROM lines JOIN Suppliers s ON s.SupplierID = lines.supplier_id LEFT JOIN ends ON ends.supplier_id = s.SupplierID
    GROUP BY s.SupplierID ORDER BY s.CompanyName
"""


def by_hand() -> list[tuple[Any, ...]]:
    with closing(connect(NORTHWIND)) as database:
        return database.execute(BY_HAND).fetchall()


def scorecard(capsys: pytest.CaptureFixture[str], warehouse: Path) -> Said:
    sources = (f"northwind={NORTHWIND}", f"warehouse={warehouse}")
    options = [word for source in sources for word in ("--source", source)]
    return holdfast(capsys, "run", DEFINITION, *options, "--decide", "sign-off=approve", "--json")


def rows_of(told: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    table = told["outputs"]["scorecard"]
    at = [[column["name"] for column in table["columns"]].index(name) for name in names]
    return [tuple(row[each] for each in at) for row in table["rows"]]


def test_the_scorecard_s_figures_are_those_of_sql_written_by_hand(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    copy = Path(shutil.copy(NORTHWIND, tmp_path / "warehouse.db"))
    said = scorecard(capsys, copy)
    told = json.loads(said.out)

    assert (said.status, told["state"]) == (0, "Completed")
    expected = by_hand()
    assert len(expected) == 29
    got = rows_of(told, "supplier", "spend", "orders", "late", "near_stock_out")
    assert [row[0] for row in got] == [row[0] for row in expected]
    assert [row[1] for row in got] == pytest.approx([row[1] for row in expected], abs=0.011)
    assert [row[2:] for row in got] == [row[2:] for row in expected]


def test_without_one_source_the_report_says_what_is_missing_and_the_other_figures_are_right(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = scorecard(capsys, tmp_path / "warehouse.db")
    told = json.loads(said.out)

    assert (said.status, told["state"]) == (3, "Degraded")
    assert [row[1:] for row in rows_of(told, "supplier", "orders", "late")] == [row[2:4] for row in by_hand()]
    assert {row[0] for row in rows_of(told, "near_stock_out")} == {None}
    missing = told["report"].partition("## What is missing")[2]
    assert "stock: source 'warehouse' has no file at" in missing
    assert len(told["deliveries"]) == 1
