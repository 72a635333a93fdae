"""The schemas of the sample databases. Saved queries rely on these names."""

FINANCE = """
CREATE TABLE vendors (vendor_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE invoices (
    invoice_id INTEGER PRIMARY KEY,
    vendor_id INTEGER NOT NULL REFERENCES vendors (vendor_id),
    po_id INTEGER,
    invoice_date DATE NOT NULL,
    month TEXT NOT NULL,
    due_date DATE NOT NULL,
    paid_date DATE,
    amount NUMERIC(12, 2) NOT NULL,
    currency TEXT NOT NULL,
    category TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('paid', 'open', 'disputed'))
);
CREATE INDEX invoices_month ON invoices (month);
CREATE INDEX invoices_vendor ON invoices (vendor_id);
"""

PROCUREMENT = """
CREATE TABLE vendors (
    vendor_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    category TEXT NOT NULL,
    country TEXT NOT NULL,
    account_manager TEXT NOT NULL,
    preferred BOOLEAN NOT NULL
);
CREATE TABLE contracts (
    contract_id INTEGER PRIMARY KEY,
    vendor_id INTEGER NOT NULL REFERENCES vendors (vendor_id),
    start_date DATE NOT NULL,
    end_date DATE NOT NULL,
    annual_value NUMERIC(12, 2) NOT NULL,
    on_time_target REAL NOT NULL,
    max_defect_share REAL NOT NULL,
    penalty_share REAL NOT NULL
);
CREATE TABLE purchase_orders (
    po_id INTEGER PRIMARY KEY,
    vendor_id INTEGER NOT NULL REFERENCES vendors (vendor_id),
    ordered_on DATE NOT NULL,
    month TEXT NOT NULL,
    promised_on DATE NOT NULL,
    item TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    unit_price NUMERIC(12, 2) NOT NULL
);
CREATE INDEX contracts_vendor ON contracts (vendor_id);
CREATE INDEX purchase_orders_month ON purchase_orders (month);
CREATE INDEX purchase_orders_vendor ON purchase_orders (vendor_id);
"""

OPERATIONS = """
CREATE TABLE deliveries (
    delivery_id INTEGER PRIMARY KEY,
    po_id INTEGER NOT NULL,
    vendor TEXT NOT NULL,
    month TEXT NOT NULL,
    promised_on DATE NOT NULL,
    delivered_on DATE,
    quantity INTEGER NOT NULL,
    quantity_rejected INTEGER
);
CREATE TABLE complaints (
    complaint_id INTEGER PRIMARY KEY,
    delivery_id INTEGER NOT NULL REFERENCES deliveries (delivery_id),
    vendor TEXT NOT NULL,
    month TEXT NOT NULL,
    opened_on DATE NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('low', 'medium', 'high')),
    subject TEXT NOT NULL
);
CREATE INDEX deliveries_month ON deliveries (month);
CREATE INDEX deliveries_vendor ON deliveries (vendor);
CREATE INDEX complaints_month ON complaints (month);
CREATE INDEX complaints_vendor ON complaints (vendor);
"""

USAGE = """
CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, name TEXT NOT NULL, domain TEXT NOT NULL UNIQUE);
CREATE TABLE activity (
    user_id INTEGER NOT NULL,
    month TEXT NOT NULL,
    customer_id INTEGER NOT NULL REFERENCES customers (customer_id),
    sessions INTEGER NOT NULL,
    failed_logins INTEGER NOT NULL,
    last_seen_on DATE NOT NULL,
    PRIMARY KEY (user_id, month)
);
CREATE INDEX activity_customer ON activity (customer_id, month);
"""
