"""Saved queries over real databases that drift: the same answer as before, or a refusal, and never another answer."""

from datetime import timedelta

import pytest

from blocks.errors import DriftRefused, QueryRefused
from tasks.drift.choice import OnDrift
from tests.blocks.source_databases import execute
from tests.tasks.drift.shops import CITIES, NAMES, SPEND, Shop

REBUILT = {
    "a table has another name": ["ALTER TABLE vendors RENAME TO qjx"],
    "a column has another name": ["ALTER TABLE vendors RENAME COLUMN city TO zzz"],
    "both have": ["ALTER TABLE vendors RENAME COLUMN name TO wq", "ALTER TABLE vendors RENAME TO tbl_vendors_2"],
    "the key has another name": ["ALTER TABLE vendors RENAME COLUMN id TO vendor_number"],
    "two columns have each other's names": [
        "ALTER TABLE vendors RENAME COLUMN city TO t",
        "ALTER TABLE vendors RENAME COLUMN name TO city",
        "ALTER TABLE vendors RENAME COLUMN t TO name",
    ],
    "a column is in a table of the same key": [
        "CREATE TABLE places (vendor INTEGER PRIMARY KEY, city VARCHAR(40))",
        "INSERT INTO places SELECT id, city FROM vendors",
        "ALTER TABLE vendors DROP COLUMN city",
    ],
    "a table is two tables of its key": [
        "CREATE TABLE a1 (id INTEGER PRIMARY KEY, name VARCHAR(40))",
        "CREATE TABLE a2 (id INTEGER PRIMARY KEY, city VARCHAR(40), score INTEGER)",
        "INSERT INTO a1 SELECT id, name FROM vendors",
        "INSERT INTO a2 SELECT id, city, score FROM vendors",
        "DROP TABLE vendors",
    ],
    "a table is stacked with another in one": [
        "CREATE TABLE parties (kind VARCHAR(9), id INTEGER, name VARCHAR(40), city VARCHAR(40), score INTEGER,"
        " PRIMARY KEY (kind, id))",
        "INSERT INTO parties SELECT 'vendor', id, name, city, score FROM vendors",
        "INSERT INTO parties SELECT 'customer', id, 'other ' || name, 'Rome', 1 FROM vendors",
        "DROP TABLE vendors",
    ],
    "a column is in a table that has each vendor several times": [
        "ALTER TABLE invoices ADD COLUMN vendor_city VARCHAR(40)",
        "UPDATE invoices SET vendor_city = (SELECT city FROM vendors WHERE vendors.id = invoices.vendor_id)",
        "ALTER TABLE vendors DROP COLUMN city",
    ],
    "a table is columns of another that has each vendor several times": [
        "CREATE TABLE wide (id INTEGER PRIMARY KEY, vendor_id INTEGER, amount INTEGER, vname VARCHAR(40),"
        " city VARCHAR(40), score INTEGER)",
        "INSERT INTO wide SELECT i.id, v.id, i.amount, v.name, v.city, v.score"
        " FROM invoices i JOIN vendors v ON v.id = i.vendor_id",
        "DROP TABLE vendors",
    ],
    "numbers are texts": [
        "ALTER TABLE invoices RENAME TO old",
        "CREATE TABLE invoices (id INTEGER PRIMARY KEY, vendor_id INTEGER NOT NULL, amount VARCHAR(9))",
        "INSERT INTO invoices SELECT id, vendor_id, CAST(amount AS VARCHAR(9)) FROM old",
        "DROP TABLE old",
    ],
}


@pytest.mark.parametrize("drift", REBUILT)
async def test_the_answer_is_the_same_where(shop: Shop, drift: str) -> None:
    before, _ = await shop.answer()
    await execute(shop.url, *REBUILT[drift])
    after, done = await shop.answer()

    assert after == before
    assert done.repairs
    assert done.sql.startswith("WITH ")
    assert done.sql.endswith(SPEND)


@pytest.mark.parametrize("least", [90, -1])
async def test_a_query_with_parameters_is_repaired_whatever_their_values(shop: Shop, least: int) -> None:
    sql = "SELECT id, amount, ':x' AS x FROM invoices WHERE amount > :least ORDER BY id"
    before, _ = await shop.answer(sql, values={"least": least})
    await shop.answer(sql, values={"least": 90})
    await execute(shop.url, "ALTER TABLE invoices RENAME TO bills")
    after, done = await shop.answer(sql, values={"least": least})

    assert after == before
    assert done.repairs == ("invoices from bills",)


@pytest.mark.parametrize("empty_database_url", ["fresh_postgres_url"], indirect=True)
@pytest.mark.parametrize(
    ("path", "repair"),
    [
        # As a role's own schema comes to be there, which is first on the path of PostgreSQL's settings.
        ('"$user", public', "vendors is meant as public.vendors"),
        ("postgres, public", "vendors is meant as public.vendors"),
        ("postgres", "vendors is meant as public.vendors"),
    ],
)
async def test_a_name_goes_on_to_mean_the_table_that_it_meant(shop: Shop, path: str, repair: str) -> None:
    before, _ = await shop.answer()
    database = shop.url.partition("?")[0].rpartition("/")[2]
    await execute(
        shop.url,
        "CREATE SCHEMA postgres",
        "CREATE TABLE postgres.vendors (id INTEGER PRIMARY KEY, name VARCHAR(40), city VARCHAR(40), score INTEGER)",
        "INSERT INTO postgres.vendors SELECT id, 'not ' || name, city, score FROM public.vendors",
        f"ALTER DATABASE {database} SET search_path = {path}",
    )
    after, done = await shop.answer()

    assert after == before
    assert repair in done.repairs


@pytest.mark.parametrize(
    "drift",
    [
        ["ALTER TABLE vendors ADD COLUMN region TEXT"],
        ["ALTER TABLE vendors RENAME COLUMN score TO points"],
        ["CREATE TABLE vendors_v2 (id INTEGER PRIMARY KEY, name TEXT)"],
        ["ALTER TABLE vendors DROP COLUMN score"],
    ],
)
async def test_drift_that_the_query_does_not_use_changes_nothing(shop: Shop, drift: list[str]) -> None:
    before, _ = await shop.answer()
    await execute(shop.url, *drift)
    after, done = await shop.answer(on_drift="fail")

    assert after == before
    assert (done.sql, done.repairs) == (SPEND, ())


REFUSED = {
    "vendors has no column city": ["ALTER TABLE vendors DROP COLUMN city"],
    "vendors has no column city, nearest: citty": [
        "ALTER TABLE vendors DROP COLUMN city",
        "ALTER TABLE vendors ADD COLUMN citty VARCHAR(40)",
        "UPDATE vendors SET citty = 'Rome' || id",
    ],
    "vendors has other values than it had in id, name, city": ["UPDATE vendors SET city = 'not ' || city"],
    "invoices has other rows or values than it had": ["UPDATE invoices SET amount = amount * 100"],
    "vendors is gone, nearest: vendors_v2": [
        "CREATE TABLE vendors_v2 (id INTEGER PRIMARY KEY, name VARCHAR(40), city VARCHAR(40), score INTEGER)",
        "INSERT INTO vendors_v2 SELECT id, city, name, score FROM vendors WHERE id < 3",
        "DROP TABLE vendors",
    ],
    "vendors could be vendors from": [
        "CREATE TABLE v1 (id INTEGER PRIMARY KEY, name VARCHAR(40), city VARCHAR(40), score INTEGER)",
        "INSERT INTO v1 SELECT * FROM vendors",
        "ALTER TABLE vendors RENAME TO v2",
    ],
}


@pytest.mark.parametrize("why", REFUSED)
async def test_what_cannot_be_rebuilt_for_sure_is_refused(shop: Shop, why: str) -> None:
    await shop.answer()
    # A schema that has not changed is not looked at again, so each drift comes with some change of it.
    await execute(shop.url, *REFUSED[why], "CREATE TABLE news (id INTEGER)")

    with pytest.raises(DriftRefused) as refused:
        await shop.answer()
    assert why in str(refused.value)
    assert "seen since 2026-11-24 12:00 UTC" in str(refused.value)


async def test_no_repair_is_made_where_the_query_wants_none(shop: Shop) -> None:
    await shop.answer()
    await execute(shop.url, "ALTER TABLE vendors RENAME TO suppliers")

    with pytest.raises(DriftRefused, match=r"vendors from suppliers; .*on_drift is fail"):
        await shop.answer(on_drift="fail")


# SQLite takes any column beside a GROUP BY.
@pytest.mark.parametrize("empty_database_url", ["fresh_postgres_url"], indirect=True)
async def test_a_repair_that_the_database_does_not_run_is_refused(shop: Shop) -> None:
    # PostgreSQL lets a table's other columns stand beside its primary key in GROUP BY, and a CTE has none.
    sql = "SELECT v.name, COUNT(*) AS n FROM vendors v JOIN invoices i ON i.vendor_id = v.id GROUP BY v.id ORDER BY 1"
    await shop.answer(sql)
    await execute(shop.url, "ALTER TABLE vendors RENAME TO suppliers")

    with pytest.raises(DriftRefused, match=r"so repaired it does not run: .*must appear in the GROUP BY"):
        await shop.answer(sql)


async def test_a_repair_is_not_looked_for_again_and_outlives_the_next_drift(shop: Shop) -> None:
    before, _ = await shop.answer()
    await execute(shop.url, "ALTER TABLE vendors RENAME TO suppliers")
    _, first = await shop.answer()
    again, second = await shop.answer()
    await execute(shop.url, "ALTER TABLE suppliers RENAME COLUMN name TO title")
    later, third = await shop.answer()

    assert second.sql == first.sql
    assert again == later == before
    assert third.sql != first.sql


@pytest.mark.parametrize(
    ("sql", "drift"),
    [
        ("SELECT * FROM vendors ORDER BY id", "ALTER TABLE vendors ADD COLUMN region TEXT"),
        (
            "SELECT name, amount FROM vendors v JOIN invoices i ON i.vendor_id = v.id ORDER BY i.id",
            "ALTER TABLE invoices ADD COLUMN name TEXT",
        ),
    ],
)
async def test_a_new_column_that_the_sql_would_see_changes_nothing(shop: Shop, sql: str, drift: str) -> None:
    before, _ = await shop.answer(sql)
    await execute(shop.url, drift)
    after, done = await shop.answer(sql)

    assert after == before
    (repair,) = done.repairs
    assert repair.endswith(f", without {drift.split()[-2]}")


async def test_a_column_that_was_always_there_is_not_the_one_that_is_gone(shop: Shop) -> None:
    await execute(shop.url, "ALTER TABLE vendors ADD COLUMN place VARCHAR(40)", "UPDATE vendors SET place = city")
    await shop.answer()
    await execute(shop.url, "ALTER TABLE vendors DROP COLUMN city")

    with pytest.raises(DriftRefused, match="vendors has no column city"):
        await shop.answer()


async def test_rows_are_not_chosen_by_the_value_that_is_looked_for(shop: Shop) -> None:
    await execute(shop.url, "UPDATE invoices SET amount = 99 WHERE id > 2")
    await shop.answer()
    await execute(
        shop.url,
        "ALTER TABLE invoices ADD COLUMN amount_2 INTEGER",
        "UPDATE invoices SET amount_2 = CASE WHEN id % 15 = 0 THEN 1 ELSE 99 END",
        "ALTER TABLE invoices DROP COLUMN amount",
    )

    with pytest.raises(DriftRefused, match="invoices has no column amount, nearest: amount_2"):
        await shop.answer()


async def test_rows_of_another_table_that_lack_the_key_are_not_taken_for_its_own(shop: Shop) -> None:
    before, _ = await shop.answer("SELECT name FROM vendors ORDER BY name")
    await execute(
        shop.url,
        "CREATE TABLE parties (kind VARCHAR(9), vendor INTEGER, customer INTEGER, name VARCHAR(40), city VARCHAR(40))",
        "INSERT INTO parties SELECT 'vendor', id, NULL, name, city FROM vendors",
        "INSERT INTO parties VALUES ('customer', NULL, 1, 'Zora', 'Rome')",
        "DROP TABLE vendors",
    )
    after, done = await shop.answer("SELECT name FROM vendors ORDER BY name")

    assert after == before
    assert " WHERE " in done.sql


async def test_a_column_that_may_be_null_now_and_is_so_somewhere_is_no_other_column(shop: Shop) -> None:
    await shop.answer("SELECT id, amount FROM invoices ORDER BY id")
    await execute(
        shop.url,
        "CREATE TABLE looser (id INTEGER PRIMARY KEY, vendor_id INTEGER NOT NULL, amount INTEGER)",
        "INSERT INTO looser SELECT * FROM invoices",
        "DROP TABLE invoices",
        "ALTER TABLE looser RENAME TO invoices",
        "INSERT INTO invoices VALUES (1000, 1, NULL)",
    )
    after, done = await shop.answer("SELECT id, amount FROM invoices ORDER BY id")

    assert (after[-1], done.repairs) == ((1000, None), ())


async def test_what_is_remembered_has_no_text_of_the_data_in_it(shop: Shop) -> None:
    await shop.answer()

    remembered_as = str(await shop.ledger.good_answer("shop", SPEND))
    assert not [value for value in (*NAMES, *CITIES) if value in remembered_as]


async def test_a_repair_that_needs_an_approval_waits_for_it_once(shop: Shop) -> None:
    before, _ = await shop.answer(on_drift="approve", approvers=("ann",))
    await execute(shop.url, "ALTER TABLE vendors RENAME TO suppliers")
    after, done = await shop.answer(on_drift="approve", approvers=("ann",))
    await shop.answer(on_drift="approve", approvers=("ann", "bob"))

    assert after == before
    assert shop.asked == [done]


async def test_what_others_approved_is_not_approved_by_whom_the_query_asks(shop: Shop) -> None:
    await shop.answer()
    await execute(shop.url, "ALTER TABLE vendors RENAME TO suppliers")
    await shop.answer(on_drift="approve", approvers=("ann", "bob"))
    await shop.answer(on_drift="approve", approvers=("bob",))

    assert len(shop.asked) == 2


async def test_what_drifts_while_its_approval_is_waited_for_is_refused(shop: Shop) -> None:
    await shop.answer()
    await execute(shop.url, "ALTER TABLE vendors RENAME TO suppliers")
    shop.meanwhile = ("ALTER TABLE invoices RENAME TO bills",)

    with pytest.raises(DriftRefused, match=r"has drifted .* while its repair waited to be approved"):
        await shop.answer(on_drift="approve", approvers=("ann",))


async def test_a_repair_that_is_not_approved_is_not_run_and_asked_again(shop: Shop) -> None:
    await shop.answer(on_drift="approve")
    await execute(shop.url, "ALTER TABLE vendors RENAME TO suppliers")
    shop.approves = False
    for _ in range(2):
        with pytest.raises(DriftRefused, match="nobody approved it"):
            await shop.answer(on_drift="approve")

    assert len(shop.asked) == 2


@pytest.mark.parametrize("on_drift", ["approve", "fail"])
async def test_what_was_repaired_for_one_is_not_taken_for_approved_by_another(shop: Shop, on_drift: OnDrift) -> None:
    await shop.answer()
    await execute(shop.url, "ALTER TABLE vendors RENAME TO suppliers")
    await shop.answer()
    shop.approves = False

    with pytest.raises(DriftRefused):
        await shop.answer(on_drift=on_drift)


async def test_a_repair_whose_answer_is_not_what_was_expected_is_refused(shop: Shop) -> None:
    sql = "SELECT id, (SELECT SUM(amount) FROM invoices) AS total FROM vendors ORDER BY id"
    await shop.answer(sql)
    # Beyond the sample of the first 200, so that only the answer tells.
    many = ", ".join(f"({at}, 1, 1)" for at in range(100, 400))
    await execute(shop.url, f"INSERT INTO invoices VALUES {many}")  # noqa: S608  # a test's own
    shop.now += timedelta(days=2)
    await shop.answer(sql)
    await execute(
        shop.url,
        "UPDATE invoices SET amount = 100000 WHERE id > 390",
        "ALTER TABLE vendors RENAME TO suppliers",
    )

    with pytest.raises(DriftRefused, match=r"95% of total lies between -.* and .* \(seen: 8 of 8 not so"):
        await shop.answer(sql)


async def test_a_query_that_cannot_be_sampled_is_answered_and_says_so(shop: Shop) -> None:
    everywhere = "sqlite_master" if shop.url.startswith("sqlite") else "information_schema.tables"
    answering = await shop.answering(f"SELECT COUNT(*) AS n FROM {everywhere}")  # noqa: S608  # a test's own
    table, _ = await answering.answer()

    assert len(table.rows) == 1
    assert f"the SQL reads {everywhere}" in answering.not_remembered
    assert "drift under this query could not be seen" in answering.evidence[-1]


async def test_what_could_not_be_sampled_is_tried_again_after_a_day_and_not_before(shop: Shop) -> None:
    everywhere = "sqlite_master" if shop.url.startswith("sqlite") else "information_schema.tables"
    sql = f"SELECT COUNT(*) AS n FROM {everywhere}"  # noqa: S608  # a test's own
    first = await shop.answering(sql)
    await first.answer()
    assert first.not_remembered
    remembered = await shop.ledger.good_answer("shop", sql)
    again = await shop.answering(sql)
    await again.answer()
    assert again.not_remembered == first.not_remembered
    assert await shop.ledger.good_answer("shop", sql) == remembered

    shop.now += timedelta(days=1)
    later = await shop.answering(sql)
    await later.answer()
    now_remembered = await shop.ledger.good_answer("shop", sql)
    assert now_remembered is not None
    assert now_remembered.sampled_at == shop.now


async def test_a_drift_between_discovery_and_answer_is_not_taken_for_good(shop: Shop) -> None:
    sql = "SELECT name, city FROM vendors ORDER BY id"
    answering = await shop.answering(sql)
    await execute(shop.url, *REBUILT["two columns have each other's names"])
    await answering.answer()

    assert answering.not_remembered == "the schema changed while the query was answered; run again"
    known = (await shop.found()).known[sql]
    assert known.not_sampled


async def test_a_drift_in_a_long_run_is_not_answered_as_if_it_had_not_been(shop: Shop) -> None:
    sql = "SELECT name, city FROM vendors ORDER BY id"
    before, _ = await shop.answer(sql)
    answering = await shop.answering(sql)
    await execute(shop.url, *REBUILT["two columns have each other's names"])
    shop.now += timedelta(seconds=5)

    with pytest.raises(DriftRefused, match=r"has drifted .* while it was answered; run again"):
        await answering.answer()
    assert (await shop.answer(sql))[0] == before


@pytest.mark.parametrize("empty_database_url", ["fresh_postgres_url"], indirect=True)
async def test_columns_that_may_not_be_read_do_not_hinder_the_sample_of_those_that_are_used(shop: Shop) -> None:
    owner, role = shop.url, f"reader_{shop.url.partition('?')[0].rpartition('/')[2]}"
    await execute(owner, f"CREATE ROLE {role} LOGIN", f"GRANT SELECT (id, name) ON vendors TO {role}")
    shop.url = owner.replace("//postgres:@", f"//{role}:@")
    answering = await shop.answering("SELECT name FROM vendors ORDER BY id")
    await answering.answer()
    await execute(owner, f"DROP OWNED BY {role}", f"DROP ROLE {role}")

    assert answering.not_remembered == ""


ODD_DATES = {
    "sqlite": "INSERT INTO events VALUES (1, 'a', '0001-01-01T00:00:00+02:00'), (2, 'b', '9999-12-31T23:00:00-02:00')",
    "postgresql": "INSERT INTO events VALUES (1, 'a', '0044-03-15 12:00 BC'), (2, 'b', '12345-01-01')",
}


async def test_dates_that_python_has_none_for_do_not_hinder_the_repair(shop: Shop) -> None:
    sql = "SELECT id, name FROM events ORDER BY id"
    await execute(
        shop.url,
        "CREATE TABLE events (id INTEGER PRIMARY KEY, name VARCHAR(9), at TIMESTAMP)",
        ODD_DATES[shop.url.partition("+")[0].partition(":")[0]],
    )
    before, _ = await shop.answer(sql)
    await execute(shop.url, "ALTER TABLE vendors RENAME TO suppliers")
    after, done = await shop.answer(sql)

    assert (after, done.repairs) == (before, ())


async def test_the_nearest_table_is_said_where_the_first_answer_cannot_be_had(shop: Shop) -> None:
    with pytest.raises(QueryRefused, match=r"the SQL reads vendorz; .*vendors"):
        await shop.answer("SELECT name FROM vendorz")


@pytest.mark.parametrize("empty_database_url", ["fresh_postgres_url"], indirect=True)
async def test_what_the_database_refuses_is_not_explained_by_another_name(shop: Shop) -> None:
    with pytest.raises(QueryRefused, match=r"nosuch.* does not exist"):
        await shop.answer("SELECT nosuch(1) AS x FROM information_schema.tables")
    with pytest.raises(QueryRefused, match=r"v\.nope does not exist"):
        await shop.answer("SELECT v.name FROM vendors v, information_schema.tables t WHERE v.nope = 1")


async def test_drift_that_a_query_does_not_use_is_noted(shop: Shop) -> None:
    await shop.answer()
    await execute(shop.url, "ALTER TABLE vendors ADD COLUMN region TEXT")
    answering = await shop.answering()
    await answering.answer()

    assert answering.evidence == ("1 change in the schema of shop, none of which this query uses",)
    assert not answering.drifted


async def test_what_a_query_expected_of_its_schema_and_its_answer_is_kept(shop: Shop) -> None:
    await shop.answer()
    await execute(shop.url, "ALTER TABLE vendors RENAME COLUMN city TO town")
    answering = await shop.answering()
    await answering.answer()

    unmet = [(each.about, each.expectation) for each in answering.checked if not each.met]
    assert unmet == [("schema", "vendors.city is there"), ("schema", "vendors.city holds text")]
    answers = [each.expectation for each in answering.checked if each.about == "answer"]
    assert "the columns are name, city, spend" in answers
    assert "there are 0 to 42 rows" in answers
    assert "at least 90% of city is not NULL" in answers
