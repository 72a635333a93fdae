"""How a run ended, as the command says it: for people on the terminal, or as one JSON object."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rich.console import Console
from rich.markdown import Markdown

from tasks.context import NodeEvent

if TYPE_CHECKING:
    from blocks.ledger import DeliveryRow, RunCost, RunRow
    from flows.result import RunResult


def print_result(result: "RunResult") -> None:
    """Prints the report, where it was delivered, what it cost and what is missing."""
    out = Console(file=sys.stdout)
    if result.report and out.is_terminal:
        out.print(Markdown(result.report))
    elif result.report:
        out.print(result.report, markup=False, highlight=False, soft_wrap=True)
    out.print()
    lines = [f"{result.state}: {result.workflow}, run {result.run_id}"]
    lines += [f"Delivered to {place}" for place in result.deliveries] or ["Delivered nowhere."]
    lines += [f"Repaired {repair}" for repair in result.repairs]
    lines += [f"Corrected {correction}" for correction in result.corrections]
    lines.append(f"Cost {result.cost}")
    lines += [f"Missing {gap}" for gap in result.gaps] or ["Nothing is missing."]
    out.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def print_json(value: Mapping[str, Any]) -> None:
    """Prints the object, and nothing else, on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def aligned(rows: Sequence[Sequence[str]], *, left: int) -> Iterable[str]:
    """The rows as lines, each column as wide as its longest cell; so many on the left begin where others end."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def result_as_json(result: "RunResult") -> dict[str, Any]:
    """The object for a run that ended well, or degraded."""
    return {**result.model_dump(mode="json"), "gaps": [str(gap) for gap in result.gaps]}


def failure_as_json(
    run_id: UUID,
    workflow: str,
    message: str,
    *,
    row: "RunRow | None",
    cost: "RunCost",
    deliveries: "tuple[DeliveryRow, ...]",
    events: Mapping[str, NodeEvent],
) -> dict[str, Any]:
    """The object for a run that failed, from what the ledger and the terminal saw of it."""
    return {
        "run_id": str(run_id),
        "workflow": workflow,
        "state": "Failed",
        "message": message,
        "gaps": list(row.gaps) if row else [],
        "cost_usd": str(cost.total),
        "model_calls": cost.calls,
        "unpriced_calls": cost.unpriced_calls,
        "offline_answers": cost.offline_answers,
        "nodes": {
            name: {
                "state": event.state,
                "seconds": round(event.seconds, 3),
                "attempts": event.attempt,
                "cached": event.cached,
                "detail": event.detail,
            }
            for name, event in events.items()
        },
        "deliveries": [delivery.target for delivery in deliveries if delivery.receipt_at],
    }
