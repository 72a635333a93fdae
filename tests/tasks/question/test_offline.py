"""Questions that the offline model answers: with what a person's own SQL gives, on both databases."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from blocks.errors import QuestionRefused
from blocks.schemas.snapshot import Column, ForeignKey, Relation, RelationName, Snapshot
from tasks.question.offline.writing import sql_for
from tasks.sql.usage import usage
from tests.blocks.schemas.reading import schema_of
from tests.blocks.source_databases import execute, rows
from tests.tasks.question.shops import SNAKE, Shop

JOINED = "FROM invoices LEFT JOIN vendors USING (vendor_id)"

SNAKE_QUESTIONS = {
    "How many vendors are there?": "SELECT count(*) FROM vendors",
    "number of invoices": "SELECT count(*) FROM invoices",
    "How many invoices do we have per status?": "SELECT status, count(*) FROM invoices GROUP BY 1 ORDER BY 1",
    "total amount of invoices": "SELECT sum(amount) FROM invoices",
    "What is the total amount of invoices by vendor?": f"SELECT name, sum(amount) {JOINED} GROUP BY name ORDER BY name",
    "average amount per vendor country, highest first": (
        f"SELECT country, avg(amount) {JOINED} GROUP BY 1 ORDER BY 2 DESC, 1"
    ),
    "sum of amount and number of invoices by month and status": (
        "SELECT month, status, sum(amount), count(*) FROM invoices GROUP BY 1, 2 ORDER BY 1, 2"
    ),
    "minimum and maximum amount of invoices in 2026-10": (
        "SELECT min(amount), max(amount) FROM invoices WHERE month = '2026-10'"
    ),
    "the latest invoice date of each vendor": (f"SELECT name, max(invoice_date) {JOINED} GROUP BY name ORDER BY name"),
    "the earliest opened on of complaints": "SELECT min(opened_on) FROM complaints",
    "list the vendors": "SELECT * FROM vendors ORDER BY vendor_id",
    "Show the name and city of all vendors": "SELECT name, city FROM vendors ORDER BY vendor_id",
    "list the country, severity and score of complaints": (
        "SELECT country, severity, score FROM complaints ORDER BY complaint_id"
    ),
    "list the amount of invoices in 2026-10": "SELECT amount FROM invoices WHERE month = '2026-10'",
    "how many invoices where amount is 300": "SELECT count(*) FROM invoices WHERE amount = 300",
    "how many invoices where amount > 2000": "SELECT count(*) FROM invoices WHERE amount > 2000",
    "list vendors and their city": "SELECT name, city FROM vendors ORDER BY vendor_id",
    "which vendors are preferred?": "SELECT * FROM vendors WHERE preferred = 1",
    "how many preferred vendors": "SELECT count(*) FROM vendors WHERE preferred = 1",
    "how many vendors are not preferred": "SELECT count(*) FROM vendors WHERE preferred = 0 OR preferred IS NULL",
    "vendors where country is Germany": "SELECT * FROM vendors WHERE country = 'Germany'",
    "vendors in the city of Berlin": "SELECT * FROM vendors WHERE city = 'Berlin'",
    "how many vendors in the country germany or france": (
        "SELECT count(*) FROM vendors WHERE country IN ('Germany', 'France')"
    ),
    "list the name of vendors where city is New York": "SELECT name FROM vendors WHERE city = 'New York'",
    'list the country of vendors with name "O\'Brien"': "SELECT country FROM vendors WHERE name = 'O''Brien'",
    "list the country of vendors with name 'O''Brien'": "SELECT country FROM vendors WHERE name = 'O''Brien'",
    "number of invoices with status paid": "SELECT count(*) FROM invoices WHERE status IN ('paid', 'Paid')",
    "number of invoices with status 'paid'": "SELECT count(*) FROM invoices WHERE status = 'paid'",
    "invoices in status open": "SELECT * FROM invoices WHERE status = 'open'",
    "how many invoices where status is not open": (
        "SELECT count(*) FROM invoices WHERE status IS NULL OR status <> 'open'"
    ),
    "invoices with amount over 100": "SELECT * FROM invoices WHERE amount > 100",
    "invoices with amount at least 1,000": "SELECT * FROM invoices WHERE amount >= 1000",
    "how many invoices with amount at least 100 and status open": (
        "SELECT count(*) FROM invoices WHERE amount >= 100 AND status = 'open'"
    ),
    "list invoices with amount between 80 and 120": "SELECT * FROM invoices WHERE amount BETWEEN 80 AND 120",
    "number of invoices in October 2026": "SELECT count(*) FROM invoices WHERE month = '2026-10'",
    "number of invoices in 2026": "SELECT count(*) FROM invoices WHERE month LIKE '2026%'",
    "number of invoices since 2026-10": "SELECT count(*) FROM invoices WHERE month >= '2026-10'",
    "number of invoices from 2025-12 to 2026-09": (
        "SELECT count(*) FROM invoices WHERE month BETWEEN '2025-12' AND '2026-09'"
    ),
    "invoices with invoice date after 2026-10-01": "SELECT * FROM invoices WHERE invoice_date > '2026-10-01'",
    "invoices with invoice date before 2026": "SELECT * FROM invoices WHERE invoice_date < '2026-01-01'",
    "total amount of invoices paid in 2026-10": (
        "SELECT sum(amount) FROM invoices WHERE paid_date BETWEEN '2026-10-01' AND '2026-10-31'"
    ),
    "how many complaints opened between 2026-10-01 and 2026-10-05": (
        "SELECT count(*) FROM complaints WHERE opened_on BETWEEN '2026-10-01' AND '2026-10-05'"
    ),
    "how many offices opened until 2026-10-31": "SELECT 2",
    "how many invoices without paid date": "SELECT count(*) FROM invoices WHERE paid_date IS NULL",
    "which invoices have no discount": "SELECT * FROM invoices WHERE discount IS NULL",
    "how many invoices where paid date is not null": "SELECT count(*) FROM invoices WHERE paid_date IS NOT NULL",
    "list the amount of invoices ordered by amount descending": (
        "SELECT amount FROM invoices ORDER BY amount DESC, invoice_id"
    ),
    "list the month and amount of invoices sorted by month and amount desc": (
        "SELECT month, amount FROM invoices ORDER BY month, amount DESC"
    ),
    "top 2 invoices by amount": "SELECT * FROM invoices ORDER BY amount DESC, invoice_id LIMIT 2",
    "the 3 largest discounts": ("SELECT discount FROM invoices ORDER BY discount DESC NULLS LAST, invoice_id LIMIT 3"),
    "top two vendors by total amount": (f"SELECT name, sum(amount) {JOINED} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2"),
    "Which 2 vendors have the most invoices?": (
        f"SELECT name, count(*) {JOINED} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2"
    ),
    "number of invoices by month, top 1": (
        "SELECT month, count(*) FROM invoices GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
    ),
    "the first 2 vendors": "SELECT * FROM vendors ORDER BY vendor_id LIMIT 2",
    "list the amount of invoices of vendor Able": (f"SELECT amount {JOINED} WHERE name = 'Able' ORDER BY invoice_id"),
    "how many complaints per vendor": (
        "SELECT name, count(*) FROM complaints LEFT JOIN invoices USING (invoice_id)"
        " LEFT JOIN vendors USING (vendor_id) GROUP BY 1 ORDER BY 1"
    ),
    "average score per invoice status": (
        "SELECT status, avg(score) FROM complaints LEFT JOIN invoices USING (invoice_id) GROUP BY 1 ORDER BY 1"
    ),
    "number of different countries of vendors": "SELECT count(DISTINCT country) FROM vendors",
    "list the different countries of vendors": "SELECT DISTINCT country FROM vendors ORDER BY 1",
    "list invoices with status open ordered by amount, highest first": (
        "SELECT * FROM invoices WHERE status = 'open' ORDER BY amount DESC, invoice_id"
    ),
    "count of invoices without discount and with status open": (
        "SELECT count(*) FROM invoices WHERE discount IS NULL AND status = 'open'"
    ),
    "invoices with no discount and no paid date": (
        "SELECT * FROM invoices WHERE discount IS NULL AND paid_date IS NULL"
    ),
    "total amount by month, latest first": "SELECT month, sum(amount) FROM invoices GROUP BY 1 ORDER BY 1 DESC",
    "the 2 latest complaints": "SELECT * FROM complaints ORDER BY opened_on DESC LIMIT 2",
    # The complaint about no invoice belongs to no vendor, and takes no place among three of them.
    "top 3 vendors by number of complaints": (
        "SELECT name, count(*) FROM complaints JOIN invoices USING (invoice_id) JOIN vendors USING (vendor_id)"
        " GROUP BY 1 ORDER BY 2 DESC, 1"
    ),
    "total score by vendor city for severity high": (
        "SELECT city, sum(score) FROM complaints JOIN invoices USING (invoice_id) JOIN vendors USING (vendor_id)"
        " WHERE severity = 'high' GROUP BY 1 ORDER BY 1"
    ),
    "how many invoices of vendors in country Germany": (f"SELECT count(*) {JOINED} WHERE country = 'Germany'"),
    "vendors where name is '; DROP TABLE vendors; --'": "SELECT * FROM vendors WHERE name = '; DROP TABLE vendors; --'",
    "number of complaints by month": ("SELECT substr(opened_on, 1, 7), count(*) FROM complaints GROUP BY 1 ORDER BY 1"),
}

CAMEL_QUESTIONS = {
    "How many sales orders are there per customer?": (
        "SELECT CustomerId, FirstName, LastName, count(*) FROM SalesOrder LEFT JOIN Customer USING (CustomerId)"
        " GROUP BY 1 ORDER BY 1"
    ),
    "total freight of SalesOrders by country": (
        "SELECT Country, sum(Freight) FROM SalesOrder LEFT JOIN Customer USING (CustomerId) GROUP BY 1 ORDER BY 1"
    ),
    "sum of total per customer country": (
        "SELECT Country, sum(Total) FROM SalesOrder LEFT JOIN Customer USING (CustomerId) GROUP BY 1 ORDER BY 1"
    ),
    "how many sales orders were shipped in 2026-02": (
        "SELECT count(*) FROM SalesOrder WHERE ShippedDate >= '2026-02-01' AND ShippedDate < '2026-03-01'"
    ),
    "number of tags per customer": (
        "SELECT CustomerId, FirstName, LastName, count(*) FROM CustomerTag JOIN Customer USING (CustomerId)"
        " GROUP BY 1 ORDER BY 1"
    ),
    "top 1 tag by number of customers": (
        "SELECT TagId, Name, count(*) FROM CustomerTag JOIN Tag USING (TagId) GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT 1"
    ),
    "list the tags": "SELECT TagId, Name FROM Tag",
    "sales orders with order date on 2026-01-31": "SELECT * FROM SalesOrder WHERE OrderId = 1",
    "average unit price of order lines by product name": (
        'SELECT ProductName, avg("Unit Price") FROM "Order Line" GROUP BY 1 ORDER BY 1'
    ),
    "total quantity by group": 'SELECT "Group", sum(Quantity) FROM "Order Line" GROUP BY 1 ORDER BY 1',
    "number of order lines per customer": (
        'SELECT CustomerId, FirstName, LastName, count(*) FROM "Order Line" JOIN SalesOrder USING (OrderId)'
        " JOIN Customer USING (CustomerId) GROUP BY 1 ORDER BY 1"
    ),
    "list the first name and last name of customers where country = 'USA'": (
        "SELECT FirstName, LastName FROM Customer WHERE Country = 'USA' ORDER BY CustomerId"
    ),
    "the 2 customers with the highest sum of total": (
        "SELECT CustomerId, FirstName, LastName, sum(Total) FROM SalesOrder LEFT JOIN Customer USING (CustomerId)"
        " GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1 LIMIT 2"
    ),
}


@pytest.mark.parametrize(("question", "by_hand"), SNAKE_QUESTIONS.items())
def test_a_question_about_snake_case_names_has_the_answer_of_sql_by_hand(
    question: str, by_hand: str, snake: Shop
) -> None:
    sql = sql_for(question, snake.schema)

    assert snake.rows(sql) == snake.rows(by_hand), sql
    assert usage(sql, snake.schema)


async def test_postgresql_answers_as_sqlite_does(snake: Shop, fresh_postgres_url: str) -> None:
    await execute(fresh_postgres_url, *filter(str.strip, SNAKE.split(";")))
    schema = await schema_of(fresh_postgres_url)

    for question in SNAKE_QUESTIONS:
        answer = await rows(fresh_postgres_url, sql_for(question, schema))

        # They order capitals and what is missing differently.
        assert _plain(answer) == _plain(snake.rows(sql_for(question, snake.schema))), question


def _plain(answer: Iterable[Iterable[object]]) -> list[tuple[str, ...]]:
    """The rows in one order, and each value as both databases say it."""
    return sorted(tuple(_said(value) for value in row) for row in answer)


def _said(value: object) -> str:
    return f"{float(value):.6f}" if isinstance(value, int | float | Decimal) else str(value)


@pytest.mark.parametrize(("question", "by_hand"), CAMEL_QUESTIONS.items())
def test_a_question_about_camel_case_names_has_the_answer_of_sql_by_hand(
    question: str, by_hand: str, camel: Shop
) -> None:
    sql = sql_for(question, camel.schema)

    assert camel.rows(sql) == camel.rows(by_hand), sql
    assert usage(sql, camel.schema)


def test_a_column_with_the_name_of_a_measure_is_measured_only_where_that_is_said(camel: Shop) -> None:
    with pytest.raises(QuestionRefused, match="'sales orders' is a table"):
        sql_for("total of sales orders per customer", camel.schema)

    assert sql_for("sum of total of sales orders", camel.schema) == "SELECT SUM(Total) AS total FROM SalesOrder"


VIEWED = Snapshot(
    dialect="postgresql",
    database="shop",
    search_path=("public",),
    fingerprint="1",
    relations=(
        Relation(
            name=RelationName("public", "products"),
            kind="table",
            columns=(
                Column("id", "integer", False),
                Column("category", "text", True),
                Column("Unit Price", "real", True),
            ),
            primary_key=("id",),
        ),
        Relation(
            name=RelationName("public", "products by category"),
            kind="view",
            columns=(Column("category", "text", True), Column("count", "integer", True)),
        ),
        Relation(
            name=RelationName("sales", "order"),
            kind="table",
            columns=(
                Column("number", "integer", False),
                Column("product_id", "integer", True),
                Column("made", "timestamp with time zone", True),
                Column("total_amount", "numeric", True),
                Column("Tätigkeit", "text", True),
            ),
            primary_key=("number",),
            foreign_keys=(ForeignKey(("product_id",), RelationName("public", "products"), ("id",)),),
        ),
    ),
)


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        (
            "list the unit price of products, highest first",
            'SELECT "Unit Price" FROM products ORDER BY "Unit Price" DESC NULLS LAST, id',
        ),
        (
            "number of orders per product category since 2026-10",
            'SELECT products.category, COUNT(*) AS orders FROM sales."order"'
            ' LEFT JOIN products ON "order".product_id = products.id'
            " WHERE \"order\".made >= '2026-10-01' GROUP BY products.category ORDER BY products.category",
        ),
        (
            "sum of total amount of orders by month",
            "SELECT TO_CHAR(made, 'YYYY-MM') AS month, SUM(total_amount) AS total_amount FROM sales.\"order\""
            " GROUP BY TO_CHAR(made, 'YYYY-MM') ORDER BY month",
        ),
        (
            "orders where Tätigkeit is not 'x\\y'",
            'SELECT number, product_id, made, total_amount, "Tätigkeit" FROM sales."order"'
            """ WHERE ("Tätigkeit" <> 'x\\y' OR "Tätigkeit" IS NULL) ORDER BY number""",
        ),
    ],
)
def test_postgresql_has_its_own_quotes_schemas_and_months(question: str, sql: str) -> None:
    assert sql_for(question, VIEWED) == sql
    assert usage(sql, VIEWED)


def test_a_view_whose_name_is_a_question_is_not_taken_for_one() -> None:
    with pytest.raises(QuestionRefused, match="could be products by category or products"):
        sql_for("number of products by category", VIEWED)


def test_a_table_that_pairs_two_others_is_used_only_for_each_of_the_second(camel: Shop) -> None:
    # A tag of two customers there would be counted twice.
    with pytest.raises(QuestionRefused, match="Tag and Customer cannot be joined"):
        sql_for("number of tags where customer country is USA", camel.schema)
