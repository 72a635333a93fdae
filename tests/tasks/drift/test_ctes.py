"""Saved queries asked of real databases before a drift, and after it with the repair's CTEs in front."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Dialect, Relation, RelationName, Snapshot
from tasks.drift.ctes import with_rebuilt
from tests.blocks.source_databases import execute, rows

SHOP = (
    "CREATE TABLE vendors (id INTEGER PRIMARY KEY, name TEXT, region TEXT, parent_id INTEGER)",
    "INSERT INTO vendors VALUES (1, 'Acme', 'north', NULL), (2, 'Bolt', 'south', 1), (3, 'Cog', 'north', 2)",
    "CREATE TABLE invoices (id INTEGER PRIMARY KEY, vendor_id INTEGER, amount INTEGER)",
    "INSERT INTO invoices VALUES (1, 1, 10), (2, 1, 30), (3, 2, 50), (4, 9, 70)",
    'CREATE TABLE "Order Details" (id INTEGER, "Unit Price" INTEGER)',
    'INSERT INTO "Order Details" VALUES (1, 5), (2, 7)',
)
DRIFT = (
    "ALTER TABLE vendors RENAME TO vendors_v2",
    "ALTER TABLE vendors_v2 RENAME COLUMN name TO vendor_name",
    # What still reads the old name gives a wrong answer, not an error.
    "CREATE TABLE vendors (id INTEGER, name TEXT, region TEXT, parent_id INTEGER)",
    "INSERT INTO vendors VALUES (1, 'decoy', 'north', NULL), (2, 'decoy', 'decoy', 1)",
    "ALTER TABLE invoices RENAME COLUMN amount TO total",
    'ALTER TABLE "Order Details" RENAME TO order_lines',
    'ALTER TABLE order_lines RENAME COLUMN "Unit Price" TO unit_price',
)
BOTH = (
    "SELECT name FROM vendors",
    "SELECT * FROM vendors",
    "SELECT vendors.*, v.name FROM vendors JOIN vendors AS v ON v.id = vendors.parent_id",
    "SELECT v.name, i.amount FROM vendors v LEFT JOIN invoices i ON i.vendor_id = v.id",
    "SELECT name FROM (SELECT name, region FROM vendors WHERE region = 'north') AS n",
    "SELECT name FROM vendors WHERE id IN (SELECT vendor_id FROM invoices WHERE amount > 20)",
    "SELECT name, (SELECT SUM(amount) FROM invoices WHERE vendor_id = vendors.id) AS spend FROM vendors",
    "SELECT name FROM vendors AS v WHERE EXISTS (SELECT 1 FROM vendors WHERE vendors.parent_id = v.id)",
    "WITH north AS (SELECT * FROM vendors WHERE region = 'north') SELECT name, amount FROM north, invoices",
    "WITH RECURSIVE up(id, depth) AS (SELECT id, 0 FROM vendors WHERE parent_id IS NULL UNION ALL"
    " SELECT v.id, depth + 1 FROM vendors v JOIN up ON v.parent_id = up.id) SELECT * FROM up",
    "SELECT id, name FROM vendors UNION SELECT id, 'invoice' FROM invoices WHERE amount < 40",
    "SELECT id FROM invoices EXCEPT SELECT id FROM vendors",
    "SELECT name, RANK() OVER (PARTITION BY region ORDER BY id DESC) AS place FROM vendors",
    "SELECT {schema}.vendors.name, vendors.region FROM {schema}.vendors ORDER BY {schema}.vendors.id",
    "SELECT (SELECT MAX(amount) FROM invoices WHERE vendor_id = {schema}.vendors.id) AS most FROM {schema} . vendors",
    "SELECT v.name, i.amount FROM {schema}.vendors AS v JOIN {schema}.invoices i ON i.vendor_id = v.id",
    'SELECT "Unit Price", "Order Details".id FROM "Order Details"',
    'SELECT {schema}."Order Details"."Unit Price" AS price FROM {schema}."Order Details"',
    "-- spend\n/* by vendor */ select  Name,  AMOUNT from  VENDORS /* old */"
    " join Invoices on vendor_id = vendors.id ; -- end",
    "  /* a */ WITH /* b */ big AS (SELECT * FROM invoices WHERE amount > 20) SELECT name FROM big, vendors;",
    # A CTE of the table's own name.
    "WITH vendors AS (SELECT * FROM {schema}.vendors WHERE region = 'north') SELECT name FROM vendors",
    "WITH vendors AS (SELECT 7 AS id, amount FROM invoices) SELECT vendors.*, v.name"
    " FROM vendors, {schema}.vendors AS v",
    "SELECT v.name, n.name FROM vendors v, (WITH vendors AS (SELECT 'x' AS name) SELECT name FROM vendors) AS n",
    "WITH vendors AS (SELECT {schema}.vendors.id FROM {schema}.vendors) SELECT vendors.id, amount"
    " FROM vendors, invoices",
    "WITH vendors_now AS (SELECT 1 AS one), vendors AS (SELECT name FROM {schema}.vendors)"
    " SELECT * FROM vendors, vendors_now",
)
SQLITE = (
    "SELECT o.[Unit Price], `order details`.id FROM [Order Details] JOIN `ORDER DETAILS` AS o USING (id)",
    "SELECT main.v.name FROM Main.Vendors AS v WHERE v.id = 2",
    "WITH north AS (SELECT id FROM vendors WHERE region = 'north') SELECT id FROM invoices WHERE id IN north",
    "WITH n AS (SELECT name FROM vendors), vendors AS (SELECT 'own' AS name) SELECT name FROM n",
    "WITH vendors(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM vendors WHERE n < 3) SELECT n, v.name"
    " FROM vendors JOIN main.vendors AS v ON v.id = n",
)
POSTGRESQL = (
    "(SELECT name FROM vendors) UNION (SELECT region FROM public.vendors)",
    "(SELECT name FROM vendors) ORDER BY name LIMIT 2",
    "WITH vendors AS (SELECT * FROM vendors WHERE region = 'north') SELECT name FROM vendors",
    "WITH vendors AS (SELECT vendors.* FROM vendors WHERE vendors.id > 1) SELECT vendors.name FROM vendors",
    "WITH n AS (SELECT name FROM vendors), vendors AS (SELECT 'own' AS name) SELECT n.name, v.name FROM n, vendors v",
    "WITH RECURSIVE n AS (SELECT name FROM vendors), vendors AS (SELECT 'own' AS name) SELECT name FROM n",
    "WITH RECURSIVE vendors(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM vendors WHERE n < 3) SELECT n, v.name"
    " FROM vendors JOIN public.vendors AS v ON v.id = n",
    "SELECT v.name, l.amount FROM vendors v, LATERAL (SELECT amount FROM invoices WHERE vendor_id = v.id) l",
    "SELECT COUNT(public.vendors.*), MAX(row_to_json(vendors)::text) FROM public.vendors",
    "SELECT name::text, ARRAY(SELECT amount FROM invoices WHERE vendor_id = vendors.id ORDER BY 1) FROM vendors",
)


def _rebuilt(schema: str) -> dict[RelationName, str]:
    return {
        RelationName(schema, "vendors"): f"SELECT id, vendor_name AS name, region, parent_id FROM {schema}.vendors_v2",  # noqa: S608  a test's own
        RelationName(schema, "invoices"): f"SELECT id, vendor_id, total AS amount FROM {schema}.invoices",  # noqa: S608  a test's own
        RelationName(schema, "Order Details"): f'SELECT id, unit_price AS "Unit Price" FROM {schema}.order_lines',  # noqa: S608  a test's own
    }


def _with_rebuilt(sql: str, dialect: Dialect, rebuilt: Mapping[RelationName, str]) -> str:
    before = Snapshot(
        dialect=dialect,
        database="shop",
        search_path=("main",) if dialect == "sqlite" else ("public",),
        fingerprint="1",
        relations=tuple(Relation(name=name, kind="table", columns=()) for name in (*rebuilt, *ORDERS)),
    )
    return with_rebuilt(sql, rebuilt, before)


def _on_sqlite(sql: str) -> str:
    return _with_rebuilt(sql, "sqlite", _rebuilt("main"))


def _on_postgresql(sql: str) -> str:
    return _with_rebuilt(sql, "postgresql", _rebuilt("public"))


def _asked(database: sqlite3.Connection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    cursor = database.execute(sql)
    return [column[0] for column in cursor.description], sorted(cursor.fetchall(), key=repr)


@pytest.mark.parametrize("sql", [*(each.format(schema="main") for each in BOTH), *SQLITE])
def test_a_repaired_query_gives_the_old_answer_on_sqlite(sql: str) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(";".join(SHOP))
        before = _asked(database, sql)
        database.executescript(";".join(DRIFT))

        assert before[1]
        assert _asked(database, _on_sqlite(sql)) == before


@pytest.mark.parametrize("sql", [*(each.format(schema="public") for each in BOTH), *POSTGRESQL])
async def test_a_repaired_query_gives_the_old_answer_on_postgresql(sql: str, fresh_postgres_url: str) -> None:
    await execute(fresh_postgres_url, *SHOP)
    before = await rows(fresh_postgres_url, sql)
    await execute(fresh_postgres_url, *DRIFT)
    after = await rows(fresh_postgres_url, _on_postgresql(sql))

    assert before
    assert sorted(after, key=repr) == sorted(before, key=repr)


TWO_SCHEMAS = (
    "CREATE SCHEMA sales",
    "CREATE TABLE sales.orders (id INTEGER, amount INTEGER)",
    "CREATE TABLE public.orders (id INTEGER, amount INTEGER)",
    'CREATE TABLE sales."order" (id INTEGER, amount INTEGER)',
    "INSERT INTO sales.orders VALUES (1, 10), (2, 20)",
    "INSERT INTO public.orders VALUES (1, 300), (3, 500)",
    'INSERT INTO sales."order" VALUES (1, 7)',
)
TWO_SCHEMAS_DRIFT = (
    "ALTER TABLE sales.orders RENAME COLUMN amount TO total",
    "ALTER TABLE public.orders RENAME COLUMN amount TO total",
    'ALTER TABLE sales."order" RENAME COLUMN amount TO total',
)
ORDERS = {
    RelationName("sales", "orders"): "SELECT id, total AS amount FROM sales.orders",
    RelationName("public", "orders"): "SELECT id, total AS amount FROM public.orders",
    RelationName("sales", "order"): 'SELECT id, total AS amount FROM sales."order"',
}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sales.orders.amount, public.orders.amount FROM sales.orders JOIN public.orders"
        " ON sales.orders.id = public.orders.id",
        "SELECT s.amount, orders.amount FROM sales.orders AS s JOIN orders USING (id)",
        "SELECT amount FROM orders UNION ALL SELECT orders.amount FROM sales.orders",
        "SELECT orders.amount FROM sales.orders WHERE EXISTS (SELECT 1 FROM orders AS o WHERE o.id = orders.id)",
        "SELECT sales.order.amount FROM sales.order",
        "SELECT sales.orders.* FROM sales.orders, public.orders",
    ],
)
async def test_two_schemas_with_one_table_name_are_told_apart(sql: str, fresh_postgres_url: str) -> None:
    await execute(fresh_postgres_url, *TWO_SCHEMAS)
    before = await rows(fresh_postgres_url, sql)
    await execute(fresh_postgres_url, *TWO_SCHEMAS_DRIFT)
    after = await rows(fresh_postgres_url, _with_rebuilt(sql, "postgresql", ORDERS))

    assert before
    assert sorted(after) == sorted(before)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT s.amount, orders.amount FROM sales.orders AS s JOIN orders USING (id)",
        "SELECT sales.orders.amount, public.orders.amount FROM sales.orders JOIN public.orders"
        " ON sales.orders.id = public.orders.id",
    ],
)
async def test_an_unchanged_table_of_the_same_name_stays_itself(sql: str, fresh_postgres_url: str) -> None:
    sales = RelationName("sales", "orders")
    await execute(fresh_postgres_url, *TWO_SCHEMAS)
    before = await rows(fresh_postgres_url, sql)
    await execute(fresh_postgres_url, TWO_SCHEMAS_DRIFT[0])
    repaired = _with_rebuilt(sql, "postgresql", {sales: ORDERS[sales]})

    assert await rows(fresh_postgres_url, repaired) == before


async def test_names_that_need_quotes_get_them_on_postgresql(fresh_postgres_url: str) -> None:
    sql = 'SELECT "Big".id, "user".id FROM "Big", "user"'
    await execute(fresh_postgres_url, "CREATE TABLE now (n INTEGER)", "INSERT INTO now VALUES (4)")
    rebuilt = {RelationName("public", name): "SELECT n AS id FROM public.now" for name in ("Big", "user", "unused")}
    repaired = _with_rebuilt(sql, "postgresql", rebuilt)

    assert repaired.startswith('WITH "Big" AS (SELECT')
    assert await rows(fresh_postgres_url, repaired) == [(4, 4)]


VENDORS = {RelationName("main", "vendors"): "SELECT id, vendor_name AS name FROM main.vendors_v2"}
REBUILT = "(SELECT id, vendor_name AS name FROM main.vendors_v2)"


@pytest.mark.parametrize(
    ("sql", "repaired"),
    [
        (
            "-- a\nSELECT  Name\nFROM VENDORS\tLIMIT :limit; -- é",
            "-- a\nWITH vendors AS {rebuilt} SELECT  Name\nFROM VENDORS\tLIMIT :limit; -- é",
        ),
        (
            "SELECT 'é', v.id FROM main.vendors v WHERE name = :name",
            "WITH vendors AS {rebuilt} SELECT 'é', v.id FROM vendors v WHERE name = :name",
        ),
        (
            "with a as (select 1) SELECT * FROM a, vendors",
            "with vendors AS {rebuilt}, a as (select 1) SELECT * FROM a, vendors",
        ),
        (
            "WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a, vendors",
            "WITH RECURSIVE vendors AS {rebuilt}, a AS (SELECT 1) SELECT * FROM a, vendors",
        ),
        (
            "WITH vendors AS (SELECT main.vendors.id FROM main.vendors) SELECT * FROM vendors",
            "WITH vendors_now AS {rebuilt},"
            " vendors AS (SELECT vendors.id FROM vendors_now AS vendors) SELECT * FROM vendors",
        ),
        ("SELECT id FROM invoices WHERE vendors > 1", "SELECT id FROM invoices WHERE vendors > 1"),
        ("WITH vendors AS (SELECT 1) SELECT * FROM vendors", "WITH vendors AS (SELECT 1) SELECT * FROM vendors"),
        ("SELECT 1 WHERE 1 IN main.vendors", "WITH vendors AS {rebuilt} SELECT 1 WHERE 1 IN vendors"),
    ],
)
def test_the_text_stays_as_it_was_but_for_the_repair(sql: str, repaired: str) -> None:
    assert _with_rebuilt(sql, "sqlite", VENDORS) == repaired.replace("{rebuilt}", REBUILT)


def test_without_anything_rebuilt_the_sql_comes_back() -> None:
    assert _with_rebuilt("no SQL at all", "sqlite", {}) == "no SQL at all"


def test_a_view_that_still_reads_the_table_is_not_captured() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(";".join([*SHOP, "CREATE VIEW regions AS SELECT region FROM vendors", *DRIFT]))
        now = database.execute("SELECT region FROM regions").fetchall()
        repaired = _on_sqlite("SELECT regions.region FROM regions JOIN vendors ON vendors.id = 1")

        assert database.execute(repaired).fetchall() == now


@pytest.mark.parametrize(
    ("sql", "dialect", "rebuilt", "why"),
    [
        ("VALUES (1)", "sqlite", VENDORS, "no query"),
        ("SELECT 1; SELECT 2 FROM vendors", "sqlite", VENDORS, "2 statements"),
        ("SELECT main.vendors.id + 1 FROM main.vendors", "sqlite", VENDORS, "give it a name with AS"),
        (
            "SELECT 1 AS n FROM main.vendors WHERE EXISTS (SELECT 1 FROM (SELECT 1) vendors WHERE main.vendors.id > 1)",
            "sqlite",
            VENDORS,
            "give that table an alias",
        ),
        ("SELECT id FROM vendors", "sqlite", {RelationName("main", "vendors"): "SELECT 1 FROM vendors"}, "its schema"),
        ("SELECT id FROM vendors", "sqlite", {RelationName("main", "vendors"): "SELECT 1 AS id --"}, "no WITH"),
        ("SELECT id FROM ONLY orders", "postgresql", ORDERS, "ONLY"),
        ("SELECT id FROM orders TABLESAMPLE SYSTEM (10)", "postgresql", ORDERS, "TABLESAMPLE"),
        ("(WITH a AS (SELECT 1) SELECT id FROM a, orders)", "postgresql", ORDERS, "parentheses"),
    ],
)
def test_what_no_cte_can_repair_is_refused(
    sql: str, dialect: Dialect, rebuilt: Mapping[RelationName, str], why: str
) -> None:
    with pytest.raises(QueryRefused, match=why):
        _with_rebuilt(sql, dialect, rebuilt)
