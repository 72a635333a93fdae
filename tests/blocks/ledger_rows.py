"""Rows that the tests of the ledger write: a run, and a model call of it."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from blocks.ledger import Ledger, ModelCallRow, RunRow

NOON = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)


async def start(ledger: Ledger, run_id: UUID | None = None, *, workflow: str = "scorecard") -> RunRow:
    return await ledger.start_run(
        run_id=run_id or uuid4(),
        workflow=workflow,
        version=None,
        team="operations",
        definition=f"name: {workflow}",
        inputs={"month": "2026-10"},
        sources={"finance": "postgresql://reader:secret@db/finance", "files": "data/northwind.db"},
        started_at=NOON,
    )


def a_call(
    run_id: UUID, cost_usd: Decimal | None, *, at: datetime = NOON, provider: str = "operations"
) -> ModelCallRow:
    return ModelCallRow(
        run_id=run_id,
        workflow="scorecard",
        node="risk",
        attempt=1,
        team="operations",
        purpose="classify",
        tier="fast",
        provider=provider,
        model="small",
        prompt_version="1",
        tokens_in=120,
        tokens_cached=20,
        tokens_out=7,
        cost_usd=cost_usd,
        latency_seconds=0.5,
        outcome="ok",
        at=at,
    )


async def record_call(
    ledger: Ledger, run_id: UUID, cost_usd: Decimal | None, *, at: datetime = NOON, provider: str = "operations"
) -> None:
    await ledger.record_model_call(a_call(run_id, cost_usd, at=at, provider=provider))
