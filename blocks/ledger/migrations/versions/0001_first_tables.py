"""The first tables: runs, node attempts, model calls, deliveries, decisions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _key() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_run(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name=f"fk_{table}_run_id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def upgrade() -> None:
    _create_runs()
    _create_node_attempts()
    _create_model_calls()
    _create_deliveries()
    _create_decisions()


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        _text("workflow"),
        sa.Column("version", sa.Integer(), nullable=True),
        _text("team"),
        _text("definition"),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        _text("state"),
        _text("message"),
        sa.Column("gaps", sa.JSON(), nullable=False),
        _moment("started_at"),
        _moment("finished_at", nullable=True),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
    )
    op.create_index("ix_runs_started_at", "runs", ["started_at"])


def _create_node_attempts() -> None:
    op.create_table(
        "node_attempts",
        _key(),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        _text("node"),
        _text("kind"),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        _text("state"),
        _text("error", nullable=True),
        _moment("started_at"),
        sa.Column("seconds", sa.Double(), nullable=True),
        *_of_run("node_attempts"),
        sa.UniqueConstraint("run_id", "node", "start", "attempt", name="uq_node_attempts_run_id_node_start_attempt"),
    )


def _create_model_calls() -> None:
    op.create_table(
        "model_calls",
        _key(),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        _text("node"),
        sa.Column("attempt", sa.Integer(), nullable=False),
        _text("team"),
        _text("purpose"),
        _text("tier"),
        _text("provider"),
        _text("model"),
        _text("prompt_version"),
        sa.Column("tokens_in", sa.Integer(), nullable=False),
        sa.Column("tokens_cached", sa.Integer(), nullable=False),
        sa.Column("tokens_out", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Numeric().with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("latency_seconds", sa.Double(), nullable=False),
        _text("outcome"),
        _moment("at"),
        *_of_run("model_calls"),
    )
    op.create_index("ix_model_calls_run_id", "model_calls", ["run_id"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        _key(),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        _text("node"),
        _text("target"),
        _moment("intent_at"),
        _moment("receipt_at", nullable=True),
        sa.Column("receipt", sa.JSON(), nullable=True),
        _text("sha256"),
        _text("outcome"),
        _text("error", nullable=True),
        *_of_run("deliveries"),
        sa.UniqueConstraint("run_id", "node", "target", name="uq_deliveries_run_id_node_target"),
    )


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        _key(),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        _text("node"),
        _text("decision"),
        _text("comment"),
        _text("decided_by"),
        _text("via"),
        _moment("at"),
        *_of_run("decisions"),
        sa.UniqueConstraint("run_id", "node", name="uq_decisions_run_id_node"),
    )


def downgrade() -> None:
    for table in ("decisions", "deliveries", "model_calls", "node_attempts", "runs"):
        op.drop_table(table)
