"""What the tests of reason ask about: tables, texts, and a run with a ledger of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from blocks.ledger import Ledger
from blocks.settings import HoldfastSettings
from tasks.context import RunContext, enter_run, leave_run
from tasks.models.team import TeamModels
from tasks.outcome import Cell, Column, ColumnType, Gap, Outcome, Scope, Table
from tasks.reason.node import Purpose, ReasonNode
from tasks.reason.reasoner import Question

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PASSAGES: Mapping[str, ColumnType] = {"path": "string", "heading": "string", "passage": "string", "score": "number"}
"""The columns of a search's outcome."""
VENDORS: tuple[tuple[Cell, ...], ...] = (("Able", "1200.50", 0.0), ("Bold", "300.25", 0.3), ("Cora", "99.25", 0.0))


def table(columns: Mapping[str, ColumnType], *rows: tuple[Cell, ...]) -> Table:
    return Table(columns=tuple(Column(name=name, type=kind) for name, kind in columns.items()), rows=rows)


def vendors() -> Outcome:
    """Three vendors: what each was paid, and how far it is below its target, which only Bold is."""
    return Outcome(table=table({"vendor": "string", "spend": "decimal", "below_target": "number"}, *VENDORS))


def gap(node: str = "stock", reason: str = "the store is down") -> Gap:
    return Gap(node=node, reason=reason, since=NOON)


def node(purpose: Purpose, **fields: Any) -> ReasonNode:
    """A node that asks about the node `spend`, with what its purpose cannot be without."""
    given: dict[str, Any] = {"id": "risk", "purpose": purpose, "needs": ("spend",)}
    if purpose == "classify":
        given["labels"] = ("low", "medium", "high")
    if purpose == "extract":
        given["fields"] = {"spend": "number"}
    return ReasonNode(**{**given, **fields})


def question(asked: ReasonNode, instructions: str = "", /, **outcomes: Outcome) -> Question:
    return Question(asked, Scope(outcomes=outcomes), instructions, NOON)


@asynccontextmanager
async def a_run(home: Path, models: TeamModels | None = None) -> AsyncIterator[RunContext]:
    """The surroundings of a task in a run of team `operations`, its ledger in that folder; it closes the models."""
    settings = HoldfastSettings(home=home)
    async with Ledger.open(settings.ledger) as ledger:
        run_id = uuid4()
        await ledger.start_run(
            run_id=run_id,
            workflow="scorecard",
            version=None,
            team="operations",
            definition="name: scorecard",
            inputs={},
            sources={},
            started_at=NOON,
        )
        run = RunContext(run_id, "scorecard", "operations", ledger, settings, now=lambda: NOON)
        token = enter_run(run)
        await run.models.get("operations", lambda: _opened(models or TeamModels((), {})))
        try:
            yield run
        finally:
            leave_run(token)
            await run.close()


async def _opened(models: TeamModels) -> TeamModels:
    return models
