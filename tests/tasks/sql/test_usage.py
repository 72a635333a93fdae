"""Which relations and columns a statement uses; SQLite itself is asked whether that is true."""

import sqlite3
from collections.abc import Iterator

import pytest

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Column, Dialect, Relation, RelationName, Snapshot
from tasks.sql.usage import Usage, usage

TABLES = {
    "vendors": ("VendorId", "Name", "Region"),
    "orders": ("id", "VendorId", "total", "day", "tags"),
    "Order Details": ("Order Id", "Qty", "id"),
    "notes": ("author", "text"),
}
VIEWS = {"big": ("id", "total")}
CREATED = """
CREATE TABLE vendors (VendorId INTEGER PRIMARY KEY, Name TEXT, Region TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, VendorId INT, total NUMERIC, day TEXT, tags TEXT);
CREATE TABLE "Order Details" ("Order Id" INT, Qty INT, id INT);
CREATE TABLE notes (author TEXT, text TEXT);
CREATE VIEW big AS SELECT id, total FROM orders WHERE total > 5;
"""


def _relation(schema: str, name: str, columns: tuple[str, ...]) -> Relation:
    kind = "view" if name in VIEWS else "table"
    described = tuple(Column(name=each, type="text", nullable=True) for each in columns)
    return Relation(name=RelationName(schema, name), kind=kind, columns=described)


def _snapshot(dialect: Dialect, relations: list[Relation], *path: str) -> Snapshot:
    return Snapshot(dialect=dialect, database="shop", search_path=path, fingerprint="1", relations=tuple(relations))


SQLITE = _snapshot("sqlite", [_relation("main", *each) for each in (TABLES | VIEWS).items()], "main")
POSTGRESQL = _snapshot(
    "postgresql",
    [
        _relation("public", "vendors", ("vendorid", "name", "region")),
        _relation("public", "orders", ("id", "vendorid", "total", "day", "tags")),
        _relation("public", "Order Details", ("Order Id", "Qty", "id")),
        _relation("public", "big", ("id", "total")),
        _relation("sales", "orders", ("number", "total")),
        _relation("sales", "leads", ("name",)),
    ],
    "public",
)
both = pytest.mark.parametrize("schema", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])


def _used(found: Usage) -> dict[str, list[str]]:
    """The columns in lower case, so that both dialects can be compared with one expectation."""
    return {str(name): [each.lower() for each in columns] for name, columns in found.relations.items()}


@both
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT day, id FROM orders", {"orders": ["id", "day"]}),
        ("SELECT * FROM big", {"big": ["id", "total"]}),
        ("SELECT COUNT(*) FROM orders", {"orders": []}),
        ("SELECT COUNT(*) FROM orders WHERE total > :least", {"orders": ["total"]}),
        ("SELECT 1 AS one", {}),
        ('SELECT "Qty" FROM "Order Details"', {"Order Details": ["qty"]}),
        ('SELECT d."Order Id" FROM "Order Details" AS d', {"Order Details": ["order id"]}),
        (
            "SELECT v.*, o.total FROM orders o JOIN vendors v ON v.vendorid = o.vendorid",
            {"orders": ["vendorid", "total"], "vendors": ["vendorid", "name", "region"]},
        ),
        ("SELECT a.id FROM orders a JOIN orders b ON a.day = b.day", {"orders": ["id", "day"]}),
        (
            "SELECT name FROM vendors JOIN orders USING (vendorid)",
            {"vendors": ["vendorid", "name"], "orders": ["vendorid"]},
        ),
        ("SELECT vendorid FROM vendors NATURAL JOIN orders", {"vendors": ["vendorid"], "orders": ["vendorid"]}),
        (
            'SELECT id FROM "Order Details" d JOIN (vendors v JOIN orders USING (vendorid)) USING (id)',
            {"Order Details": ["id"], "vendors": ["vendorid"], "orders": ["id", "vendorid"]},
        ),
        ("SELECT x FROM (SELECT total AS x, day FROM orders) AS s", {"orders": ["total", "day"]}),
        (
            "SELECT id FROM orders WHERE vendorid IN (SELECT vendorid FROM vendors)",
            {"orders": ["id", "vendorid"], "vendors": ["vendorid"]},
        ),
        (
            "SELECT name, (SELECT MAX(total) FROM orders o WHERE o.vendorid = v.vendorid) AS most FROM vendors v",
            {"vendors": ["vendorid", "name"], "orders": ["vendorid", "total"]},
        ),
        (
            "SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM vendors WHERE name = day)",
            {"orders": ["id", "day"], "vendors": ["name"]},
        ),
        ("WITH recent AS (SELECT id FROM orders WHERE day > :since) SELECT id FROM recent", {"orders": ["id", "day"]}),
        ("WITH vendors AS (SELECT total FROM orders) SELECT total FROM vendors", {"orders": ["total"]}),
        (
            "WITH RECURSIVE u(n, x) AS (SELECT id, day FROM orders UNION ALL SELECT n + 1, x FROM u) SELECT x FROM u",
            {"orders": ["id", "day"]},
        ),
        ("WITH v(a, b) AS (VALUES (1, 2)) SELECT a FROM v JOIN orders ON b = id", {"orders": ["id"]}),
        ("SELECT column1 FROM (VALUES (1, 2)) AS v JOIN orders ON column2 = id", {"orders": ["id"]}),
        (
            "SELECT id FROM orders UNION SELECT vendorid FROM vendors ORDER BY id",
            {"orders": ["id"], "vendors": ["vendorid"]},
        ),
        ("SELECT total FROM orders EXCEPT SELECT total FROM big", {"orders": ["total"], "big": ["total"]}),
        (
            "SELECT SUM(total) OVER (PARTITION BY vendorid ORDER BY day) AS running FROM orders",
            {"orders": ["vendorid", "total", "day"]},
        ),
        ("SELECT SUM(total) OVER w AS s FROM orders WINDOW w AS (ORDER BY day)", {"orders": ["total", "day"]}),
        ("SELECT region AS r, COUNT(*) AS n FROM vendors GROUP BY r ORDER BY n", {"vendors": ["region"]}),
        ("SELECT region FROM vendors GROUP BY 1 HAVING MAX(name) > 'a'", {"vendors": ["name", "region"]}),
        ("SELECT id AS day FROM orders ORDER BY day", {"orders": ["id"]}),
        ("SELECT id AS x FROM orders ORDER BY total", {"orders": ["id", "total"]}),
        (
            "SELECT x.total FROM (orders JOIN vendors USING (vendorid)) AS x WHERE 1 = 0",
            {"orders": ["id", "vendorid", "total", "day", "tags"], "vendors": ["vendorid", "name", "region"]},
        ),
    ],
)
def test_the_relations_and_columns_that_a_statement_uses_are_found(
    schema: Snapshot, sql: str, expected: dict[str, list[str]]
) -> None:
    found = usage(sql, schema)

    assert _used(found) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT NAME FROM Vendors WHERE [region] = 'x'", {"vendors": ["Name", "Region"]}),
        ("SELECT `Order Id` FROM [order details]", {"Order Details": ["Order Id"]}),
        ("SELECT main.orders.id FROM main.orders", {"orders": ["id"]}),
        ('SELECT name FROM vendors WHERE region = "West"', {"vendors": ["Name", "Region"]}),
        ("SELECT rowid, v._rowid_, oid FROM vendors v", {"vendors": []}),
        ("SELECT o.id, value FROM orders o, json_each(o.tags) WHERE key > 1", {"orders": ["id", "tags"]}),
        (
            "SELECT day FROM orders WHERE EXISTS (SELECT 1 FROM json_each(tags) WHERE value = 'x' AND day > 1)",
            {"orders": ["day", "tags"]},
        ),
        ("SELECT json_each.value FROM orders, json_each(tags)", {"orders": ["tags"]}),
        ("SELECT value FROM generate_series(1, 3) JOIN notes ON author = value", {"notes": ["author"]}),
        ("SELECT total AS t FROM orders WHERE t > 1", {"orders": ["total"]}),
        (
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT day FROM n, orders",
            {"orders": ["day"]},
        ),
        ("WITH a AS (SELECT x FROM b), b AS (SELECT id AS x FROM orders) SELECT x FROM a", {"orders": ["id"]}),
        ("WITH One AS (SELECT id FROM orders) SELECT day FROM orders WHERE id IN one", {"orders": ["id", "day"]}),
        ("SELECT id FROM orders INDEXED BY by_day", {"orders": ["id"]}),
        (
            "SELECT id FROM orders UNION SELECT vendorid AS v FROM vendors ORDER BY v",
            {"orders": ["id"], "vendors": ["VendorId"]},
        ),
        (
            'SELECT o.id AS id FROM orders o JOIN "Order Details" ORDER BY id COLLATE NOCASE',
            {"orders": ["id"], "Order Details": []},
        ),
    ],
)
def test_sqlite_s_own_ways_are_known(sql: str, expected: dict[str, list[str]]) -> None:
    found = usage(sql, SQLITE)

    assert {str(name): list(columns) for name, columns in found.relations.items()} == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT NUMBER FROM Sales.Orders", {"sales.orders": ["number"]}),
        ("SELECT sales.orders.total, o.id FROM sales.orders, orders o", {"sales.orders": ["total"], "orders": ["id"]}),
        ("SELECT n FROM sales.orders AS o(n)", {"sales.orders": ["number"]}),
        ("SELECT o FROM sales.orders AS o", {"sales.orders": ["number", "total"]}),
        ("SELECT COUNT(o.*) FROM sales.orders AS o", {"sales.orders": ["number", "total"]}),
        ("SELECT ctid, o.xmin FROM orders o", {"orders": []}),
        ("SELECT g FROM generate_series(1, 3) AS g JOIN orders ON id = g.g", {"orders": ["id"]}),
        ("SELECT g.i FROM generate_series(1, 3) AS g(i)", {}),
        ("SELECT tag FROM orders, unnest(orders.tags) AS tag", {"orders": ["tags"]}),
        ("SELECT key FROM orders, json_each(tags)", {"orders": ["tags"]}),
        (
            "SELECT l.x FROM orders CROSS JOIN LATERAL jsonb_to_recordset(tags) AS l(x int, y text)",
            {"orders": ["tags"]},
        ),
        (
            "SELECT x FROM vendors v, LATERAL (SELECT total FROM orders WHERE day = v.name) AS l(x)",
            {"vendors": ["name"], "orders": ["total", "day"]},
        ),
        ("SELECT DISTINCT ON (d) day AS d, total FROM orders ORDER BY d, id", {"orders": ["id", "total", "day"]}),
        ("SELECT total::int, EXTRACT(year FROM day) AS y FROM orders", {"orders": ["total", "day"]}),
        ("SELECT count FROM (SELECT COUNT(*) FROM orders) AS c", {"orders": []}),
        (
            "SELECT COUNT(*) FROM orders o JOIN sales.leads ON name = day JOIN vendors ON region = day",
            {"orders": ["day"], "sales.leads": ["name"], "vendors": ["region"]},
        ),
        (
            "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY total) AS m FROM orders GROUP BY ROLLUP (day)",
            {"orders": ["total", "day"]},
        ),
    ],
)
def test_postgresql_s_own_ways_are_known(sql: str, expected: dict[str, list[str]]) -> None:
    found = usage(sql, POSTGRESQL)

    assert {str(name): list(columns) for name, columns in found.relations.items()} == expected


@pytest.mark.parametrize(
    ("schema", "sql", "expected"),
    [
        (
            SQLITE,
            "SELECT NAME, region AS Place, 1, 'x', COUNT(*), CAST(name AS int) FROM vendors",
            ("Name", "Place", "", "", "", ""),
        ),
        (
            SQLITE,
            "SELECT * FROM vendors JOIN orders USING (VendorId)",
            ("VendorId", "Name", "Region", "id", "total", "day", "tags"),
        ),
        (SQLITE, "SELECT o.*, v.name FROM notes o, vendors v", ("author", "text", "Name")),
        (SQLITE, "SELECT * FROM (SELECT Total AS Sum, DAY FROM orders)", ("Sum", "DAY")),
        (SQLITE, "WITH n(Idx) AS (SELECT 1) SELECT idx FROM n", ("Idx",)),
        (SQLITE, "SELECT id FROM big UNION SELECT total FROM big", ("id",)),
        (SQLITE, "SELECT * FROM generate_series(1, 2)", ("value",)),
        (
            POSTGRESQL,
            'SELECT Name, region AS Place, region AS "Place", COUNT(*), day::text FROM vendors, orders',
            ("name", "place", "Place", "", "day"),
        ),
        (
            POSTGRESQL,
            "SELECT * FROM orders JOIN vendors USING (vendorid)",
            ("vendorid", "id", "total", "day", "tags", "name", "region"),
        ),
        (POSTGRESQL, "SELECT * FROM sales.orders AS o(n)", ("n", "total")),
        (POSTGRESQL, "(SELECT id FROM orders) LIMIT 1", ("id",)),
        (POSTGRESQL, "((SELECT id FROM orders) ORDER BY id) LIMIT 1", ("id",)),
        (POSTGRESQL, "SELECT user, CURRENT_DATE FROM orders", ("user", "")),
    ],
)
def test_the_outputs_are_named_as_the_database_names_them(
    schema: Snapshot, sql: str, expected: tuple[str, ...]
) -> None:
    assert usage(sql, schema).outputs == expected


@both
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "SELECT id FROM ordrs",
            "the SQL reads ordrs; the database has no table or view of that name; did you mean orders?",
        ),
        (
            "SELECT id FROM orders WHERE id IN (SELECT x FROM zzz)",
            "the SQL reads zzz; the database has no table or view of that name; name one that is there",
        ),
        ("SELECT totl FROM orders", "the SQL uses totl; orders has no column of that name; did you mean total?"),
        ("SELECT o.totl FROM orders o", "the SQL uses o.totl; orders has no column of that name; did you mean total?"),
        ("SELECT id FROM orders GROUP BY id HAVING MAX(totl) > 1", "the SQL uses totl; orders has no column"),
        ("SELECT id FROM orders ORDER BY totl", "the SQL uses totl; orders has no column"),
        ("SELECT p.id FROM orders o", "the SQL uses p.id; nothing that it reads there is called p;"),
        (
            "SELECT x.day FROM (SELECT id FROM orders) AS x",
            "the SQL uses x.day; x has no column of that name; name one",
        ),
        (
            "SELECT id FROM orders, big",
            "the SQL uses id; orders and big each have a column of that name; write which is meant, such as orders.id",
        ),
        ("SELECT total AS t, t + 1 FROM orders", "the SQL uses t; orders has no column"),
        ("SELECT day FROM orders JOIN vendors USING (day)", "the SQL uses USING (day); vendors has no column"),
        (
            "SELECT id FROM orders UNION SELECT total FROM big ORDER BY zzz",
            "the SQL uses zzz; what it reads there has no",
        ),
        (
            "SELECT s.id FROM orders o, (SELECT id FROM big WHERE id = o.day) AS s",
            "nothing that it reads there is called o;",
        ),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_those_like_it(schema: Snapshot, sql: str, message: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        usage(sql, schema)

    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("schema", "sql"),
    [
        (SQLITE, "SELECT name FROM vendors WHERE region = [West]"),
        (SQLITE, "SELECT name FROM vendors WHERE region = `West`"),
        (SQLITE, 'SELECT v."West" FROM vendors v'),
        (POSTGRESQL, 'SELECT name FROM vendors WHERE region = "West"'),
        (POSTGRESQL, 'SELECT "Name" FROM vendors'),
        (POSTGRESQL, 'SELECT name FROM "Vendors"'),
        (POSTGRESQL, "SELECT name FROM leads"),
        (POSTGRESQL, "SELECT total AS t FROM orders WHERE t > 1"),
        (POSTGRESQL, "SELECT rowid FROM orders"),
    ],
)
def test_what_one_database_knows_and_the_other_does_not_is_refused(schema: Snapshot, sql: str) -> None:
    with pytest.raises(QueryRefused):
        usage(sql, schema)


def test_a_statement_that_writes_is_refused() -> None:
    with pytest.raises(QueryRefused, match="writes"):
        usage("DELETE FROM orders", SQLITE)


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(CREATED)
    yield connection
    connection.close()


def _read_by_sqlite(database: sqlite3.Connection, sql: str) -> dict[str, set[str]]:
    """The reads that SQLite asks to be allowed while it prepares the statement."""
    reads: dict[str, set[str]] = {}

    def allow(action: int, table: str | None, column: str | None, _: str | None, view: str | None) -> int:
        # What a view reads for itself is not the statement's (a CTE's reads are, and carry its name in the same place);
        # json_each and sqlite_master are no relations of ours.
        if action == sqlite3.SQLITE_READ and view not in VIEWS and table in TABLES | VIEWS:
            # '' says that a table is read with no column of it, ROWID that only its hidden key is.
            reads.setdefault(table, set()).update({column or ""} - {"", "ROWID"})
        return sqlite3.SQLITE_OK

    database.set_authorizer(allow)
    try:
        # Some statements have parameters: their number does not matter for what is read.
        database.execute(f"EXPLAIN {sql}", {"p": 1})
    finally:
        database.set_authorizer(None)
    return reads


TRUTH = [
    "SELECT vendorid FROM vendors",
    "SELECT * FROM big",
    "SELECT COUNT(*) FROM vendors",
    "SELECT n.*, (name) FROM notes n, vendors",
    "SELECT rowid FROM notes",
    'SELECT [Order Id], `Qty` FROM "order details" WHERE "nothing" = id',
    "SELECT total FROM main.orders WHERE day > :p ORDER BY tags",
    "SELECT a.id FROM orders a LEFT JOIN orders b ON a.day = b.tags",
    "SELECT id FROM orders WHERE EXISTS (SELECT * FROM vendors WHERE vendors.vendorid = orders.vendorid)",
    "SELECT a FROM (SELECT total AS a, day FROM orders)",
    "SELECT name, (SELECT MAX(total) FROM orders o WHERE o.vendorid = v.vendorid) FROM vendors v",
    "SELECT id FROM orders WHERE total = (SELECT MAX(total) FROM orders i WHERE i.vendorid = orders.vendorid)",
    "WITH n(i) AS (SELECT id FROM orders UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
    "SELECT VENDORID FROM vendors UNION SELECT id FROM orders",
    "SELECT * FROM (SELECT VENDORID FROM vendors UNION SELECT id FROM orders)",
    "SELECT vendorId FROM (SELECT x.* FROM (SELECT VENDORID FROM vendors) x)",
    "WITH Orders AS (SELECT name FROM vendors) SELECT * FROM orders",
    "SELECT id FROM orders UNION SELECT region FROM vendors ORDER BY region",
    "SELECT total FROM orders INTERSECT SELECT total FROM big EXCEPT SELECT qty FROM [Order Details]",
    "SELECT region AS r, COUNT(*) FROM vendors GROUP BY r HAVING r > 'a' AND MAX(name) > 'b' ORDER BY 2",
    "SELECT id AS day FROM orders ORDER BY day",
    "SELECT id AS day FROM orders ORDER BY day || 'x'",
    "SELECT total + 1 AS total FROM orders GROUP BY total",
    "SELECT total AS t FROM orders o JOIN notes ON t > author",
    "SELECT SUM(total) OVER (PARTITION BY vendorid ORDER BY day) FROM orders",
    "SELECT SUM(total) OVER w FROM orders WINDOW w AS (ORDER BY day)",
    "SELECT COUNT(*) FILTER (WHERE day > 1) FROM orders",
    "SELECT o.id, value FROM orders o, json_each(o.tags)",
    "SELECT day FROM orders WHERE EXISTS (SELECT 1 FROM json_each(tags) WHERE value = total)",
    # SQLite 3.40 reads all columns of tables joined in brackets, so the statement does so too.
    "SELECT * FROM orders o JOIN (vendors v JOIN notes ON author = name) ON text = tags",
    "SELECT column1 FROM (VALUES (1, 2)) JOIN orders ON column2 = day",
    "WITH one AS (SELECT day FROM orders) SELECT author FROM notes WHERE text IN one",
    "SELECT CASE WHEN name LIKE 'a%' THEN region END AS x FROM vendors LIMIT 3",
    "SELECT b.id, v.name FROM big b JOIN vendors v ON v.vendorid = b.id",
]


@pytest.mark.parametrize("sql", TRUTH)
def test_sqlite_itself_reads_the_same_columns(database: sqlite3.Connection, sql: str) -> None:
    found = usage(sql, SQLITE)

    assert {name.name: set(columns) for name, columns in found.relations.items()} == _read_by_sqlite(database, sql)


@pytest.mark.parametrize("sql", TRUTH)
def test_sqlite_itself_names_the_outputs_the_same(database: sqlite3.Connection, sql: str) -> None:
    described = database.execute(sql, {"p": 1}).description

    found = usage(sql, SQLITE)

    assert len(found.outputs) == len(described)
    assert all(ours in ("", theirs) for ours, (theirs, *_) in zip(found.outputs, described, strict=True))


@pytest.mark.parametrize(
    ("sql", "unreported"),
    [
        ("SELECT name FROM vendors JOIN orders USING (vendorid)", {("vendors", "VendorId"), ("orders", "VendorId")}),
        ("SELECT vendorid, total FROM orders NATURAL JOIN vendors", {("vendors", "VendorId")}),
        ("SELECT * FROM vendors JOIN orders USING (vendorid)", {("orders", "VendorId")}),
    ],
)
def test_sqlite_compares_the_columns_of_using_without_asking_to_read_them(
    database: sqlite3.Connection, sql: str, unreported: set[tuple[str, str]]
) -> None:
    # SQLite makes the comparison itself, after names are looked up, and its authorizer is not asked about it.
    reported = {(table, column) for table, columns in _read_by_sqlite(database, sql).items() for column in columns}

    found = usage(sql, SQLITE)

    used = {(name.name, column) for name, columns in found.relations.items() for column in columns}
    assert used - reported == unreported
    assert reported <= used


def test_a_table_whose_name_is_in_quotes_is_called_by_it() -> None:
    schema = _snapshot("postgresql", [_relation("public", "Orders", ("id", "Total"))], "public")
    sql = 'SELECT "Orders"."Total" FROM "Orders" WHERE "Orders".id > 1'

    assert _used(usage(sql, schema)) == {"Orders": ["id", "total"]}
