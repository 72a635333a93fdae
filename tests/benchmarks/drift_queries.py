"""Saved queries as people keep them, over two real databases that nobody here wrote: Northwind and Chinook.

Each runs unchanged on SQLite and on PostgreSQL, has the same answer in both (numbers to the cent) and orders its rows
totally. That bounds their SQL: no division, no dates but compared ones, no order by what may be NULL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent
from typing import Literal, get_args

Database = Literal["northwind", "chinook", "finance", "procurement", "operations"]
Feature = Literal[
    "quoted names", "aliases", "self join", "sub-query", "cte", "union", "window", "view", "star", "parameters"
]
FEATURES: tuple[Feature, ...] = get_args(Feature)


@dataclass(frozen=True)
class SavedQuery:
    """One query, its database, and which features of SQL it uses."""

    name: str
    database: Database
    sql: str
    features: frozenset[Feature]
    values: Mapping[str, str | int]
    """Of its parameters."""


def saved(database: Database, name: str, sql: str, *features: Feature, **values: str | int) -> SavedQuery:
    """The query with the values of its parameters."""
    bound: tuple[Feature, ...] = ("parameters",) if values else ()
    return SavedQuery(name, database, dedent(sql).strip(), frozenset({*features, *bound}), values)


def _saved(database: Database, name: str, sql: str, *features: Feature, **values: str | int) -> SavedQuery:
    # Both databases have names of mixed case, so none can do without quotes.
    return saved(database, name, sql, "quoted names", *features, **values)


QUERIES: tuple[SavedQuery, ...] = (
    _saved(
        "northwind",
        "freight-by-country",
        """
        SELECT "ShipCountry", COUNT(*) AS orders, ROUND(SUM("Freight"), 2) AS freight
        FROM "Orders"
        GROUP BY "ShipCountry"
        ORDER BY "ShipCountry"
        """,
    ),
    _saved(
        "northwind",
        "frequent-customers",
        """
        SELECT c."CompanyName", c."Country", COUNT(o."OrderID") AS orders
        FROM "Customers" c
        JOIN "Orders" o ON o."CustomerID" = c."CustomerID"
        GROUP BY c."CustomerID", c."CompanyName", c."Country"
        HAVING COUNT(o."OrderID") >= 10
        ORDER BY orders DESC, c."CustomerID"
        """,
        "aliases",
    ),
    _saved(
        "northwind",
        "orders-of-1998",
        """
        SELECT "OrderID", "CompanyName", "Country", "Freight"
        FROM "Orders"
        JOIN "Customers" USING ("CustomerID")
        WHERE "OrderDate" >= '1998-01-01'
        ORDER BY "OrderID"
        """,
    ),
    _saved(
        "northwind",
        "who-reports-to-whom",
        """
        SELECT e."FirstName", e."LastName", e."Title", m."LastName" AS manager
        FROM "Employees" AS e
        LEFT JOIN "Employees" AS m ON e."ReportsTo" = m."EmployeeID"
        ORDER BY e."EmployeeID"
        """,
        "aliases",
        "self join",
    ),
    _saved(
        "northwind",
        "customers-in-the-same-city",
        """
        SELECT a."City", a."CompanyName" AS one, b."CompanyName" AS other
        FROM "Customers" a, "Customers" b
        WHERE a."City" = b."City" AND a."CustomerID" < b."CustomerID"
        ORDER BY a."CustomerID", b."CustomerID"
        """,
        "aliases",
        "self join",
    ),
    _saved(
        "northwind",
        "suppliers-in-the-same-country",
        """
        SELECT one."Country", one."CompanyName", other."CompanyName" AS neighbour
        FROM "Suppliers" one
        JOIN "Suppliers" other ON other."Country" = one."Country" AND other."SupplierID" > one."SupplierID"
        ORDER BY one."SupplierID", other."SupplierID"
        """,
        "aliases",
        "self join",
    ),
    _saved(
        "northwind",
        "dear-in-their-category",
        """
        SELECT p."ProductName", p."UnitPrice", p."CategoryID"
        FROM "Products" AS p
        WHERE p."UnitPrice" > (
            SELECT AVG(q."UnitPrice") FROM "Products" AS q WHERE q."CategoryID" = p."CategoryID"
        )
        ORDER BY p."ProductID"
        """,
        "aliases",
        "self join",
        "sub-query",
    ),
    _saved(
        "northwind",
        "customers-without-orders",
        """
        SELECT c."CustomerID", c."CompanyName"
        FROM "Customers" c
        WHERE NOT EXISTS (SELECT 1 FROM "Orders" o WHERE o."CustomerID" = c."CustomerID")
        ORDER BY c."CustomerID"
        """,
        "aliases",
        "sub-query",
    ),
    _saved(
        "northwind",
        "countries-with-heavy-freight",
        """
        SELECT heavy.country, heavy.orders, heavy.most
        FROM (
            SELECT "ShipCountry" AS country, COUNT(*) AS orders, MAX("Freight") AS most
            FROM "Orders"
            GROUP BY "ShipCountry"
        ) AS heavy
        WHERE heavy.most > 400
        ORDER BY heavy.country
        """,
        "aliases",
        "sub-query",
    ),
    _saved(
        "northwind",
        "products-of-foreign-suppliers",
        """
        SELECT "ProductID", "ProductName", "QuantityPerUnit"
        FROM "Products"
        WHERE "SupplierID" IN (SELECT "SupplierID" FROM "Suppliers" WHERE "Country" <> 'USA')
          AND "Discontinued" = '0'
        ORDER BY "ProductID"
        """,
        "sub-query",
    ),
    _saved(
        "northwind",
        "share-of-each-shipper",
        """
        SELECT s."CompanyName", COUNT(*) AS orders, (SELECT COUNT(*) FROM "Orders") AS all_orders
        FROM "Shippers" s
        JOIN "Orders" o ON o."ShipVia" = s."ShipperID"
        GROUP BY s."ShipperID", s."CompanyName"
        ORDER BY s."ShipperID"
        """,
        "aliases",
        "sub-query",
    ),
    _saved(
        "northwind",
        "address-book",
        """
        SELECT 'customer' AS kind, "CompanyName", "ContactName", "City", "Country", "Phone"
        FROM "Customers" WHERE "City" IS NOT NULL
        UNION ALL
        SELECT 'supplier', "CompanyName", "ContactName", "City", "Country", "Phone"
        FROM "Suppliers"
        ORDER BY 1, 2, 3
        """,
        "union",
    ),
    _saved(
        "northwind",
        "countries-on-both-sides",
        """
        SELECT "Country" FROM "Customers" WHERE "Country" IS NOT NULL
        INTERSECT
        SELECT "Country" FROM "Suppliers"
        ORDER BY "Country"
        """,
        "union",
    ),
    _saved(
        "northwind",
        "phones",
        """
        SELECT "CompanyName" AS name, "Phone" AS phone FROM "Shippers"
        UNION
        SELECT s."CompanyName", s."Phone" FROM "Suppliers" AS s
        UNION
        SELECT e."LastName", e."HomePhone" FROM "Employees" AS e
        ORDER BY name, phone
        """,
        "aliases",
        "union",
    ),
    _saved(
        "northwind",
        "revenue-by-product",
        """
        WITH lines AS (
            SELECT d."ProductID", d."UnitPrice" * d."Quantity" * (1 - d."Discount") AS amount
            FROM "Order Details" d
        )
        SELECT p."ProductID", p."ProductName", ROUND(CAST(SUM(l.amount) AS NUMERIC), 2) AS revenue
        FROM lines l
        JOIN "Products" p ON p."ProductID" = l."ProductID"
        GROUP BY p."ProductID", p."ProductName"
        ORDER BY p."ProductID"
        """,
        "aliases",
        "cte",
    ),
    _saved(
        "northwind",
        "late-orders",
        """
        WITH late AS (SELECT * FROM "Orders" WHERE "ShippedDate" > "RequiredDate"),
             shipped AS (SELECT late."OrderID", late."ShipCountry", late."ShipVia", late."EmployeeID" FROM late)
        SELECT shipped."OrderID", shipped."ShipCountry", s."CompanyName" AS shipper, e."LastName" AS seller
        FROM shipped
        JOIN "Shippers" s ON s."ShipperID" = shipped."ShipVia"
        JOIN "Employees" e ON e."EmployeeID" = shipped."EmployeeID"
        ORDER BY shipped."OrderID"
        """,
        "aliases",
        "cte",
        "star",
    ),
    _saved(
        "northwind",
        "chain-of-command",
        """
        WITH RECURSIVE chain ("EmployeeID", "LastName", depth) AS (
            SELECT "EmployeeID", "LastName", 0 FROM "Employees" WHERE "ReportsTo" IS NULL
            UNION ALL
            SELECT e."EmployeeID", e."LastName", chain.depth + 1
            FROM "Employees" e
            JOIN chain ON e."ReportsTo" = chain."EmployeeID"
        )
        SELECT "EmployeeID", "LastName", depth FROM chain ORDER BY depth, "EmployeeID"
        """,
        "aliases",
        "cte",
        "union",
    ),
    _saved(
        "northwind",
        "price-rank-in-category",
        """
        SELECT k."CategoryName", p."ProductName", p."UnitPrice",
               RANK() OVER (PARTITION BY p."CategoryID" ORDER BY p."UnitPrice" DESC) AS place
        FROM "Products" p
        JOIN "Categories" k ON k."CategoryID" = p."CategoryID"
        ORDER BY p."CategoryID", p."ProductID"
        """,
        "aliases",
        "window",
    ),
    _saved(
        "northwind",
        "running-freight-of-sellers",
        """
        SELECT "EmployeeID", "OrderID", "Freight",
               SUM("Freight") OVER (PARTITION BY "EmployeeID" ORDER BY "OrderID") AS so_far
        FROM "Orders"
        WHERE "OrderDate" >= '1997-01-01' AND "OrderDate" < '1998-01-01'
        ORDER BY "EmployeeID", "OrderID"
        """,
        "window",
    ),
    _saved(
        "northwind",
        "latest-order-of-each-customer",
        """
        SELECT ranked."CustomerID", ranked."OrderID", ranked."OrderDate"
        FROM (
            SELECT o.*, ROW_NUMBER() OVER (PARTITION BY o."CustomerID" ORDER BY o."OrderID" DESC) AS n
            FROM "Orders" o
        ) ranked
        WHERE ranked.n = 1
        ORDER BY ranked."CustomerID"
        """,
        "aliases",
        "sub-query",
        "window",
        "star",
    ),
    _saved(
        "northwind",
        "subtotals",
        """
        SELECT * FROM "Order Subtotals" WHERE "OrderID" < 10400 ORDER BY "OrderID"
        """,
        "view",
        "star",
    ),
    _saved(
        "northwind",
        "dear-products",
        """
        SELECT "ProductName", "UnitPrice" FROM "Products Above Average Price" ORDER BY "ProductName"
        """,
        "view",
    ),
    _saved(
        "northwind",
        "big-german-orders",
        """
        SELECT q."OrderID", q."CompanyName", q."City", ROUND(CAST(s."Subtotal" AS NUMERIC), 2) AS subtotal
        FROM "Orders Qry" q
        JOIN "Order Subtotals" s ON s."OrderID" = q."OrderID"
        WHERE q."Country" = :country AND s."Subtotal" > 1000
        ORDER BY q."OrderID"
        """,
        "aliases",
        "view",
        country="Germany",
    ),
    _saved(
        "northwind",
        "suppliers-by-city",
        """
        SELECT v."City", v."CompanyName", v."ContactName"
        FROM "Customer and Suppliers by City" AS v
        WHERE v."Relationship" = 'Suppliers'
        ORDER BY v."CompanyName"
        """,
        "aliases",
        "view",
    ),
    _saved(
        "northwind",
        "lines-of-seafood",
        """
        SELECT x."OrderID", x."ProductName", x."Quantity", ROUND(CAST(x."ExtendedPrice" AS NUMERIC), 2) AS price
        FROM "Order Details Extended" x
        WHERE x."ProductID" IN (
            SELECT p."ProductID" FROM "Products" p
            JOIN "Categories" k ON k."CategoryID" = p."CategoryID" WHERE k."CategoryName" = :category
        )
        ORDER BY x."OrderID", x."ProductID"
        """,
        "aliases",
        "sub-query",
        "view",
        category="Seafood",
    ),
    _saved(
        "northwind",
        "all-products",
        """
        SELECT * FROM "Products" ORDER BY "ProductID"
        """,
        "star",
    ),
    _saved(
        "northwind",
        "all-suppliers-of-dairy",
        """
        SELECT DISTINCT s.*
        FROM "Suppliers" s
        JOIN "Products" p ON p."SupplierID" = s."SupplierID"
        JOIN "Categories" k ON k."CategoryID" = p."CategoryID"
        WHERE k."CategoryName" = 'Dairy Products'
        ORDER BY s."SupplierID"
        """,
        "aliases",
        "star",
    ),
    _saved(
        "northwind",
        "products-per-category",
        """
        SELECT k."CategoryID", k."CategoryName", k."Description", COUNT(p."ProductID") AS products,
               SUM(CASE WHEN p."Discontinued" = '1' THEN 0 ELSE p."UnitsInStock" END) AS stock
        FROM "Categories" k
        LEFT JOIN "Products" p ON p."CategoryID" = k."CategoryID"
        GROUP BY k."CategoryID"
        ORDER BY k."CategoryID"
        """,
        "aliases",
    ),
    _saved(
        "northwind",
        "to-be-ordered-again",
        """
        SELECT products."ProductName", products."UnitsInStock", products."UnitsOnOrder", products."ReorderLevel"
        FROM "Products" products
        WHERE products."UnitsInStock" + products."UnitsOnOrder" <= products."ReorderLevel"
        ORDER BY products."ProductID"
        """,
        "aliases",
    ),
    _saved(
        "northwind",
        "territories-of-sellers",
        """
        SELECT r."RegionDescription", t."TerritoryDescription", e."FirstName" || ' ' || e."LastName" AS seller
        FROM "Territories" t
        JOIN "Regions" r ON r."RegionID" = t."RegionID"
        JOIN "EmployeeTerritories" et ON et."TerritoryID" = t."TerritoryID"
        JOIN "Employees" e ON e."EmployeeID" = et."EmployeeID"
        ORDER BY t."TerritoryID"
        """,
        "aliases",
    ),
    _saved(
        "northwind",
        "order-lines-of-may",
        """
        SELECT o."OrderID", o."ShipCity", c."CompanyName", p."ProductName", d."Quantity", d."Discount"
        FROM "Orders" o
        JOIN "Order Details" d ON d."OrderID" = o."OrderID"
        JOIN "Products" p ON p."ProductID" = d."ProductID"
        JOIN "Customers" c ON c."CustomerID" = o."CustomerID"
        WHERE o."OrderDate" >= '1998-05-01'
        ORDER BY o."OrderID", p."ProductID"
        """,
        "aliases",
    ),
    _saved(
        "chinook",
        "tracks-per-genre",
        """
        SELECT g."Name" AS genre, COUNT(*) AS tracks, SUM(t."Milliseconds") AS milliseconds
        FROM "Genre" g
        JOIN "Track" t ON t."GenreId" = g."GenreId"
        GROUP BY g."GenreId", g."Name"
        ORDER BY tracks DESC, genre
        """,
        "aliases",
    ),
    _saved(
        "chinook",
        "sales-by-country",
        """
        SELECT "BillingCountry", COUNT(*) AS invoices, SUM("Total") AS total
        FROM "Invoice"
        GROUP BY "BillingCountry"
        ORDER BY "BillingCountry"
        """,
    ),
    _saved(
        "chinook",
        "customers-and-their-agents",
        """
        SELECT c."FirstName", c."LastName", c."Country", a."LastName" AS agent, m."LastName" AS manager
        FROM "Customer" c
        JOIN "Employee" a ON a."EmployeeId" = c."SupportRepId"
        JOIN "Employee" m ON m."EmployeeId" = a."ReportsTo"
        ORDER BY c."CustomerId"
        """,
        "aliases",
        "self join",
    ),
    _saved(
        "chinook",
        "staff",
        """
        SELECT e."LastName", e."Title", e."HireDate", boss."LastName" AS boss
        FROM "Employee" e
        LEFT JOIN "Employee" boss ON boss."EmployeeId" = e."ReportsTo"
        ORDER BY e."EmployeeId"
        """,
        "aliases",
        "self join",
    ),
    _saved(
        "chinook",
        "long-catalogues",
        """
        WITH counted AS (
            SELECT al."ArtistId", COUNT(*) AS tracks
            FROM "Album" al
            JOIN "Track" t ON t."AlbumId" = al."AlbumId"
            GROUP BY al."ArtistId"
        )
        SELECT ar."Name", counted.tracks
        FROM counted
        JOIN "Artist" ar ON ar."ArtistId" = counted."ArtistId"
        WHERE counted.tracks > :least
        ORDER BY counted.tracks DESC, ar."Name"
        """,
        "aliases",
        "cte",
        least=20,
    ),
    _saved(
        "chinook",
        "playlists",
        """
        SELECT p."PlaylistId", p."Name", COUNT(pt."TrackId") AS tracks
        FROM "Playlist" p
        LEFT JOIN "PlaylistTrack" pt ON pt."PlaylistId" = p."PlaylistId"
        GROUP BY p."PlaylistId", p."Name"
        ORDER BY p."PlaylistId"
        """,
        "aliases",
    ),
    _saved(
        "chinook",
        "unsold-tracks-per-medium",
        """
        SELECT m."Name" AS medium, COUNT(*) AS unsold
        FROM "Track" t
        JOIN "MediaType" m ON m."MediaTypeId" = t."MediaTypeId"
        WHERE NOT EXISTS (SELECT 1 FROM "InvoiceLine" l WHERE l."TrackId" = t."TrackId")
        GROUP BY m."MediaTypeId", m."Name"
        ORDER BY medium
        """,
        "aliases",
        "sub-query",
    ),
    _saved(
        "chinook",
        "names-of-genres-and-media",
        """
        SELECT * FROM "Genre"
        UNION ALL
        SELECT * FROM "MediaType"
        ORDER BY 1, 2
        """,
        "union",
        "star",
    ),
    _saved(
        "chinook",
        "longest-track-of-each-album",
        """
        SELECT longest."AlbumId", longest."Name", longest."Milliseconds"
        FROM (
            SELECT "AlbumId", "Name", "Milliseconds",
                   ROW_NUMBER() OVER (PARTITION BY "AlbumId" ORDER BY "Milliseconds" DESC, "TrackId") AS n
            FROM "Track"
        ) AS longest
        WHERE longest.n = 1
        ORDER BY longest."AlbumId"
        """,
        "aliases",
        "sub-query",
        "window",
    ),
    _saved(
        "chinook",
        "invoice-before",
        """
        SELECT i."CustomerId", i."InvoiceId", i."InvoiceDate", i."Total",
               LAG(i."Total") OVER (PARTITION BY i."CustomerId" ORDER BY i."InvoiceId") AS before
        FROM "Invoice" AS i
        ORDER BY i."CustomerId", i."InvoiceId"
        """,
        "aliases",
        "window",
    ),
    _saved(
        "chinook",
        "share-of-customers",
        """
        SELECT c."LastName", SUM(i."Total") AS spent, SUM(SUM(i."Total")) OVER (PARTITION BY c."Country") AS of_country
        FROM "Customer" c
        JOIN "Invoice" i USING ("CustomerId")
        GROUP BY c."CustomerId", c."LastName", c."Country"
        ORDER BY c."CustomerId"
        """,
        "aliases",
        "window",
    ),
    _saved(
        "chinook",
        "everybody",
        """
        SELECT "FirstName", "LastName", "Email", "City", "Country" FROM "Customer"
        UNION
        SELECT "FirstName", "LastName", "Email", "City", "Country" FROM "Employee"
        ORDER BY "LastName", "FirstName"
        """,
        "union",
    ),
    _saved(
        "chinook",
        "cities-without-staff",
        """
        SELECT c."City" FROM "Customer" c
        EXCEPT
        SELECT e."City" FROM "Employee" e
        ORDER BY 1
        """,
        "aliases",
        "union",
    ),
    _saved(
        "chinook",
        "revenue-of-agents",
        """
        WITH billed AS (
            SELECT c."SupportRepId" AS agent, SUM(i."Total") AS total, COUNT(*) AS invoices
            FROM "Invoice" i
            JOIN "Customer" c ON c."CustomerId" = i."CustomerId"
            WHERE i."InvoiceDate" >= '2023-01-01'
            GROUP BY c."SupportRepId"
        )
        SELECT e."FirstName", e."LastName", billed.total, billed.invoices
        FROM "Employee" e
        JOIN billed ON billed.agent = e."EmployeeId"
        ORDER BY e."EmployeeId"
        """,
        "aliases",
        "cte",
    ),
    _saved(
        "chinook",
        "revenue-per-medium",
        """
        WITH sold AS (
            SELECT l."TrackId", l."UnitPrice" * l."Quantity" AS amount FROM "InvoiceLine" l
        ), per_medium AS (
            SELECT t."MediaTypeId", SUM(sold.amount) AS amount
            FROM sold
            JOIN "Track" t ON t."TrackId" = sold."TrackId"
            GROUP BY t."MediaTypeId"
        )
        SELECT m."Name", per_medium.amount
        FROM per_medium
        JOIN "MediaType" m ON m."MediaTypeId" = per_medium."MediaTypeId"
        ORDER BY m."Name"
        """,
        "aliases",
        "cte",
    ),
    _saved(
        "chinook",
        "same-name-on-two-albums",
        """
        SELECT a."Name", a."AlbumId" AS one, b."AlbumId" AS other
        FROM "Track" a
        JOIN "Track" b ON b."Name" = a."Name" AND b."AlbumId" > a."AlbumId"
        WHERE a."UnitPrice" = 0.99 AND a."Composer" IS NOT NULL
        ORDER BY a."TrackId", b."TrackId"
        """,
        "aliases",
        "self join",
    ),
    _saved(
        "chinook",
        "tracks-of-live-albums",
        """
        SELECT t.*
        FROM "Track" t
        WHERE t."AlbumId" IN (SELECT "AlbumId" FROM "Album" WHERE "Title" LIKE '%Live%')
        ORDER BY t."TrackId"
        """,
        "aliases",
        "sub-query",
        "star",
    ),
    _saved(
        "chinook",
        "albums-by-length",
        """
        SELECT "AlbumId", "Title", COUNT(*) AS tracks, SUM("Milliseconds") AS milliseconds
        FROM "Album"
        JOIN "Track" USING ("AlbumId")
        GROUP BY "AlbumId", "Title"
        ORDER BY milliseconds DESC, "AlbumId"
        """,
    ),
    _saved(
        "chinook",
        "invoices-of-2025",
        """
        SELECT * FROM "Invoice" WHERE "InvoiceDate" >= '2025-01-01' ORDER BY "InvoiceId"
        """,
        "star",
    ),
    _saved(
        "chinook",
        "big-files",
        """
        SELECT big."TrackId", big."Name", big."Bytes", ar."Name" AS artist
        FROM (SELECT * FROM "Track" WHERE "Bytes" > 400000000) AS big
        JOIN "Album" al ON al."AlbumId" = big."AlbumId"
        JOIN "Artist" ar ON ar."ArtistId" = al."ArtistId"
        ORDER BY big."TrackId"
        """,
        "aliases",
        "sub-query",
        "star",
    ),
    _saved(
        "chinook",
        "above-the-average-invoice",
        """
        SELECT i."InvoiceId", i."BillingCity", i."Total"
        FROM "Invoice" i
        WHERE i."Total" > (SELECT AVG("Total") FROM "Invoice") AND i."BillingCountry" = :country
        ORDER BY i."InvoiceId"
        """,
        "aliases",
        "sub-query",
        country="USA",
    ),
)
