"""What a statement uses of its database: checked against what SQLite itself says that it reads."""

import sqlite3
from collections.abc import Iterator

import pytest

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Column, Dialect, Relation, RelationName, Snapshot
from tasks.query.usage import usage

TABLES = {
    "vendors": ("id", "name", "city", "boss"),
    "invoices": ("id", "vendor_id", "amount", "paid_on"),
    "Order Details": ("OrderID", "Unit Price", "Quantity"),
}
QUERIES = {
    "plain": "SELECT name FROM vendors WHERE city = 'Ulm' ORDER BY id",
    "alias": "SELECT v.name AS who FROM vendors AS v ORDER BY who",
    "join": "SELECT v.name, i.amount FROM vendors v JOIN invoices i ON i.vendor_id = v.id",
    "unqualified": "SELECT name, amount FROM vendors JOIN invoices ON vendor_id = vendors.id",
    "self join": "SELECT a.name, b.city FROM vendors a JOIN vendors b ON b.id = a.boss",
    "star": "SELECT * FROM invoices",
    "star of one": "SELECT v.* FROM vendors v JOIN invoices i ON i.vendor_id = v.id",
    "sub-query in FROM": "SELECT s.total FROM (SELECT vendor_id, SUM(amount) AS total FROM invoices GROUP BY 1) s",
    "sub-query in WHERE": "SELECT name FROM vendors WHERE id IN (SELECT vendor_id FROM invoices WHERE amount > 5)",
    "correlated": "SELECT name, (SELECT MAX(amount) FROM invoices i WHERE i.vendor_id = v.id) AS m FROM vendors v",
    "exists": "SELECT name FROM vendors WHERE EXISTS (SELECT 1 FROM invoices WHERE vendor_id = vendors.id)",
    "CTE": "WITH big AS (SELECT vendor_id FROM invoices WHERE amount > 5) SELECT vendor_id FROM big",
    "CTE of a table's name": "WITH invoices AS (SELECT id, city FROM vendors) SELECT city FROM invoices",
    "recursive": "WITH RECURSIVE up(id, boss) AS (SELECT id, boss FROM vendors WHERE city = 'Ulm' UNION ALL"
    " SELECT v.id, v.boss FROM vendors v JOIN up ON up.boss = v.id) SELECT id FROM up",
    "union": "SELECT name FROM vendors UNION SELECT paid_on FROM invoices ORDER BY name",
    "window": "SELECT id, SUM(amount) OVER (PARTITION BY vendor_id ORDER BY paid_on) AS running FROM invoices",
    "quoted": 'SELECT "Unit Price" * "Quantity" AS value FROM "Order Details" WHERE "OrderID" = 1',
    "having": "SELECT city FROM vendors GROUP BY city HAVING COUNT(name) > 1",
}


def schema(dialect: Dialect) -> Snapshot:
    relations = tuple(
        Relation(
            name=RelationName("main" if dialect == "sqlite" else "public", table),
            kind="table",
            columns=tuple(Column(name, "TEXT", True) for name in columns),
        )
        for table, columns in TABLES.items()
    )
    path = ("main",) if dialect == "sqlite" else ("public",)
    return Snapshot(dialect=dialect, database="shop", search_path=path, fingerprint="1", relations=relations)


def used(sql: str, dialect: Dialect = "sqlite") -> dict[str, tuple[str, ...]]:
    return {name.name: columns for name, columns in usage(sql, schema(dialect)).relations.items()}


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for table, columns in TABLES.items():
        connection.execute(
            f'CREATE TABLE "{table}" ({", ".join(f"{chr(34)}{each}{chr(34)} TEXT" for each in columns)})'
        )
    yield connection
    connection.close()


def read_by_sqlite(database: sqlite3.Connection, sql: str) -> dict[str, tuple[str, ...]]:
    """What SQLite's authorizer is asked about while it compiles the statement."""
    reads: dict[str, set[str]] = {}

    def allow(action: int, table: str | None, column: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and table in TABLES and column:
            reads.setdefault(table, set()).add(column)
        return sqlite3.SQLITE_OK

    database.set_authorizer(allow)
    database.execute(f"EXPLAIN {sql}")
    return {table: tuple(each for each in TABLES[table] if each in columns) for table, columns in reads.items()}


@pytest.mark.parametrize("query", QUERIES)
def test_the_columns_are_those_that_sqlite_reads(database: sqlite3.Connection, query: str) -> None:
    assert used(QUERIES[query]) == read_by_sqlite(database, QUERIES[query])


@pytest.mark.parametrize("query", QUERIES)
def test_postgresql_s_dialect_uses_the_same(query: str) -> None:
    assert used(QUERIES[query], "postgresql") == used(QUERIES[query])


def test_using_and_natural_joins_use_what_they_compare() -> None:
    # SQLite's authorizer does not say so.
    compared = {"vendors": ("id", "name"), "invoices": ("id",)}
    assert used("SELECT v.name FROM vendors v JOIN invoices USING (id)") == compared
    assert used("SELECT v.name FROM vendors v NATURAL JOIN invoices") == compared


def test_counting_rows_uses_the_table_and_none_of_its_columns() -> None:
    assert used("SELECT COUNT(*) AS n FROM invoices") == {"invoices": ()}


@pytest.mark.parametrize(
    ("sql", "outputs"),
    [
        ("SELECT * FROM vendors", ("id", "name", "city", "boss")),
        ("SELECT i.*, name AS who FROM vendors v JOIN invoices i ON i.id = v.id", (*TABLES["invoices"], "who")),
        ("SELECT COUNT(*), MAX(city) AS last FROM vendors", ("", "last")),
        (
            "WITH v AS (SELECT name, city FROM vendors) SELECT * FROM v UNION SELECT id, id FROM invoices",
            ("name", "city"),
        ),
    ],
)
def test_the_outputs_are_named_with_stars_expanded(sql: str, outputs: tuple[str, ...]) -> None:
    assert usage(sql, schema("sqlite")).outputs == outputs


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT name FROM vendor", "'vendor', which the database does not have; did you mean vendors?"),
        ("SELECT nam FROM vendors", "the column nam, which is not there; did you mean name?"),
        ("SELECT v.amount FROM vendors v", "the column v.amount, which is not there"),
        ("SELECT id FROM vendors JOIN invoices ON vendor_id = vendors.id", "id could be of vendors or invoices"),
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_what_is_not_there_or_could_be_several_is_refused(dialect: Dialect, sql: str, why: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        usage(sql, schema(dialect))
    assert why in str(refused.value)


def test_names_are_compared_as_each_database_does() -> None:
    assert used("SELECT NAME FROM Vendors") == {"vendors": ("name",)}
    assert used('SELECT NAME, "city" FROM Vendors', "postgresql") == {"vendors": ("name", "city")}
    with pytest.raises(QueryRefused, match="'Vendors', which the database does not have"):
        used('SELECT name FROM "Vendors"', "postgresql")
