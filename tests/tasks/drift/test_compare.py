"""Two snapshots of real databases, and what is said to have changed between them."""

import random
import string

import pytest

from blocks.schemas.snapshot import Snapshot
from tasks.drift.changes import (
    Change,
    ColumnMoved,
    ColumnRemoved,
    ColumnRenamed,
    TableRemoved,
    TableRenamed,
    TablesMerged,
    TableSplit,
)
from tasks.drift.compare import compare
from tests.blocks.schemas.reading import schema_of
from tests.blocks.source_databases import execute

SHOP = (
    "CREATE TABLE vendors (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT, since DATE)",
    "CREATE TABLE contacts (id INTEGER PRIMARY KEY, vendor_id INTEGER REFERENCES vendors (id), phone TEXT)",
    "CREATE TABLE invoices (id INTEGER PRIMARY KEY, vendor_id INTEGER NOT NULL REFERENCES vendors (id),"
    " amount NUMERIC(12, 2), paid_on DATE)",
    "CREATE TABLE credits (id INTEGER PRIMARY KEY, vendor_id INTEGER NOT NULL REFERENCES vendors (id),"
    " amount NUMERIC(12, 2), reason TEXT)",
)


class Shop:
    """A database and its schema as it was at first."""

    def __init__(self, url: str, before: Snapshot) -> None:
        self.url, self.before = url, before

    async def changes(self, *statements: str) -> tuple[Change, ...]:
        """What is said to have changed once the statements are committed."""
        await execute(self.url, *statements)
        return compare(self.before, await schema_of(self.url))


@pytest.fixture
async def shop(empty_database_url: str) -> Shop:
    await execute(empty_database_url, *SHOP)
    return Shop(empty_database_url, await schema_of(empty_database_url))


async def test_what_did_not_change_is_not_mentioned(shop: Shop) -> None:
    assert await shop.changes("INSERT INTO vendors (id, name) VALUES (1, 'Able')") == ()


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["ALTER TABLE vendors ADD COLUMN region TEXT"], ["vendors.region was added"]),
        (["ALTER TABLE invoices DROP COLUMN paid_on"], ["invoices.paid_on was removed"]),
        (["ALTER TABLE vendors RENAME COLUMN city TO town"], ["vendors.city is now called town"]),
        (["CREATE TABLE notes (id INTEGER)"], ["notes was added"]),
        (["DROP TABLE contacts"], ["contacts was removed"]),
        (["ALTER TABLE invoices RENAME TO tbl_invoices"], ["invoices is now called tbl_invoices"]),
        (
            ["ALTER TABLE vendors DROP COLUMN city", "ALTER TABLE contacts ADD COLUMN city TEXT"],
            ["vendors.city is now in contacts.city"],
        ),
    ],
)
async def test_each_change_is_said_in_its_own_words(shop: Shop, statements: list[str], said: list[str]) -> None:
    assert [str(change) for change in await shop.changes(*statements)] == said


async def test_a_table_and_its_columns_may_be_renamed_at_once(shop: Shop) -> None:
    changes = await shop.changes(
        "ALTER TABLE invoices RENAME COLUMN amount TO total",
        "ALTER TABLE invoices RENAME TO bills",
    )

    assert [str(change) for change in changes] == [
        "invoices is now called bills",
        "bills.amount is now called total",
    ]
    assert all(change.evidence for change in changes)


@pytest.mark.parametrize("seed", range(12))
async def test_a_new_name_that_has_nothing_of_the_old_one_is_found_by_type_and_place(shop: Shop, seed: int) -> None:
    made_up = random.Random(seed)  # noqa: S311  # names for a test, no secrets
    table, column = ("".join(made_up.choices(string.ascii_lowercase, k=9)) for _ in range(2))
    changes = await shop.changes(
        f"ALTER TABLE invoices RENAME COLUMN amount TO x{column}",
        f"ALTER TABLE invoices RENAME TO x{table}",
    )

    renamed, other = changes
    assert isinstance(renamed, TableRenamed)
    assert isinstance(other, ColumnRenamed)
    assert (renamed.before.name, renamed.after.name) == ("invoices", f"x{table}")
    assert (other.before.column, other.after.column) == ("amount", f"x{column}")
    assert other.score < 1


async def test_a_column_of_another_type_is_no_rename(shop: Shop) -> None:
    changes = await shop.changes(
        "ALTER TABLE vendors DROP COLUMN since", "ALTER TABLE vendors ADD COLUMN since_hours NUMERIC(8, 2)"
    )

    (removed, _) = changes
    assert isinstance(removed, ColumnRemoved)
    assert str(removed) == "vendors.since was removed; nearest: since_hours"


async def test_a_table_whose_columns_are_in_two_new_ones_of_its_key_was_split(shop: Shop) -> None:
    (change,) = await shop.changes(
        "DROP TABLE invoices",
        "CREATE TABLE bills (id INTEGER PRIMARY KEY, vendor_id INTEGER NOT NULL, amount NUMERIC(12, 2))",
        "CREATE TABLE payments (id INTEGER PRIMARY KEY, paid_on DATE)",
    )

    assert isinstance(change, TableSplit)
    assert {part.name for part in change.after} == {"bills", "payments"}
    assert change.key == ("id",)


async def test_a_table_that_kept_some_columns_and_lost_others_to_a_new_one_was_split(shop: Shop) -> None:
    (change,) = await shop.changes(
        "CREATE TABLE places (id INTEGER PRIMARY KEY, city TEXT, since DATE)",
        "ALTER TABLE vendors DROP COLUMN city",
        "ALTER TABLE vendors DROP COLUMN since",
    )

    assert isinstance(change, TableSplit)
    assert str(change) == "vendors is now split over vendors and places, joined by id"


async def test_two_tables_in_one_with_a_column_that_tells_them_apart_were_stacked(shop: Shop) -> None:
    (change,) = await shop.changes(
        "DROP TABLE invoices",
        "DROP TABLE credits",
        "CREATE TABLE movements (id INTEGER, vendor_id INTEGER NOT NULL, amount NUMERIC(12, 2), paid_on DATE,"
        " reason TEXT, movement_kind VARCHAR(10) NOT NULL)",
    )

    assert isinstance(change, TablesMerged)
    assert {part.name for part in change.before} == {"invoices", "credits"}
    assert (change.how, change.discriminator) == ("stacked", "movement_kind")


async def test_two_tables_beside_each_other_in_one_were_widened(sqlite_url: str) -> None:
    await execute(
        sqlite_url,
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, born DATE)",
        "CREATE TABLE salaries (id INTEGER PRIMARY KEY, amount NUMERIC, currency TEXT)",
    )
    before = await schema_of(sqlite_url)
    await execute(
        sqlite_url,
        "DROP TABLE people",
        "DROP TABLE salaries",
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT, born DATE, amount NUMERIC, currency TEXT)",
    )
    (change,) = compare(before, await schema_of(sqlite_url))

    assert isinstance(change, TablesMerged)
    assert (change.how, change.discriminator) == ("widened", None)


async def test_a_column_may_move_to_a_table_that_refers_to_the_old_one(shop: Shop) -> None:
    (change,) = await shop.changes("ALTER TABLE vendors DROP COLUMN city", "ALTER TABLE invoices ADD COLUMN city TEXT")

    assert isinstance(change, ColumnMoved)


async def test_a_table_that_only_resembles_the_one_that_is_gone_is_named_as_nearest(shop: Shop) -> None:
    changes = await shop.changes(
        "DROP TABLE contacts",
        "CREATE TABLE contact_log (id INTEGER PRIMARY KEY, phone TEXT, at DATE, what TEXT, a TEXT)",
    )

    removed = changes[0]
    assert isinstance(removed, TableRemoved)
    assert [name.name for name in removed.nearest] == ["contact_log"]


async def test_what_may_be_null_and_what_holds_other_values_is_said(fresh_postgres_url: str) -> None:
    await execute(fresh_postgres_url, *SHOP)
    before = await schema_of(fresh_postgres_url)
    await execute(
        fresh_postgres_url,
        "ALTER TABLE vendors ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE invoices ALTER COLUMN amount TYPE TEXT",
    )

    assert [str(change) for change in compare(before, await schema_of(fresh_postgres_url))] == [
        "invoices.amount was numeric(12,2) and is text",
        "vendors.name may now be NULL",
    ]


async def test_a_table_may_move_to_another_schema(fresh_postgres_url: str) -> None:
    await execute(fresh_postgres_url, *SHOP)
    before = await schema_of(fresh_postgres_url)
    await execute(fresh_postgres_url, "CREATE SCHEMA archive", "ALTER TABLE credits SET SCHEMA archive")

    (change,) = compare(before, await schema_of(fresh_postgres_url))
    assert str(change) == "credits is now called archive.credits"
