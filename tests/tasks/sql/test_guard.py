"""What is said of SQL before any database sees it."""

import logging

import pytest

from blocks.errors import QueryRefused
from tasks.sql.guard import column_names, parameter_names, read_only, unnamed_columns


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT vendor FROM invoices;",
        "SELECT vendor FROM invoices; -- the end",
        "(SELECT vendor FROM a) UNION ALL SELECT vendor FROM b",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n",
        "SELECT pg_sleep(1) AS slept",
        "SELECT 'DELETE FROM invoices; DROP TABLE invoices' AS text -- INSERT INTO a",
        "SELECT updated, deleted FROM inserts",
        "SELECT COUNT(*) FILTER (WHERE paid) AS paid FROM invoices",
    ],
)
def test_a_statement_that_only_reads_is_let_through(sql: str) -> None:
    assert read_only(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM b WHERE c ~ '^x'",
        "SELECT a FROM b WHERE c @> '{}'",
        "SELECT E'it\\'s' AS a",
        "SELECT $$it's$$ AS a",
        "SELECT `a` FROM b",
        "SELECT a::date AS day, b ->> 'x' AS x FROM c",
        "SELECT strftime('%Y', day) AS year FROM a WHERE name GLOB 'x*'",
    ],
)
def test_what_only_postgresql_or_only_sqlite_knows_is_let_through(sql: str) -> None:
    assert read_only(sql)


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("INSERT INTO a VALUES (1)", "INSERT"),
        ("UPDATE a SET b = 1", "UPDATE"),
        ("delete from a", "DELETE"),
        ("-- harmless\nDELETE FROM a", "DELETE"),
        ("MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE", "MERGE"),
        ("REPLACE INTO a VALUES (1)", "REPLACE"),
        ("WITH gone AS (DELETE FROM a RETURNING *) SELECT * FROM gone", "DELETE"),
        ("WITH new AS (INSERT INTO a VALUES (1) RETURNING b) SELECT b FROM new", "INSERT"),
        ("CREATE TABLE a (b int)", "CREATE"),
        ("CREATE TABLE a AS SELECT 1 AS b", "CREATE"),
        ("DROP TABLE a", "DROP"),
        ("ALTER TABLE a ADD COLUMN b int", "ALTER"),
        ("TRUNCATE a", "TRUNCATE"),
        ("COPY a TO '/tmp/a'", "COPY"),
        ("PRAGMA writable_schema = 1", "PRAGMA"),
        ("ATTACH DATABASE 'a.db' AS a", "ATTACH"),
        ("VACUUM", "VACUUM"),
        ("GRANT ALL ON a TO b", "GRANT"),
        ("SET ROLE admin", "SET"),
        ("CALL wipe()", "CALL"),
        ("DO $$ BEGIN DELETE FROM a; END $$", "DO"),
        ("EXPLAIN ANALYZE DELETE FROM a", "EXPLAIN"),
        ("BEGIN", "BEGIN"),
        ("SELECT a INTO b FROM c", "SELECT INTO"),
        ("SELECT a FROM b FOR UPDATE", "FOR UPDATE"),
    ],
)
def test_a_statement_that_writes_or_locks_is_refused(sql: str, word: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        read_only(sql)

    assert str(refused.value) == (
        f"the SQL writes, locks or is no query ({word}); a query node only reads; write one SELECT statement"
    )


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 1 AS a; DELETE FROM b", "the SQL is 2 statements"),
        ("SELECT 1 AS a; SELECT 2 AS b; SELECT 3 AS c", "the SQL is 3 statements"),
        ("", "there is no SQL"),
        (" ;\n-- nothing", "there is no SQL"),
        ("SELECT (1 AS a", "the SQL cannot be parsed: line 1 is wrong near 'SELECT (1 AS a'"),
        ("SELECT a,\nFROM WHERE b", "the SQL cannot be parsed: line 2 is wrong near 'FROM WHERE'"),
        ("SELECT 'open AS a", "the SQL cannot be parsed: a quote or comment has no end"),
        ("SELECT " + "(" * 3000 + "1" + ")" * 3000, "the SQL is nested too deeply"),
    ],
)
def test_what_is_not_one_statement_is_refused(sql: str, said: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        read_only(sql)

    assert str(refused.value).startswith(said)


@pytest.mark.parametrize("sql", ["SELECT a FROM b WHERE c = ?", "SELECT a FROM b WHERE c = @d", "SELECT %(a)s AS a"])
def test_a_parameter_that_is_not_named_with_a_colon_is_refused(sql: str) -> None:
    with pytest.raises(QueryRefused, match=r"a parameter that cannot be bound .*; write it as :name"):
        read_only(sql)


def test_parameters_are_named_once_each_in_order() -> None:
    sql = "SELECT a FROM b WHERE c = :month AND d > :limit OR e = :month::text AND f = CAST(:who AS text)"

    assert parameter_names(sql) == ("month", "limit", "who")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ':month' AS a",
        "SELECT a FROM b -- not :month",
        "SELECT a /* :month */ FROM b",
        'SELECT ":month" FROM b',
        "SELECT a::date FROM b WHERE c = '10:30'",
        "SELECT a[1:2] AS b FROM c",
    ],
)
def test_a_colon_elsewhere_is_no_parameter(sql: str) -> None:
    assert parameter_names(sql) == ()


@pytest.mark.parametrize(
    ("sql", "names", "unnamed"),
    [
        ("SELECT v.name AS vendor, amount, SUM(b) total FROM a", ("vendor", "amount", "total"), 0),
        ("SELECT vendor, COUNT(*) FROM a", ("vendor",), 1),
        ("SELECT COUNT(*), lower(b) FROM a", (), 2),
        ("SELECT * FROM a", (), 0),
        ("SELECT a.*, b.c FROM a, b", (), 0),
        ("SELECT a FROM b UNION SELECT c FROM d", ("a",), 0),
        ("WITH x AS (SELECT a FROM b) SELECT a AS c FROM x", ("c",), 0),
        ('SELECT a AS "On time" FROM b', ("On time",), 0),
    ],
)
def test_columns_are_those_that_have_a_name(sql: str, names: tuple[str, ...], unnamed: int) -> None:
    assert (column_names(sql), unnamed_columns(sql)) == (names, unnamed)


def test_a_strange_statement_is_refused_without_a_log_line_beside_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(QueryRefused):
        read_only("SHOW TABLES")

    assert caplog.text == ""
