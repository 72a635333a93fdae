"""SQL that a model wrote is run only where it reads, uses what is there, and does not reach beyond the data."""

import pytest

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Column, Dialect, Relation, RelationName, Snapshot
from tasks.question.check import checked


def schema(dialect: Dialect = "sqlite") -> Snapshot:
    """Vendors with an id and a name."""
    place = "main" if dialect == "sqlite" else "public"
    columns = (Column("id", "INTEGER", False), Column("name", "TEXT", True))
    vendors = Relation(name=RelationName(place, "vendors"), kind="table", columns=columns, primary_key=("id",))
    return Snapshot(dialect=dialect, database="shop", search_path=(place,), fingerprint="1", relations=(vendors,))


@pytest.mark.parametrize(
    ("sql", "run"),
    [
        ("SELECT name FROM vendors", "SELECT name FROM vendors LIMIT 11"),
        ("SELECT name FROM vendors LIMIT 3", "SELECT name FROM vendors LIMIT 3"),
        ("SELECT name FROM vendors ORDER BY name LIMIT 5000", "SELECT name FROM vendors ORDER BY name LIMIT 11"),
        ("SELECT name FROM vendors LIMIT 5000 OFFSET 2", "SELECT name FROM vendors LIMIT 11 OFFSET 2"),
        (
            "SELECT name FROM vendors UNION SELECT 'x' AS name",
            "SELECT name FROM vendors UNION SELECT 'x' AS name LIMIT 11",
        ),
        (
            "WITH v AS (SELECT id FROM vendors LIMIT 99) SELECT COUNT(*) AS n FROM v;",
            "WITH v AS (SELECT id FROM vendors LIMIT 99) SELECT COUNT(*) AS n FROM v LIMIT 11",
        ),
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_statement_gets_a_limit_of_one_row_more_than_may_be_read(dialect: Dialect, sql: str, run: str) -> None:
    assert checked(sql, schema(dialect), 10) == run


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("DELETE FROM vendors", "writes"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("WITH gone AS (DELETE FROM vendors RETURNING id) SELECT id FROM gone", "writes"),
        ("SELECT name FROM customers", "reads customers"),
        ("SELECT title FROM vendors", "title"),
        ("SELECT name FROM vendors WHERE id = :id", "has a parameter"),
        ("SELECT pg_read_file('/etc/passwd') AS text", "calls pg_read_file"),
        ("SELECT PG_SLEEP(100) AS text", "calls pg_sleep"),
        (
            "SELECT name FROM vendors WHERE set_config('transaction_read_only', 'off', false) = 'off'",
            "calls set_config",
        ),
        ("SELECT * FROM dblink('host=elsewhere', 'SELECT 1') AS t(x int)", "calls dblink"),
        ("I cannot answer that.", "cannot be parsed"),
        ("", "no SQL"),
    ],
)
def test_a_statement_that_does_more_or_uses_what_is_not_there_is_refused(sql: str, why: str) -> None:
    with pytest.raises(QueryRefused, match=why):
        checked(sql, schema("postgresql"), 10)
