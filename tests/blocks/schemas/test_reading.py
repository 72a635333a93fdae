"""The schema of a real SQLite and a real PostgreSQL, read in bulk: what is there, and whether it has changed."""

from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from blocks.schemas.reading import read_schema
from blocks.schemas.snapshot import Relation, RelationName, Snapshot
from blocks.sources import source_url
from tests.blocks.source_databases import execute

SHOP = (
    "CREATE TABLE vendors (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE, since DATE)",
    "CREATE TABLE invoices (vendor INTEGER NOT NULL REFERENCES vendors (id), number INTEGER NOT NULL,"
    " amount NUMERIC(12, 2), PRIMARY KEY (vendor, number))",
    "CREATE VIEW spend AS SELECT vendor, amount FROM invoices",
)


@pytest.fixture
async def shop(empty_database_url: str) -> str:
    """The URL of a database with two tables and a view."""
    await execute(empty_database_url, *SHOP)
    return empty_database_url


class Reading:
    """What was read, and the statements that this took."""

    def __init__(self, snapshot: Snapshot, statements: list[str]) -> None:
        self.snapshot, self.statements = snapshot, statements

    def relation(self, name: str) -> Relation:
        found = self.snapshot.find(name)
        assert found is not None
        return found


async def read(url: str, known: Snapshot | None = None) -> Reading:
    engine = create_async_engine(source_url("shop", url))
    statements: list[str] = []
    async with engine.connect() as connection:

        def on_execute(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        event.listen(engine.sync_engine, "before_cursor_execute", on_execute)
        snapshot = await read_schema(connection, known)
    await engine.dispose()
    return Reading(snapshot, statements)


async def test_tables_and_views_have_their_columns_types_and_keys(shop: str) -> None:
    found = await read(shop)

    assert {str(relation.name): relation.kind for relation in found.snapshot.relations} == {
        "vendors": "table",
        "invoices": "table",
        "spend": "view",
    }
    vendors, invoices = found.relation("vendors"), found.relation("invoices")
    assert [(column.name, column.family, column.nullable) for column in vendors.columns] == [
        ("id", "integer", False),
        ("name", "text", False),
        ("since", "date", True),
    ]
    assert (vendors.primary_key, vendors.unique) == (("id",), (("name",),))
    assert invoices.primary_key == ("vendor", "number")
    assert [(key.columns, key.refers_to, key.referred) for key in invoices.foreign_keys] == [
        (("vendor",), vendors.name, ("id",))
    ]
    assert [column.name for column in found.relation("spend").columns] == ["vendor", "amount"]


async def test_a_schema_that_has_not_changed_costs_one_statement(shop: str) -> None:
    first = await read(shop)
    await execute(shop, "INSERT INTO vendors VALUES (1, 'Able', NULL)")
    again = await read(shop, first.snapshot)

    assert again.snapshot is first.snapshot
    assert len(again.statements) == 1


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE vendors ADD COLUMN region TEXT",
        "ALTER TABLE vendors RENAME COLUMN name TO vendor_name",
        "ALTER TABLE invoices RENAME TO bills",
        "CREATE UNIQUE INDEX one_since ON vendors (since)",
        "DROP VIEW spend",
    ],
)
async def test_every_change_is_seen(shop: str, change: str) -> None:
    first = await read(shop)
    await execute(shop, change)
    again = await read(shop, first.snapshot)

    assert again.snapshot.fingerprint != first.snapshot.fingerprint
    assert again.snapshot.relations != first.snapshot.relations


async def test_a_table_that_was_made_anew_as_it_was_is_no_change(shop: str) -> None:
    first = await read(shop)
    await execute(shop, "DROP VIEW spend", SHOP[2])

    assert (await read(shop, first.snapshot)).snapshot is first.snapshot


async def test_a_thousand_tables_take_no_more_statements_than_one(empty_database_url: str) -> None:
    few = await read(empty_database_url)
    await execute(empty_database_url, *(f"CREATE TABLE t{at} (id INTEGER PRIMARY KEY, a TEXT)" for at in range(1000)))
    many = await read(empty_database_url)

    assert len(many.snapshot.relations) == 1000
    assert len(many.statements) == len(few.statements)


async def test_a_view_that_names_what_is_gone_does_not_hide_the_others(sqlite_url: str) -> None:
    await execute(sqlite_url, *SHOP, "CREATE VIEW old AS SELECT gone FROM invoices")
    found = await read(sqlite_url)

    assert found.relation("old").columns == ()
    assert len(found.relation("spend").columns) == 2


async def test_schemas_beside_the_search_path_are_read_with_their_names(fresh_postgres_url: str) -> None:
    await execute(
        fresh_postgres_url,
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.orders (id INTEGER)",
        "CREATE TABLE orders (id BIGINT)",
    )
    found = (await read(fresh_postgres_url)).snapshot

    assert found.search_path == ("public",)
    assert str(found.by_name[RelationName("sales", "orders")].name) == "sales.orders"
    inside, outside = found.find("orders"), found.find("orders", "sales")
    assert inside is not None
    assert outside is not None
    assert (inside.columns[0].type, outside.columns[0].type) == ("bigint", "integer")
