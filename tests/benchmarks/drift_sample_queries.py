"""Saved queries over the sample company's three databases, and the views that some of them read.

They keep the rules of drift_queries.py. The names here are of lower case, so most queries can do without quotes.
"""

from collections.abc import Mapping, Sequence

from tests.benchmarks.drift_queries import Database, SavedQuery, saved

VIEWS: Mapping[Database, Sequence[str]] = {
    "finance": (
        """
        CREATE VIEW open_invoices AS
        SELECT i.invoice_id, v.name, i.due_date, i.amount, i.status
        FROM invoices i
        JOIN vendors v ON v.vendor_id = i.vendor_id
        WHERE i.paid_date IS NULL
        """,
        """
        CREATE VIEW monthly_spend AS
        SELECT vendor_id, month, SUM(amount) AS spend, COUNT(*) AS bills
        FROM invoices
        GROUP BY vendor_id, month
        """,
    ),
    "procurement": (
        """
        CREATE VIEW last_contracts AS
        SELECT c.contract_id, v.name, v.country, c.end_date, c.annual_value
        FROM contracts c
        JOIN vendors v ON v.vendor_id = c.vendor_id
        WHERE NOT EXISTS (
            SELECT 1 FROM contracts newer WHERE newer.vendor_id = c.vendor_id AND newer.start_date > c.start_date
        )
        """,
        """
        CREATE VIEW order_values AS
        SELECT po_id, vendor_id, month, quantity * unit_price AS order_value
        FROM purchase_orders
        """,
    ),
    "operations": (
        """
        CREATE VIEW late_deliveries AS
        SELECT delivery_id, vendor, month, promised_on, delivered_on
        FROM deliveries
        WHERE delivered_on > promised_on
        """,
        """
        CREATE VIEW complained_deliveries AS
        SELECT d.delivery_id, d.vendor, d.quantity, d.quantity_rejected, c.severity, c.subject
        FROM deliveries d
        JOIN complaints c ON c.delivery_id = d.delivery_id
        """,
    ),
}


QUERIES: tuple[SavedQuery, ...] = (
    saved(
        "finance",
        "spend-of-the-month",
        """
        SELECT v.name AS vendor, ROUND(SUM(i.amount), 2) AS spend, COUNT(*) AS invoices
        FROM invoices AS i
        JOIN vendors AS v ON v.vendor_id = i.vendor_id
        WHERE i.month = :month
        GROUP BY v.name
        ORDER BY v.name
        """,
        "aliases",
        month="2026-10",
    ),
    saved(
        "finance",
        "invoices-by-status",
        """
        SELECT status, COUNT(*) AS invoices, SUM(amount) AS total
        FROM invoices
        GROUP BY status
        ORDER BY status
        """,
    ),
    saved(
        "finance",
        "spend-by-category",
        """
        SELECT "category" AS "Category", SUM("amount") AS "Total Spend"
        FROM "invoices"
        WHERE "month" BETWEEN '2026-01' AND '2026-10'
        GROUP BY "category"
        ORDER BY "category"
        """,
        "quoted names",
    ),
    saved(
        "finance",
        "not-yet-paid",
        """
        SELECT invoice_id, name, amount, due_date
        FROM invoices
        JOIN vendors USING (vendor_id)
        WHERE paid_date IS NULL AND invoice_date >= '2026-10-15'
        ORDER BY invoice_id
        """,
    ),
    saved(
        "finance",
        "the-same-amount-again",
        """
        SELECT a.invoice_id, b.invoice_id AS again, a.amount, b.due_date
        FROM invoices a
        JOIN invoices b ON b.vendor_id = a.vendor_id AND b.amount = a.amount AND b.invoice_id > a.invoice_id
        WHERE a.month = '2026-07'
        ORDER BY a.invoice_id, b.invoice_id
        """,
        "aliases",
        "self join",
    ),
    saved(
        "finance",
        "large-invoices",
        """
        SELECT i.invoice_id, i.vendor_id, i.amount, i.category
        FROM invoices AS i
        WHERE i.month = '2026-09' AND i.amount > (SELECT 3 * AVG(amount) FROM invoices WHERE month = '2026-09')
        ORDER BY i.invoice_id
        """,
        "aliases",
        "sub-query",
    ),
    saved(
        "finance",
        "vendors-never-disputed",
        """
        SELECT v.vendor_id, v.name
        FROM vendors v
        WHERE NOT EXISTS (SELECT 1 FROM invoices i WHERE i.vendor_id = v.vendor_id AND i.status = 'disputed')
        ORDER BY v.vendor_id
        """,
        "aliases",
        "sub-query",
    ),
    saved(
        "finance",
        "paid-late",
        """
        WITH late AS (
            SELECT vendor_id, amount FROM invoices WHERE paid_date > due_date
        )
        SELECT v.name, COUNT(*) AS times, SUM(late.amount) AS total
        FROM late
        JOIN vendors v ON v.vendor_id = late.vendor_id
        GROUP BY v.vendor_id, v.name
        ORDER BY v.name
        """,
        "aliases",
        "cte",
    ),
    saved(
        "finance",
        "overheads-of-large-vendors",
        """
        WITH spend AS (
            SELECT vendor_id, category, SUM(amount) AS total FROM invoices GROUP BY vendor_id, category
        ), main AS (
            SELECT vendor_id, MAX(total) AS most FROM spend GROUP BY vendor_id HAVING MAX(total) > 100000
        )
        SELECT spend.vendor_id, spend.category, spend.total
        FROM spend
        JOIN main ON main.vendor_id = spend.vendor_id AND spend.total < main.most
        ORDER BY spend.vendor_id, spend.category
        """,
        "cte",
    ),
    saved(
        "finance",
        "words-of-the-books",
        """
        SELECT 'vendor' AS kind, name AS word FROM vendors
        UNION
        SELECT 'category', i.category FROM invoices i
        UNION
        SELECT 'status', i.status FROM invoices i
        ORDER BY kind, word
        """,
        "aliases",
        "union",
    ),
    saved(
        "finance",
        "spend-so-far",
        """
        SELECT months.month, months.spend, SUM(months.spend) OVER (ORDER BY months.month) AS so_far
        FROM (SELECT month, SUM(amount) AS spend FROM invoices GROUP BY month) AS months
        ORDER BY months.month
        """,
        "aliases",
        "sub-query",
        "window",
    ),
    saved(
        "finance",
        "last-invoice-of-each-vendor",
        """
        SELECT ranked.vendor_id, ranked.invoice_id, ranked.amount, ranked.status
        FROM (
            SELECT i.*, ROW_NUMBER() OVER (PARTITION BY i.vendor_id ORDER BY i.invoice_id DESC) AS n FROM invoices i
        ) ranked
        WHERE ranked.n = 1
        ORDER BY ranked.vendor_id
        """,
        "aliases",
        "sub-query",
        "window",
        "star",
    ),
    saved(
        "finance",
        "disputed",
        """
        SELECT name, invoice_id, due_date, amount FROM open_invoices WHERE status = :status ORDER BY invoice_id
        """,
        "view",
        status="disputed",
    ),
    saved(
        "finance",
        "monthly-spend",
        """
        SELECT * FROM monthly_spend WHERE month >= '2026-09' ORDER BY vendor_id, month
        """,
        "view",
        "star",
    ),
    saved(
        "finance",
        "invoices-of-a-vendor",
        """
        SELECT * FROM invoices WHERE vendor_id = :vendor AND month >= '2026-06' ORDER BY invoice_id
        """,
        "star",
        vendor=105,
    ),
    saved(
        "procurement",
        "contracts-in-force",
        """
        SELECT v.name AS vendor, c.on_time_target, c.annual_value, c.end_date
        FROM contracts AS c
        JOIN vendors AS v ON v.vendor_id = c.vendor_id
        WHERE c.start_date <= '2026-10-31' AND c.end_date >= '2026-10-31'
        ORDER BY v.name
        """,
        "aliases",
    ),
    saved(
        "procurement",
        "german-orders",
        """
        SELECT po_id, name, item, quantity, promised_on
        FROM purchase_orders
        JOIN vendors USING (vendor_id)
        WHERE country = 'DE' AND month = '2026-10'
        ORDER BY po_id
        """,
    ),
    saved(
        "procurement",
        "vendors-by-country",
        """
        SELECT "country" AS "Country", COUNT(*) AS "Vendors"
        FROM "vendors"
        GROUP BY "country"
        ORDER BY "Vendors" DESC, "Country"
        """,
        "quoted names",
    ),
    saved(
        "procurement",
        "renewed-contracts",
        """
        SELECT later.vendor_id, earlier.contract_id AS replaced, later.contract_id,
               later.annual_value - earlier.annual_value AS more, later.on_time_target
        FROM contracts later
        JOIN contracts earlier ON earlier.vendor_id = later.vendor_id AND earlier.start_date < later.start_date
        ORDER BY later.contract_id, earlier.contract_id
        """,
        "aliases",
        "self join",
    ),
    saved(
        "procurement",
        "second-sources",
        """
        SELECT a.category, a.name AS one, b.name AS other
        FROM vendors a, vendors b
        WHERE a.category = b.category AND a.country <> b.country AND a.vendor_id < b.vendor_id
        ORDER BY a.vendor_id, b.vendor_id
        """,
        "aliases",
        "self join",
    ),
    saved(
        "procurement",
        "dear-orders",
        """
        SELECT p.po_id, p.item, p.unit_price, p.quantity
        FROM purchase_orders p
        JOIN (SELECT item, AVG(unit_price) AS price FROM purchase_orders GROUP BY item) AS usual ON usual.item = p.item
        WHERE p.month = :month AND p.unit_price > 1.08 * usual.price
        ORDER BY p.po_id
        """,
        "aliases",
        "sub-query",
        month="2026-10",
    ),
    saved(
        "procurement",
        "preferred-with-strict-contracts",
        """
        SELECT name, account_manager
        FROM vendors
        WHERE preferred AND vendor_id IN (SELECT vendor_id FROM contracts WHERE max_defect_share < 0.03)
        ORDER BY name
        """,
        "sub-query",
    ),
    saved(
        "procurement",
        "value-by-manager",
        """
        WITH ordered AS (
            SELECT vendor_id, quantity * unit_price AS amount FROM purchase_orders WHERE ordered_on >= '2026-01-01'
        )
        SELECT v.account_manager, COUNT(*) AS orders, SUM(ordered.amount) AS amount
        FROM ordered
        JOIN vendors v ON v.vendor_id = ordered.vendor_id
        GROUP BY v.account_manager
        ORDER BY v.account_manager
        """,
        "aliases",
        "cte",
    ),
    saved(
        "procurement",
        "long-waits",
        """
        WITH waiting AS (SELECT * FROM purchase_orders WHERE promised_on > '2026-10-31'),
             large AS (SELECT waiting.po_id, waiting.vendor_id, waiting.item FROM waiting WHERE waiting.quantity > 500)
        SELECT large.po_id, v.name, large.item
        FROM large
        JOIN vendors v ON v.vendor_id = large.vendor_id
        ORDER BY large.po_id
        """,
        "aliases",
        "cte",
        "star",
    ),
    saved(
        "procurement",
        "people-and-places",
        """
        SELECT 'manager' AS kind, account_manager AS word FROM vendors
        UNION
        SELECT 'country', country FROM vendors
        UNION ALL
        SELECT DISTINCT 'item', p.item FROM purchase_orders AS p
        ORDER BY 1, 2
        """,
        "aliases",
        "union",
    ),
    saved(
        "procurement",
        "vendors-without-renewal",
        """
        SELECT vendor_id FROM vendors
        EXCEPT
        SELECT vendor_id FROM contracts WHERE end_date > '2027-12-31'
        ORDER BY vendor_id
        """,
        "union",
    ),
    saved(
        "procurement",
        "orders-before",
        """
        SELECT p.vendor_id, p.po_id, p.ordered_on, p.quantity,
               LAG(p.quantity) OVER (PARTITION BY p.vendor_id ORDER BY p.po_id) AS before
        FROM purchase_orders AS p
        WHERE p.month = '2026-08'
        ORDER BY p.vendor_id, p.po_id
        """,
        "aliases",
        "window",
    ),
    saved(
        "procurement",
        "largest-contracts-of-a-trade",
        """
        SELECT v.category, v.name, c.annual_value,
               RANK() OVER (PARTITION BY v.category ORDER BY c.annual_value DESC) AS place
        FROM contracts c
        JOIN vendors v ON v.vendor_id = c.vendor_id
        ORDER BY v.category, place, c.contract_id
        """,
        "aliases",
        "window",
    ),
    saved(
        "procurement",
        "contracts-that-end",
        """
        SELECT l.name, l.country, l.end_date
        FROM last_contracts l
        WHERE l.end_date < '2027-06-30'
        ORDER BY l.contract_id
        """,
        "aliases",
        "view",
    ),
    saved(
        "procurement",
        "order-values",
        """
        SELECT * FROM order_values WHERE month = '2026-10' AND order_value > :least ORDER BY po_id
        """,
        "view",
        "star",
        least=3000,
    ),
    saved(
        "procurement",
        "all-vendors",
        """
        SELECT * FROM vendors ORDER BY vendor_id
        """,
        "star",
    ),
    saved(
        "operations",
        "deliveries-on-time",
        """
        SELECT vendor, COUNT(*) AS deliveries,
               SUM(CASE WHEN delivered_on <= promised_on THEN 1 ELSE 0 END) AS on_time,
               SUM(quantity) AS pieces, SUM(quantity_rejected) AS rejected
        FROM deliveries
        WHERE month = '2026-10'
        GROUP BY vendor
        ORDER BY vendor
        """,
    ),
    saved(
        "operations",
        "complaints-by-severity",
        """
        SELECT "month", "severity" AS "Severity", COUNT(*) AS "Complaints"
        FROM "complaints"
        GROUP BY "month", "severity"
        ORDER BY "month", "severity"
        """,
        "quoted names",
    ),
    saved(
        "operations",
        "complained-again",
        """
        SELECT a.vendor, a.complaint_id, b.complaint_id AS again, b.opened_on
        FROM complaints a
        JOIN complaints b ON b.vendor = a.vendor AND b.opened_on = a.opened_on AND b.complaint_id > a.complaint_id
        WHERE a.severity = :severity
        ORDER BY a.complaint_id, b.complaint_id
        """,
        "aliases",
        "self join",
        severity="high",
    ),
    saved(
        "operations",
        "rejected-in-silence",
        """
        SELECT d.delivery_id, d.vendor, d.quantity, d.quantity_rejected
        FROM deliveries d
        WHERE d.quantity_rejected > 20
          AND NOT EXISTS (SELECT 1 FROM complaints c WHERE c.delivery_id = d.delivery_id)
        ORDER BY d.delivery_id
        """,
        "aliases",
        "sub-query",
    ),
    saved(
        "operations",
        "complaints-about-late-ones",
        """
        SELECT complaint_id, vendor, severity, subject
        FROM complaints
        WHERE month >= '2026-08'
          AND delivery_id IN (SELECT delivery_id FROM deliveries WHERE delivered_on > promised_on)
        ORDER BY complaint_id
        """,
        "sub-query",
    ),
    saved(
        "operations",
        "pieces-by-month",
        """
        WITH pieces AS (
            SELECT month, SUM(quantity) AS came, SUM(quantity_rejected) AS rejected
            FROM deliveries
            WHERE delivered_on IS NOT NULL
            GROUP BY month
        ), voices AS (
            SELECT c.month, COUNT(*) AS complaints FROM complaints c GROUP BY c.month
        )
        SELECT pieces.month, pieces.came, pieces.rejected, voices.complaints
        FROM pieces
        LEFT JOIN voices ON voices.month = pieces.month
        ORDER BY pieces.month
        """,
        "aliases",
        "cte",
    ),
    saved(
        "operations",
        "severe-and-large",
        """
        WITH severe AS (SELECT * FROM complaints WHERE severity = 'high')
        SELECT severe.complaint_id, severe.opened_on, d.po_id, d.quantity
        FROM severe
        JOIN deliveries AS d ON d.delivery_id = severe.delivery_id
        WHERE d.quantity >= 400
        ORDER BY severe.complaint_id
        """,
        "aliases",
        "cte",
        "star",
    ),
    saved(
        "operations",
        "what-is-open",
        """
        SELECT 'awaited' AS kind, delivery_id AS number, vendor, promised_on AS day
        FROM deliveries WHERE delivered_on IS NULL
        UNION ALL
        SELECT 'complaint', complaint_id, vendor, opened_on
        FROM complaints WHERE month = '2026-10' AND severity <> 'low'
        ORDER BY 1, 2
        """,
        "union",
    ),
    saved(
        "operations",
        "vendors-without-severe-complaints",
        """
        SELECT d.vendor FROM deliveries d
        EXCEPT
        SELECT c.vendor FROM complaints c WHERE c.severity = 'high' AND c.month >= '2026-01'
        ORDER BY 1
        """,
        "aliases",
        "union",
    ),
    saved(
        "operations",
        "complaints-month-before",
        """
        SELECT counted.vendor, counted.month, counted.complaints,
               LAG(counted.complaints) OVER (PARTITION BY counted.vendor ORDER BY counted.month) AS before
        FROM (SELECT vendor, month, COUNT(*) AS complaints FROM complaints GROUP BY vendor, month) AS counted
        ORDER BY counted.vendor, counted.month
        """,
        "aliases",
        "sub-query",
        "window",
    ),
    saved(
        "operations",
        "worst-delivery-of-each-vendor",
        """
        SELECT ranked.vendor, ranked.delivery_id, ranked.quantity_rejected, ranked.delivered_on
        FROM (
            SELECT d.*, ROW_NUMBER() OVER (
                PARTITION BY d.vendor ORDER BY d.quantity_rejected DESC, d.delivery_id
            ) AS n
            FROM deliveries d
            WHERE d.quantity_rejected IS NOT NULL
        ) AS ranked
        WHERE ranked.n = 1
        ORDER BY ranked.vendor
        """,
        "aliases",
        "sub-query",
        "window",
        "star",
    ),
    saved(
        "operations",
        "late-in-october",
        """
        SELECT vendor, COUNT(*) AS late FROM late_deliveries WHERE month = '2026-10' GROUP BY vendor ORDER BY vendor
        """,
        "view",
    ),
    saved(
        "operations",
        "rejected-and-complained",
        """
        SELECT c.* FROM complained_deliveries c WHERE c.severity = :severity AND c.quantity_rejected > 0
        ORDER BY c.delivery_id
        """,
        "aliases",
        "view",
        "star",
        severity="high",
    ),
    saved(
        "operations",
        "deliveries-of-a-day",
        """
        SELECT * FROM deliveries WHERE promised_on = '2026-09-15' ORDER BY delivery_id
        """,
        "star",
    ),
    saved(
        "operations",
        "complaints-with-deliveries",
        """
        SELECT complaint_id, opened_on, promised_on, delivered_on, quantity, subject
        FROM complaints
        JOIN deliveries USING (delivery_id)
        WHERE subject LIKE '%late%' AND opened_on >= '2026-10-01'
        ORDER BY complaint_id
        """,
    ),
)
