"""What saved queries expected, and the shape and the repair of their last good answers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("good_answers", sa.Column("repairs", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("good_answers", sa.Column("approved_by", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("good_answers", sa.Column("shape", sa.JSON(), nullable=True))
    op.add_column("good_answers", sa.Column("asked_with", sa.Text(), nullable=False, server_default=""))
    op.add_column("good_answers", sa.Column("not_sampled", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "expectations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sql", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("expectation", sa.Text(), nullable=False),
        sa.Column("met", sa.Boolean(), nullable=False),
        sa.Column("observed", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_expectations"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_expectations_run_id"),
    )
    op.create_index("ix_expectations_run_id", "expectations", ["run_id"])
