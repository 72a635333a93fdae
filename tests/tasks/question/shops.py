"""Two small SQLite databases that are asked questions, one with names in snake_case and one in CamelCase."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from blocks.schemas.snapshot import Snapshot
from tests.blocks.schemas.reading import schema_of

SNAKE = """
CREATE TABLE vendors (vendor_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, city TEXT, country TEXT NOT NULL,
                      preferred BOOLEAN);
CREATE TABLE invoices (invoice_id INTEGER PRIMARY KEY, vendor_id INTEGER NOT NULL REFERENCES vendors (vendor_id),
                       month TEXT NOT NULL, invoice_date DATE NOT NULL, paid_date DATE, amount NUMERIC(12, 2) NOT NULL,
                       discount NUMERIC(12, 2), status TEXT);
CREATE TABLE complaints (complaint_id INTEGER PRIMARY KEY, invoice_id INTEGER, opened_on DATE, severity TEXT,
                         country TEXT, score INTEGER);
CREATE TABLE offices (office_id INTEGER PRIMARY KEY, title TEXT, opened_at TIMESTAMP);
CREATE TABLE transfers (transfer_id INTEGER PRIMARY KEY, fee NUMERIC,
                        from_office INTEGER REFERENCES offices (office_id),
                        to_office INTEGER REFERENCES offices (office_id));
INSERT INTO vendors VALUES (1, 'Able', 'Berlin', 'Germany', TRUE), (2, 'Baker', 'Paris', 'France', FALSE),
                           (3, 'Charlie', NULL, 'Germany', NULL), (4, 'O''Brien', 'New York', 'USA', TRUE);
INSERT INTO invoices VALUES (1, 1, '2026-09', '2026-09-30', '2026-10-15', 120, 5, 'paid'),
                            (2, 1, '2026-10', '2026-10-01', NULL, 80.5, NULL, 'open'),
                            (3, 2, '2026-10', '2026-10-31', '2026-11-02', 300, 10, 'Paid'),
                            (4, 3, '2026-11', '2026-11-01', NULL, 100, 0, 'disputed'),
                            (5, 2, '2025-12', '2025-12-31', '2026-01-10', 40, NULL, NULL),
                            (6, 4, '2026-11', '2026-11-20', NULL, 300, NULL, 'open');
INSERT INTO complaints VALUES (1, 1, '2026-10-02', 'high', 'France', 3), (2, 1, '2026-10-05', 'low', 'Germany', 8),
                              (3, 3, '2026-11-01', 'high', 'France', NULL), (4, 77, NULL, NULL, NULL, 5);
INSERT INTO offices VALUES (1, 'North', '2026-10-01 09:00:00'), (2, 'South', '2026-10-31 23:59:59');
INSERT INTO transfers VALUES (1, 2.5, 1, 2), (2, 4, 2, 1);
"""

CAMEL = """
CREATE TABLE Customer (CustomerId INTEGER PRIMARY KEY, FirstName TEXT, LastName TEXT, Country TEXT);
CREATE TABLE SalesOrder (OrderId INTEGER PRIMARY KEY, CustomerId INTEGER REFERENCES Customer (CustomerId),
                         OrderDate DATETIME, ShippedDate DATETIME, Freight NUMERIC, Total NUMERIC);
CREATE TABLE "Order Line" (LineId INTEGER PRIMARY KEY, OrderId INTEGER NOT NULL REFERENCES SalesOrder (OrderId),
                           ProductName TEXT, Quantity INTEGER, "Unit Price" REAL, "Group" TEXT);
CREATE TABLE Tag (TagId INTEGER PRIMARY KEY, Name TEXT, Picture BLOB);
CREATE TABLE CustomerTag (CustomerId INTEGER REFERENCES Customer (CustomerId), TagId INTEGER REFERENCES Tag (TagId),
                          PRIMARY KEY (CustomerId, TagId));
INSERT INTO Tag VALUES (1, 'new', NULL), (2, 'old', NULL);
INSERT INTO CustomerTag VALUES (1, 1), (1, 2), (3, 2);
INSERT INTO Customer VALUES (1, 'Ann', 'Lee', 'USA'), (2, 'Bob', 'Ray', 'Peru'), (3, 'Cy', 'Lee', 'USA');
INSERT INTO SalesOrder VALUES (1, 1, '2026-01-31 23:00:00', '2026-02-01 08:00:00', 5, 50),
                              (2, 1, '2026-02-01 00:00:00', NULL, 7, 20), (3, 2, '2025-06-01 10:00:00', NULL, 1, 90),
                              (4, NULL, '2026-02-10 10:00:00', '2026-02-11 10:00:00', NULL, 10);
INSERT INTO "Order Line" VALUES (1, 1, 'Nut', 10, 1.5, 'A'), (2, 1, 'Bolt', 5, 2.0, 'B'), (3, 2, 'Nut', 3, 1.4, 'A'),
                                (4, 3, 'Gear', 1, 90.0, NULL);
"""


class Shop:
    """A database with its schema, as the offline model gets it."""

    def __init__(self, path: Path, schema: Snapshot) -> None:
        self.path, self.schema = path, schema

    @classmethod
    async def made(cls, path: Path, statements: str) -> "Shop":
        """A database of these statements at the path."""
        with sqlite3.connect(path) as connection:
            connection.executescript(statements)
        connection.close()
        return cls(path, await schema_of(f"sqlite+aiosqlite:///{path}"))

    def rows(self, sql: str) -> Sequence[tuple[object, ...]]:
        """What the database answers."""
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()
