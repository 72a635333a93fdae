"""How sure an answer may be: the model's own figure, bounded from above by what it rests on."""

from collections.abc import Iterable
from typing import NamedTuple

from blocks.words import counted
from tasks.outcome import REPAIRED_CONFIDENCE, Outcome


class Bounded(NamedTuple):
    """A confidence from 0 to 1, and one line per thing that it rests on."""

    confidence: float
    evidence: tuple[str, ...]


def bounded(own: float, *, gaps: int, rounds: int, has_data: bool, repairs: int = 0) -> Bounded:
    """The confidence that the evidence allows: 0.8 with one gap and 0.1 less with each more, never below 0.1."""
    limits: list[tuple[float, str]] = []
    if gaps:
        limits.append((max(0.1, 0.9 - 0.1 * gaps), counted(gaps, "gap")))
    if repairs:
        limits.append((REPAIRED_CONFIDENCE, f"{counted(repairs, 'repair')} of a query whose schema has drifted"))
    if rounds > 1:
        limits.append((0.8, "an answer that had to be asked for again"))
    if not has_data:
        limits.append((0.3, "no data to go by"))
    reasons = [f"own confidence {own:.2f}"]
    reasons += [f"at most {limit:.2f}: {why}" for limit, why in limits if limit < own]
    return Bounded(round(min([own, *(limit for limit, _ in limits)]), 4), tuple(reasons))


def has_data(outcomes: Iterable[Outcome]) -> bool:
    """Whether any outcome has a row, a text or a field with a value."""
    return any(
        outcome.text
        or (outcome.table is not None and outcome.table.rows)
        or any(value is not None for value in outcome.fields.values())
        for outcome in outcomes
    )
