"""SQL that a model wrote is run only where it reads, uses what is there, and does not reach beyond the data."""

import pytest

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Column, Dialect, Relation, RelationName, Snapshot
from tasks.question.check import checked
from tests.blocks.source_databases import execute, rows


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
        # The rows that are read are bounded all the same.
        ("SELECT name FROM vendors LIMIT 1e3", "SELECT name FROM vendors LIMIT 1e3"),
        ("SELECT name FROM vendors LIMIT 10.0", "SELECT name FROM vendors LIMIT 10.0"),
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
        ("SELECT * FROM ts_stat('SELECT to_tsvector(pg_read_file(''/etc/passwd''))')", "calls ts_stat"),
        ("SELECT table_to_xml('pg_catalog.pg_shadow', true, false, '') AS x", "calls table_to_xml"),
        ("SELECT current_setting('data_directory') AS x", "calls current_setting"),
        ("SELECT nextval('numbers') AS x", "calls nextval"),
        ("SELECT loread(0, 1) AS x", "calls loread"),
        ("SELECT pg_catalog.\"pg_read_file\"('/etc/passwd') AS x", r"calls pg_catalog\.pg_read_file"),
        ("SELECT U&\"\\0070g_read_file\"('/etc/passwd') AS x", "calls"),
        ("SELECT * FROM ROWS FROM (pg_ls_dir('/')) AS t(x)", "calls pg_ls_dir"),
        ("SELECT public.lower(name) AS x FROM vendors", r"calls public\.lower"),
        ("SELECT * FROM public.generate_series(1, 2) AS x", r"calls public\."),
        ("SELECT usename FROM pg_shadow, (WITH pg_shadow AS (SELECT 1 AS a) SELECT a FROM pg_shadow) z", "reads pg_sh"),
        ("I cannot answer that.", "cannot be parsed"),
        ("", "no SQL"),
    ],
)
def test_a_statement_that_does_more_or_uses_what_is_not_there_is_refused(sql: str, why: str) -> None:
    with pytest.raises(QueryRefused, match=why):
        checked(sql, schema("postgresql"), 10)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT * FROM pragma_database_list()", "calls pragma_database_list"),
        ("SELECT load_extension('x') AS x", "calls load_extension"),
        (
            "SELECT t.sql FROM sqlite_master t, (WITH sqlite_master AS (SELECT 1 AS a) SELECT a FROM sqlite_master) z",
            "rea",
        ),
    ],
)
def test_nor_may_it_on_sqlite(sql: str, why: str) -> None:
    with pytest.raises(QueryRefused, match=why):
        checked(sql, schema("sqlite"), 10)


ANALYSTS = {
    "postgresql": (
        "SELECT to_char(DATE '2026-05-03', 'YYYY-MM') AS a, date_trunc('month', now()) AS b, age(now()) AS c",
        "SELECT make_date(2026, 1, 2) AS a, extract(quarter FROM now()) AS b, now() - interval '1 month' AS c",
        "SELECT regexp_match(name, 'a.') AS a, translate(name, 'a', 'b') AS b, starts_with(name, 'A') FROM vendors",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id) AS a, every(id > 0) AS b, jsonb_agg(name) FROM vendors",
        "SELECT row_number() OVER (ORDER BY id) AS a, ntile(4) OVER (ORDER BY id) AS b FROM vendors",
        "SELECT to_jsonb(v) ->> 'name' AS a, jsonb_build_object('id', id) AS b FROM vendors v",
        "SELECT day::date AS a FROM generate_series(DATE '2026-01-01', DATE '2026-01-09', interval '1 day') AS day",
        "SELECT x FROM vendors, LATERAL unnest(string_to_array(name, ' ')) x, pg_catalog.json_array_elements('[1]') j",
        "SELECT ts_rank(to_tsvector(name), plainto_tsquery('able')) AS a, cardinality(ARRAY[1, 2]) AS b FROM vendors",
        "SELECT float8(id) AS a, text(id) AS b, width_bucket(id, 0, 9, 3) AS c, trim_scale(1.50) AS d FROM vendors",
    ),
    "sqlite": (
        "SELECT strftime('%Y-%m', '2026-01-02') AS a, date('now', '-1 month') AS b, julianday('now') AS c",
        "SELECT unixepoch('now') AS a, time('now') AS b, datetime('now') AS c",
        "SELECT printf('%.2f', id) AS a, total(id) AS b, group_concat(name, ', ') AS c, quote(name) AS d FROM vendors",
        "SELECT j.value FROM vendors, json_each('[1, 2]') AS j WHERE json_valid(name) OR json_array_length('[1]') = 1",
        "SELECT name, ntile(4) OVER (ORDER BY id) AS a, likely(id > 1) AS b FROM vendors",
        "SELECT n.a FROM vendors JOIN n ON n.a = id, (WITH z AS (SELECT * FROM y), y AS (SELECT 1) SELECT * FROM z) q",
    ),
}


@pytest.mark.parametrize(
    ("dialect", "sql"), [(dialect, sql) for dialect, statements in ANALYSTS.items() for sql in statements]
)
async def test_what_analysts_write_is_run(dialect: Dialect, sql: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("fresh_postgres_url" if dialect == "postgresql" else "sqlite_url")
    if " JOIN n " in sql:
        sql = f"WITH n AS (SELECT 1 AS a) {sql}"
    await execute(
        url, "CREATE TABLE vendors (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO vendors VALUES (1, 'A b')"
    )

    assert await rows(url, checked(sql, schema(dialect), 10).replace(":", "\\:"))
