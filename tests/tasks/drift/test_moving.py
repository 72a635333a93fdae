"""Tables that drift while their data move: the answer is that of the same data without the drift, or a refusal."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.errors import DriftRefused
from blocks.ledger import Ledger
from tests.blocks.source_databases import execute, rows
from tests.tasks.drift.shops import SHOP, SPEND, Shop
from tests.tasks.drift.test_answering import REBUILT

QUERIES = (
    SPEND,
    "SELECT id, vendor_id, amount FROM invoices ORDER BY id",
    "SELECT COUNT(*) AS n FROM invoices",
    "SELECT name, city, score FROM vendors ORDER BY id",
    "SELECT city, COUNT(*) AS n FROM vendors GROUP BY city ORDER BY city",
    "SELECT name FROM vendors WHERE score > 2 ORDER BY name",
    "SELECT * FROM vendors ORDER BY id",
)
DRIFTS = REBUILT | {
    "something else is new": ["CREATE TABLE news (id INTEGER)"],
    "a column is new": ["ALTER TABLE invoices ADD COLUMN note TEXT"],
    "a column is new that tells rows apart": [
        "ALTER TABLE invoices ADD COLUMN kind TEXT",
        "UPDATE invoices SET kind = CASE WHEN id % 2 = 0 THEN 'a' ELSE 'b' END",
    ],
    "there are copies": [
        "CREATE TABLE invoices_copy AS SELECT * FROM invoices",
        "CREATE TABLE vendors_copy AS SELECT * FROM vendors",
    ],
    "another column has its name": [
        "ALTER TABLE vendors RENAME COLUMN city TO town",
        "ALTER TABLE vendors ADD COLUMN city VARCHAR(40)",
        "UPDATE vendors SET city = 'not ' || town",
    ],
    "another table has its place": [
        "ALTER TABLE vendors RENAME TO vendors_2025",
        "CREATE TABLE vendors (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, city VARCHAR(40), score INTEGER)",
        "INSERT INTO vendors SELECT id + 100, 'new ' || name, 'Rome', 9 FROM vendors_2025",
    ],
    "another table's rows stand behind its own": [
        "CREATE TABLE both (id INTEGER PRIMARY KEY, vendor_id INTEGER, amount INTEGER, source TEXT)",
        "INSERT INTO both SELECT id, vendor_id, amount, 'new' FROM invoices",
        "INSERT INTO both SELECT id + 5000, vendor_id, amount, 'old' FROM invoices",
        "DROP TABLE invoices",
        "ALTER TABLE both RENAME TO invoices",
    ],
}
MOVES = (
    "INSERT INTO invoices SELECT id + 100, vendor_id, amount + 7 FROM invoices WHERE id < 60",
    "INSERT INTO invoices SELECT -id, vendor_id, amount FROM invoices WHERE id BETWEEN 1 AND 9",
    # Whoever has no invoice is lost where a table of invoices takes the place of the vendors.
    "INSERT INTO vendors SELECT MAX(id) + 1, 'Iris', 'Wien', 1 FROM vendors",
    "DELETE FROM invoices WHERE id BETWEEN 10 AND 14",
    "DELETE FROM invoices WHERE id < 40",
    "DELETE FROM vendors WHERE id = (SELECT MIN(id) FROM vendors)",
    "UPDATE invoices SET amount = amount + 1",
    "UPDATE vendors SET score = score + 1 WHERE id % 2 = 0",
    "UPDATE vendors SET city = 'Ulm' WHERE id = 4",
)
_LOSES_VENDORS = "a table is columns of another that has each vendor several times"


@settings(max_examples=25)
@given(
    sql=st.sampled_from(QUERIES),
    drift=st.sampled_from(sorted(DRIFTS)),
    moves=st.lists(st.sampled_from(MOVES), max_size=3, unique=True),
)
async def test_no_answer_is_another(sql: str, drift: str, moves: list[str]) -> None:
    if drift == _LOSES_VENDORS:
        moves = [each for each in moves if "vendors" not in each and not each.startswith("DELETE")]
    with TemporaryDirectory() as folder:
        drifted, undrifted = (f"sqlite:///{Path(folder) / name}.db" for name in ("drifted", "undrifted"))
        for url in (drifted, undrifted):
            await execute(url, *SHOP)
        async with Ledger.open(f"sqlite:///{Path(folder) / 'ledger.db'}") as ledger:
            shop = Shop(drifted, ledger)
            await shop.answer(sql)
            await execute(drifted, *moves, *DRIFTS[drift])
            await execute(undrifted, *moves)
            try:
                answer, _ = await shop.answer(sql)
            except DriftRefused:
                assert moves or drift not in REBUILT
            else:
                assert [tuple(map(str, row)) for row in answer] == [
                    tuple(map(str, row)) for row in await rows(undrifted, sql)
                ]
