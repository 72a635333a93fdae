"""Gates: who is asked and told, what they answer, who stands in for whom."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def _table(name: str, *columns: "sa.Column[object]", unique: tuple[str, ...] = (), of_run: bool = True) -> None:
    run: list[sa.schema.SchemaItem] = []
    keys: list[sa.schema.SchemaItem] = [sa.PrimaryKeyConstraint("id", name=f"pk_{name}")]
    if of_run:
        run.append(sa.Column("run_id", sa.Uuid(), nullable=False))
        keys.append(sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name=f"fk_{name}_run_id"))
    if unique:
        keys.append(sa.UniqueConstraint(*unique, name=f"uq_{name}_{'_'.join(unique)}"))
    op.create_table(name, sa.Column("id", _KEY, nullable=False), *run, *columns, *keys)


def _texts(*names: str) -> list["sa.Column[object]"]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _times(*names: str) -> list["sa.Column[object]"]:
    return [sa.Column(name, _TIME, nullable=False) for name in names]


def _json(name: str) -> "sa.Column[object]":
    return sa.Column(name, sa.JSON(), nullable=False)


def upgrade() -> None:
    op.add_column("decisions", sa.Column("edits", sa.JSON(), nullable=False, server_default="{}"))
    _table(
        "gates",
        *_texts("gate", "node", "workflow", "title", "summary", "content"),
        _json("degraded"),
        _json("terms"),
        *_texts("key_fingerprint"),
        *_times("opened_at", "closes_at"),
        sa.Column("taken_at", _TIME, nullable=True),
        unique=("run_id", "gate"),
    )
    op.create_index("ix_gates_taken_at", "gates", ["taken_at"])
    _table(
        "asks",
        *_texts("gate", "slot", "person", "how", "because_of"),
        *_times("at"),
        unique=("run_id", "gate", "slot", "person"),
    )
    _table(
        "notices",
        *_texts("gate", "person", "channel", "occasion", "state"),
        sa.Column("tries", sa.Integer(), nullable=False),
        *_times("tried_at"),
        sa.Column("again_at", _TIME, nullable=True),
        *_texts("error"),
        unique=("run_id", "gate", "person", "channel", "occasion"),
    )
    _table(
        "votes",
        *_texts("gate", "person", "decision", "comment"),
        _json("edits"),
        *_texts("via", "answer"),
        *_times("at"),
        unique=("run_id", "gate", "person"),
    )
    _table("gate_events", *_texts("gate", "what", "person", "detail"), *_times("at"))
    op.create_index("ix_gate_events_run_id_gate", "gate_events", ["run_id", "gate"])
    _table(
        "delegations",
        *_texts("person", "alternate"),
        *_times("begins_at", "ends_at"),
        *_texts("set_by"),
        *_times("set_at"),
        of_run=False,
    )
    op.create_index("ix_delegations_ends_at", "delegations", ["ends_at"])
