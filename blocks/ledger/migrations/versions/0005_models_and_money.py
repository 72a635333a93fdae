"""Accounts that budgets are held against, the exchanges of model calls, and more of each call."""

from collections import defaultdict
from decimal import Decimal

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MONEY = sa.Numeric().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    for name in ("workflow", "key_fingerprint"):
        op.add_column("model_calls", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("model_calls", sa.Column("frontier_cost_usd", _MONEY, nullable=True))
    op.add_column("model_calls", sa.Column("first_token_seconds", sa.Double(), nullable=True))
    op.create_index("ix_model_calls_at", "model_calls", ["at"])
    op.create_index("ix_model_calls_workflow_node_id", "model_calls", ["workflow", "node", "id"])
    op.create_table(
        "accounts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("spent_usd", _MONEY, nullable=False),
        sa.Column("held_usd", _MONEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("scope", "name", "month", name="uq_accounts_scope_name_month"),
    )
    op.create_table(
        "exchanges",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("call_id", _KEY, nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_exchanges"),
        sa.ForeignKeyConstraint(["call_id"], ["model_calls.id"], name="fk_exchanges_call_id"),
    )
    op.create_index("ix_exchanges_workflow_node_id", "exchanges", ["workflow", "node", "id"])
    _fill()


def _fill() -> None:
    """What was spent before counts, too."""
    runs = sa.table("runs", sa.column("run_id"), sa.column("workflow"))
    calls = sa.table("model_calls", *map(sa.column, ("run_id", "workflow", "team", "at", "cost_usd")))
    accounts = sa.table("accounts", *map(sa.column, ("scope", "name", "month", "spent_usd", "held_usd")))
    of_run = sa.select(runs.c.workflow).where(runs.c.run_id == calls.c.run_id).scalar_subquery()
    connection = op.get_bind()
    connection.execute(sa.update(calls).values(workflow=of_run))
    spent: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    paid = sa.select(calls.c.workflow, calls.c.team, calls.c.at, calls.c.cost_usd).where(calls.c.cost_usd.is_not(None))
    for row in connection.execute(paid):
        cost, month = Decimal(str(row.cost_usd)), str(row.at)[:7]
        for key in (("team", row.team, month), ("workflow", row.workflow, month)):
            spent[key] += cost
    exact = str if connection.dialect.name == "sqlite" else Decimal
    rows = [
        {"scope": scope, "name": name, "month": month, "spent_usd": exact(usd), "held_usd": exact("0")}
        for (scope, name, month), usd in sorted(spent.items())
    ]
    if rows:
        connection.execute(sa.insert(accounts), rows)
