"""What a query gives as a table, from a SQLite file and from a real PostgreSQL."""

import pytest

from blocks.errors import QueryRefused
from tasks.context import utc_now
from tasks.outcome import Gap, Outcome, Scope
from tests.blocks.source_databases import execute, shop_with, until_idle
from tests.tasks.query.asking import asked, table


@pytest.fixture
async def shop(empty_database_url: str) -> str:
    """The URL of a database with three invoices."""
    return await shop_with(empty_database_url, "'Able', 10", "'Bold', 20", "'Able', NULL")


async def test_the_rows_are_a_table_with_its_evidence(shop: str) -> None:
    outcome = await asked(shop, "SELECT vendor, amount FROM invoices ORDER BY vendor, amount DESC NULLS LAST")

    assert outcome.table is not None
    assert outcome.table.records() == [
        {"vendor": "Able", "amount": 10},
        {"vendor": "Able", "amount": None},
        {"vendor": "Bold", "amount": 20},
    ]
    assert [column.type for column in outcome.table.columns] == ["string", "integer"]
    assert (outcome.confidence, outcome.gaps, outcome.evidence[0]) == (1.0, (), "3 rows from shop")


async def test_every_type_of_postgresql_has_a_plain_form(postgres_url: str) -> None:
    found = await table(
        postgres_url,
        """
        SELECT 9007199254740993::bigint AS whole, 12345678901234567890.1234567890::numeric AS money,
               0.1::float8 AS share, 'é'::text AS name, date '2026-02-28' AS day,
               timestamp '2026-02-28 10:00:00.5' AS moment, timestamptz '2026-02-28 10:00:00+02' AS instant,
               true AS flag, NULL::integer AS nothing,
               '\\x00ff'::bytea AS raw, '6f9619ff-8b86-d011-b42d-00cf4fc964ff'::uuid AS number, 'NaN'::numeric AS odd,
               time '10:00' AS clock
        """,
    )

    assert {column.name: (column.type, cell) for column, cell in zip(found.columns, found.rows[0], strict=True)} == {
        "whole": ("integer", 9007199254740993),
        "money": ("decimal", "12345678901234567890.1234567890"),
        "share": ("number", 0.1),
        "name": ("string", "é"),
        "day": ("date", "2026-02-28"),
        "moment": ("datetime", "2026-02-28T10:00:00.500000"),
        "instant": ("datetime", "2026-02-28T08:00:00+00:00"),
        "flag": ("boolean", True),
        "nothing": ("string", None),
        "raw": ("string", "00ff"),
        "number": ("string", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
        "odd": ("string", None),
        "clock": ("string", "10:00:00"),
    }


async def test_sqlite_has_the_types_of_its_values(sqlite_url: str) -> None:
    await execute(sqlite_url, "CREATE TABLE one (day DATE)", "INSERT INTO one VALUES ('2026-02-28')")
    found = await table(
        sqlite_url,
        "SELECT 9007199254740993 AS whole, 0.1 AS share, 'é' AS name, day, NULL AS missing, CAST('a' AS BLOB) AS raw "
        "FROM one",
    )

    assert [column.type for column in found.columns] == ["integer", "number", "string", "string", "string", "string"]
    assert found.rows == ((9007199254740993, 0.1, "é", "2026-02-28", None, "61"),)


async def test_an_exact_sum_loses_no_digit_on_the_way_through_json(postgres_url: str) -> None:
    outcome = await asked(postgres_url, "SELECT SUM(a) AS a FROM (VALUES (0.10::numeric), (1e20), (0.20)) AS v(a)")

    again = Outcome.model_validate_json(outcome.model_dump_json())
    assert again == outcome
    assert again.table is not None
    assert again.table.rows == (("100000000000000000000.30",),)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT ARRAY[1, 2] AS tags", "column 'tags' holds a list"),
        ("SELECT '{\"a\": 1}'::jsonb AS document", "column 'document' holds a dict"),
        ("SELECT 'Infinity'::float8 AS share", "column 'share' holds infinity"),
        ("SELECT '-Infinity'::numeric AS share", "column 'share' holds infinity"),
    ],
)
async def test_a_value_that_a_table_cannot_hold_is_refused_with_its_column(
    postgres_url: str, sql: str, reason: str
) -> None:
    with pytest.raises(QueryRefused, match=rf"the SQL's {reason}.*with CAST"):
        await table(postgres_url, sql)


async def test_no_rows_are_a_table_with_the_columns(shop: str) -> None:
    outcome = await asked(shop, "SELECT vendor, amount FROM invoices WHERE amount > 99")

    assert outcome.table is not None
    assert (outcome.table.names, outcome.table.rows) == (("vendor", "amount"), ())
    assert outcome.gaps == ()


@pytest.mark.parametrize(("max_rows", "read"), [(1, 1), (2, 2), (3, 3), (4, 3)])
async def test_rows_beyond_the_limit_are_a_gap_and_never_silent(shop: str, max_rows: int, read: int) -> None:
    earlier = Gap(node="stock", reason="the store is down", since=utc_now())
    outcome = await asked(
        shop,
        "SELECT vendor FROM invoices",
        max_rows=max_rows,
        scope=Scope(outcomes={"stock": Outcome(gaps=(earlier,))}),
    )

    assert outcome.table is not None
    assert len(outcome.table.rows) == read
    cut = [f"only the first {max_rows} rows were read"] if max_rows < 3 else []
    assert [gap.reason for gap in outcome.gaps] == ["the store is down", *cut]


@pytest.mark.parametrize(
    "sql", ["SELECT vendor, amount AS vendor FROM invoices", "SELECT * FROM invoices a, invoices b"]
)
async def test_two_columns_of_one_name_are_refused(shop: str, sql: str) -> None:
    with pytest.raises(QueryRefused, match=r"the SQL gives two columns called .*vendor.*name each with AS"):
        await asked(shop, sql)


@pytest.mark.parametrize("sql", ["DELETE FROM invoices", "SELECT 1 AS a; SELECT 2 AS b"])
async def test_sql_that_is_not_one_select_is_refused_before_anything_is_opened(sql: str) -> None:
    with pytest.raises(QueryRefused, match="write one SELECT statement"):
        await asked("postgresql://127.0.0.1:1/nowhere", sql)


async def test_a_hundred_thousand_rows_are_read_in_the_time_that_a_node_has(shop: str) -> None:
    outcome = await asked(
        shop,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
        "SELECT i, 'vendor ' || i AS vendor, i * 0.5 AS spend FROM n",
        max_rows=100_000,
    )

    assert outcome.table is not None
    assert len(outcome.table.rows) == 100_000
    assert outcome.table.rows[-1][:2] == (100_000, "vendor 100000")
    assert outcome.gaps == ()


async def test_rows_beyond_the_limit_are_not_even_read(shop: str) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"

    outcome = await asked(shop, endless, max_rows=10)

    assert outcome.table is not None
    assert outcome.table.rows[-1] == (10,)
    await until_idle(shop)
