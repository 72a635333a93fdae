"""Tables whose data have moved on while the schema drifted somewhere else: no drift of theirs, and no refusal."""

from datetime import timedelta

import pytest

from blocks.errors import DriftRefused
from tests.blocks.source_databases import execute
from tests.tasks.drift.shops import SPEND, Shop

ELSEWHERE = "CREATE TABLE news (id INTEGER)"
COUNT = "SELECT COUNT(*) AS n FROM invoices"


def _invoices(first: int, last: int) -> str:
    rows = ", ".join(f"({at}, {at % 8 + 1}, {at * 13 % 101})" for at in range(first, last + 1))
    return f"INSERT INTO invoices (id, vendor_id, amount) VALUES {rows}"  # noqa: S608  # a test's own


MOVED_ON = {
    "rows came": [_invoices(100, 200)],
    "rows came among the others": [_invoices(-100, -1)],
    "the oldest rows are gone": ["DELETE FROM invoices WHERE id < 30"],
    "the oldest rows are gone, and others came": ["DELETE FROM invoices WHERE id < 30", _invoices(100, 200)],
    "no row is left of those that there were": ["DELETE FROM invoices", _invoices(100, 200)],
    "it is empty": ["DELETE FROM invoices"],
    "rows came, and a column of its own": [_invoices(100, 200), "ALTER TABLE invoices ADD COLUMN note VARCHAR(9)"],
}


@pytest.mark.parametrize("sql", [SPEND, COUNT])
@pytest.mark.parametrize("what", MOVED_ON)
async def test_the_query_runs_as_it_stands_where(shop: Shop, what: str, sql: str) -> None:
    await shop.answer(sql)
    await execute(shop.url, *MOVED_ON[what], ELSEWHERE)
    _, done = await shop.answer(sql)

    assert (done.sql, done.repairs) == (sql, ())


async def test_a_table_that_was_empty_may_have_filled(shop: Shop) -> None:
    await execute(shop.url, "DELETE FROM invoices")
    await shop.answer(COUNT)
    await execute(shop.url, _invoices(1, 9), ELSEWHERE)

    assert (await shop.answer(COUNT))[0] == [(9,)]


@pytest.mark.parametrize("sql", ["SELECT vendor_id, spent FROM spend ORDER BY 1", "SELECT COUNT(*) AS n FROM spend"])
async def test_a_view_that_sums_up_may_have_other_sums(shop: Shop, sql: str) -> None:
    await execute(
        shop.url, "CREATE VIEW spend AS SELECT vendor_id, SUM(amount) AS spent FROM invoices GROUP BY vendor_id"
    )
    await shop.answer(sql)
    more = "INSERT INTO invoices SELECT id + 100, vendor_id + id / 2, amount FROM invoices"
    await execute(shop.url, more, ELSEWHERE)
    _, done = await shop.answer(sql)

    assert done.repairs == ()


async def test_a_view_is_held_to_its_values_where_a_table_was_changed(shop: Shop) -> None:
    spend = "CREATE VIEW spend AS SELECT vendor_id, CAST(SUM(amount) AS BIGINT) AS spent FROM invoices GROUP BY 1"
    await execute(shop.url, spend)
    await shop.answer("SELECT vendor_id, spent FROM spend ORDER BY 1")
    await execute(
        shop.url,
        "DROP VIEW spend",
        "CREATE TABLE cents (id INTEGER PRIMARY KEY, vendor_id INTEGER NOT NULL, amount BIGINT NOT NULL, note TEXT)",
        "INSERT INTO cents SELECT id, vendor_id, amount * 100, NULL FROM invoices",
        "DROP TABLE invoices",
        "ALTER TABLE cents RENAME TO invoices",
        spend,
    )

    with pytest.raises(DriftRefused, match="spend has other values than it had in vendor_id, spent"):
        await shop.answer("SELECT vendor_id, spent FROM spend ORDER BY 1")


MOVES = {
    "numbers": "UPDATE vendors SET score = score + 9",
    "texts, to others of theirs": "UPDATE vendors SET city = CASE WHEN id < 5 THEN 'Ulm' ELSE 'Hof' END",
}


@pytest.mark.parametrize("what", MOVES)
async def test_what_changes_from_day_to_day_may_have_changed(shop: Shop, what: str) -> None:
    sql = "SELECT name, city, score FROM vendors ORDER BY id"
    await shop.answer(sql)
    await execute(shop.url, MOVES[what], ELSEWHERE)
    answering = await shop.answering(sql)
    table, _ = await answering.answer()

    assert len(table.rows) == 8
    assert answering.evidence == ("vendors has other rows or values than it had",)
    assert answering.checked
    assert all(each.met for each in answering.checked)


async def test_where_a_schema_changes_every_day_samples_do_not_grow_old(shop: Shop) -> None:
    await shop.answer()
    for day in range(3):
        shop.now += timedelta(days=1)
        await execute(
            shop.url,
            f"CREATE TABLE news_{day} (id INTEGER)",
            f"DELETE FROM invoices WHERE id < {10 * day}",  # noqa: S608  # a test's own
            f"INSERT INTO invoices VALUES ({1000 + day}, 1, 1)",  # noqa: S608  # a test's own
        )
        _, done = await shop.answer()
        assert (done.repairs, done.doubts) == ((), ())
        remembered = await shop.ledger.good_answer("shop", SPEND)
        assert remembered is not None
        assert remembered.sampled_at == shop.now


STACKED = {
    "with what tells them apart": (
        "ALTER TABLE invoices ADD COLUMN kind VARCHAR(9)",
        "UPDATE invoices SET kind = 'new'",
        _invoices(100, 200),
        "UPDATE invoices SET kind = 'old' WHERE kind IS NULL",
    ),
    "and one was elsewhere before": (
        "CREATE TABLE invoices_2025 (id INTEGER PRIMARY KEY, vendor_id INTEGER NOT NULL, amount INTEGER NOT NULL)",
        "INSERT INTO invoices_2025 SELECT * FROM invoices",
        "DELETE FROM invoices",
        _invoices(100, 200),
    ),
}


async def test_another_table_s_rows_in_it_are_left_out(shop: Shop) -> None:
    before, _ = await shop.answer()
    await execute(shop.url, *STACKED["with what tells them apart"])
    after, done = await shop.answer()

    assert after == before
    assert done.repairs == ("invoices from invoices, only where kind = 'new'",)


async def test_a_table_whose_rows_are_elsewhere_now_is_not_guessed_at(shop: Shop) -> None:
    await shop.answer()
    await execute(shop.url, *STACKED["and one was elsewhere before"])

    with pytest.raises(DriftRefused, match="invoices could be invoices from invoices or invoices from invoices_2025"):
        await shop.answer()


async def test_a_table_in_whose_place_another_has_come_is_not_taken_for_it(shop: Shop) -> None:
    await shop.answer("SELECT city, COUNT(*) AS n FROM vendors GROUP BY city ORDER BY city")
    await execute(
        shop.url,
        # So that not even where it is now all of its rows are left.
        "DELETE FROM vendors WHERE id = 2",
        "ALTER TABLE vendors RENAME TO vendors_2025",
        "CREATE TABLE vendors (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, city VARCHAR(40), score INTEGER)",
        "INSERT INTO vendors SELECT id + 100, 'new ' || name, city, score FROM vendors_2025",
    )

    with pytest.raises(DriftRefused, match="vendors could be vendors from vendors or vendors from vendors_2025"):
        await shop.answer("SELECT city, COUNT(*) AS n FROM vendors GROUP BY city ORDER BY city")


async def test_a_copy_of_yesterday_s_rows_is_not_taken_for_a_table_whose_numbers_have_moved(shop: Shop) -> None:
    await shop.answer()
    await execute(
        shop.url, "CREATE TABLE invoices_2025 AS SELECT * FROM invoices", "UPDATE invoices SET amount = amount + 1"
    )
    _, done = await shop.answer()

    assert (done.sql, done.repairs) == (SPEND, ())


async def test_a_column_whose_values_are_in_another_of_its_table_now_is_found_there(shop: Shop) -> None:
    before, _ = await shop.answer()
    await execute(
        shop.url,
        "ALTER TABLE invoices ADD COLUMN net INTEGER",
        "UPDATE invoices SET net = amount",
        "UPDATE invoices SET amount = amount + amount / 5 + 1",
    )
    after, done = await shop.answer()

    assert after == before
    assert done.repairs == ("invoices from invoices (amount is net)",)
