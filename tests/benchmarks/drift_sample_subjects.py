"""Which tables and columns of the sample company's three databases each kind of drift changes.

Written as in drift_subjects.py. What another column tells as well (a complaint's vendor is its delivery's) is not
removed, and what has the same value in all rows (currency) gets no decoy, as neither would lose anything.
"""

from collections.abc import Mapping, Sequence

from tests.benchmarks.drift_queries import Database
from tests.benchmarks.drift_subjects import Kind

TABLES: Mapping[Database, Mapping[str, str]] = {
    "finance": {
        "vendors": "vendor_id int key, name text!",
        "invoices": "invoice_id int key, vendor_id int! >vendors, po_id int, invoice_date date!, month text!, "
        "due_date date!, paid_date date, amount num!, currency text!, category text!, status text!",
    },
    "procurement": {
        "vendors": "vendor_id int key, name text!, category text!, country text!, account_manager text!, "
        "preferred bool!",
        "contracts": "contract_id int key, vendor_id int! >vendors, start_date date!, end_date date!, "
        "annual_value num!, on_time_target real!, max_defect_share real!, penalty_share real!",
        "purchase_orders": "po_id int key, vendor_id int! >vendors, ordered_on date!, month text!, promised_on date!, "
        "item text!, quantity int!, unit_price num!",
    },
    "operations": {
        "deliveries": "delivery_id int key, po_id int!, vendor text!, month text!, promised_on date!, "
        "delivered_on date, quantity int!, quantity_rejected int",
        "complaints": "complaint_id int key, delivery_id int! >deliveries, vendor text!, month text!, "
        "opened_on date!, severity text!, subject text!",
    },
}

SUBJECTS: Mapping[Database, Mapping[Kind, Sequence[str]]] = {
    "finance": {
        "column_added": ("invoices", "vendors", "vendors.amount", "invoices.name"),
        "column_removed": ("invoices.amount", "invoices.status", "invoices.month", "vendors.name"),
        "column_retyped_same_meaning": (
            "invoices.amount:text",
            "invoices.amount:real",
            "invoices.vendor_id:big",
            "invoices.invoice_date:text",
        ),
        "column_retyped_other_meaning": (
            "invoices.amount:cents",
            "invoices.po_id:worded",
            "invoices.due_date:epoch",
        ),
        "column_renamed": (
            "invoices.amount",
            "invoices.vendor_id",
            "invoices.paid_date",
            "invoices.status",
            "vendors.name",
            "vendors.vendor_id",
        ),
        "column_renamed_to_decoy": ("invoices.amount", "invoices.status", "invoices.category", "vendors.name"),
        "column_made_nullable": ("invoices.amount", "vendors.name"),
        "column_moved": ("invoices.category", "invoices.amount", "vendors.name>invoices.vendor_id=vendor_id"),
        "columns_swapped_names": (
            "invoices.invoice_date,due_date",
            "invoices.due_date,paid_date",
            "invoices.category,status",
        ),
        "table_added": ("invoices", "vendors", ""),
        "table_removed": ("invoices", "vendors"),
        "table_removed_with_decoy": ("invoices", "vendors"),
        "table_renamed": ("invoices", "vendors"),
        "table_renamed_to_other_schema": ("invoices", "vendors"),
        "table_split": ("invoices.due_date,paid_date,status", "invoices.amount,currency,category,status:both"),
        "tables_widened": ("invoices+vendors:vendor_id=vendor_id",),
        "table_renamed_and_columns_renamed": ("invoices", "vendors"),
        "ambiguous": ("invoices", "vendors"),
    },
    "procurement": {
        "column_added": ("vendors", "purchase_orders", "purchase_orders.country", "vendors.quantity"),
        "column_removed": (
            "vendors.country",
            "vendors.account_manager",
            "contracts.end_date",
            "contracts.annual_value",
            "purchase_orders.quantity",
        ),
        "column_retyped_same_meaning": (
            "vendors.preferred:int",
            "contracts.annual_value:text",
            "contracts.end_date:text",
            "purchase_orders.quantity:text",
            "purchase_orders.po_id:big",
        ),
        "column_retyped_other_meaning": (
            "vendors.preferred:inverted",
            "purchase_orders.unit_price:cents",
            "contracts.start_date:epoch",
            "purchase_orders.quantity:worded",
        ),
        "column_renamed": (
            "vendors.country",
            "vendors.preferred",
            "vendors.vendor_id",
            "contracts.end_date",
            "contracts.on_time_target",
            "purchase_orders.vendor_id",
            "purchase_orders.unit_price",
        ),
        "column_renamed_to_decoy": (
            "vendors.country",
            "contracts.annual_value",
            "contracts.on_time_target",
            "purchase_orders.quantity",
            "purchase_orders.item",
        ),
        "column_made_nullable": ("vendors.name", "contracts.annual_value", "purchase_orders.month"),
        "column_moved": (
            "vendors.account_manager",
            "purchase_orders.quantity",
            "vendors.country>purchase_orders.vendor_id=vendor_id",
            "vendors.name>contracts.vendor_id=vendor_id",
        ),
        "columns_swapped_names": (
            "vendors.category,country",
            "contracts.start_date,end_date",
            "purchase_orders.ordered_on,promised_on",
        ),
        "table_added": ("vendors", "contracts", "purchase_orders", ""),
        "table_removed": ("vendors", "contracts", "purchase_orders"),
        "table_removed_with_decoy": ("vendors", "contracts", "purchase_orders"),
        "table_renamed": ("vendors", "contracts", "purchase_orders"),
        "table_renamed_to_other_schema": ("vendors", "contracts", "purchase_orders"),
        "table_split": (
            "vendors.country,account_manager,preferred",
            "contracts.on_time_target,max_defect_share,penalty_share:both",
            "purchase_orders.item,quantity,unit_price",
        ),
        "tables_stacked": ("contracts+purchase_orders:apart", "contracts+purchase_orders:one"),
        "tables_widened": (
            "contracts+vendors:vendor_id=vendor_id",
            "purchase_orders+vendors:vendor_id=vendor_id",
        ),
        "table_renamed_and_columns_renamed": ("vendors", "contracts", "purchase_orders"),
        "ambiguous": ("vendors", "contracts", "purchase_orders"),
    },
    "operations": {
        "column_added": ("deliveries", "complaints", "complaints.quantity", "deliveries.severity"),
        "column_removed": (
            "deliveries.quantity",
            "deliveries.delivered_on",
            "complaints.severity",
            "complaints.subject",
        ),
        "column_retyped_same_meaning": (
            "deliveries.quantity:text",
            "deliveries.quantity_rejected:text",
            "deliveries.promised_on:text",
            "complaints.delivery_id:big",
        ),
        "column_retyped_other_meaning": (
            "deliveries.quantity:worded",
            "deliveries.delivered_on:epoch",
            "complaints.opened_on:epoch",
        ),
        "column_renamed": (
            "deliveries.quantity",
            "deliveries.delivered_on",
            "deliveries.vendor",
            "deliveries.delivery_id",
            "complaints.delivery_id",
            "complaints.severity",
        ),
        "column_renamed_to_decoy": (
            "deliveries.quantity",
            "deliveries.quantity_rejected",
            "deliveries.vendor",
            "complaints.severity",
            "complaints.opened_on",
        ),
        "column_made_nullable": ("deliveries.quantity", "complaints.severity"),
        "column_moved": (
            "deliveries.quantity_rejected",
            "complaints.severity",
            "complaints.subject>deliveries.delivery_id=delivery_id",
        ),
        "columns_swapped_names": (
            "deliveries.promised_on,delivered_on",
            "deliveries.quantity,quantity_rejected",
            "complaints.severity,subject",
        ),
        "table_added": ("deliveries", "complaints", ""),
        "table_removed": ("deliveries", "complaints"),
        "table_removed_with_decoy": ("deliveries", "complaints"),
        "table_renamed": ("deliveries", "complaints"),
        "table_renamed_to_other_schema": ("deliveries", "complaints"),
        "table_split": (
            "deliveries.delivered_on,quantity,quantity_rejected",
            "complaints.opened_on,severity,subject:both",
        ),
        "tables_stacked": ("deliveries+complaints:apart", "deliveries+complaints:one"),
        "tables_widened": ("deliveries+complaints:delivery_id=delivery_id",),
        "table_renamed_and_columns_renamed": ("deliveries", "complaints"),
        "ambiguous": ("deliveries", "complaints"),
    },
}
