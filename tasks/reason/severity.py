"""How bad a table looks, from 0 to 1, by a rule that a person can check.

Severity is the mean of reach and depth; of several columns or tables, the worst counts.

Columns that state a shortfall against a target (figures.shortfalls) decide alone where there are any. Reach is the
share of rows that are short, of which 0.3 is full reach. Depth is the largest shortfall: of a column of fractions,
0.5 is full depth; of any other column it is the modified z-score, of which 10.5 is full depth; a column of yes and
no has reach only.

Without such columns, a row is outlying where the modified z-score of one of its measures is beyond 3.5 either way.
Reach is the share of outlying rows, depth the largest score, on the same scales.

The modified z-score is 0.6745 * (x - median) / MAD, and 3.5 its usual limit: B. Iglewicz and D. C. Hoaglin, How to
Detect and Handle Outliers (1993). Where MAD is 0 the mean absolute deviation stands in: 0.7979 * (x - median) / MeanAD.
Fewer than 5 values have no score.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, median

from tasks.outcome import Table
from tasks.reason import figures

OUTLYING = 3.5
FULL_REACH = 0.3
FULL_FRACTION = 0.5
FULL_SCORE = 3 * OUTLYING
MIN_VALUES = 5


@dataclass(frozen=True)
class Finding:
    """What was found in one table: how severe it is, in one sentence, and whether a shortfall said so."""

    severity: float
    sentence: str
    by_shortfall: bool


def worst_finding(tables: Mapping[str, Table]) -> Finding | None:
    """The most severe finding; None where no table has a figure to judge by."""
    short = [_shortfall(node, table, name) for node, table in tables.items() for name in figures.shortfalls(table)]
    findings = [finding for finding in short if finding] or [
        finding for node, table in tables.items() if (finding := _outliers(node, table))
    ]
    return max(findings, key=lambda finding: finding.severity, default=None)


def scores(values: Mapping[int, float]) -> dict[int, float]:
    """Each value's modified z-score; none where there are too few values or all are the same."""
    if len(values) < MIN_VALUES:
        return {}
    middle = median(values.values())
    off = [abs(value - middle) for value in values.values()]
    if mad := median(off):
        factor = 0.6745 / mad
    elif mean := fmean(off):
        factor = 0.7979 / mean
    else:
        return {}
    return {row: factor * (value - middle) for row, value in values.items()}


def _shortfall(node: str, table: Table, name: str) -> Finding | None:
    exact = figures.numbers(table, name)
    if not exact:
        return None
    short = sorted((row for row, value in exact.items() if value > 0), key=lambda row: (-exact[row], row))
    if not short:
        return Finding(0.0, f"None of the {len(exact)} rows of {node} is short ({name}).", by_shortfall=True)
    column = table.columns[table.names.index(name)]
    reach = min(1.0, len(short) / len(exact) / FULL_REACH)
    if set(exact.values()) <= {0, 1} and column.type != "decimal":
        severity = reach
        worst = [figures.row_name(table, row) for row in short[:3]]
    else:
        severity = fmean((reach, _depth({row: float(value) for row, value in exact.items()}, reach)))
        percent = name in figures.shares(table)
        worst = [
            f"{figures.row_name(table, row)} {figures.written(exact[row], column, percent=percent)}"
            for row in short[:3]
        ]
    are = "is" if len(short) == 1 else "are"
    found = f"{len(short)} of {len(exact)} rows of {node} {are} short ({name})"
    lead = "foremost " if len(short) > len(worst) else ""
    return Finding(severity, f"{found}: {lead}{figures.listed(worst)}.", by_shortfall=True)


def _depth(values: Mapping[int, float], otherwise: float) -> float:
    most = max(values.values())
    if all(abs(value) <= 1 for value in values.values()):
        return min(1.0, most / FULL_FRACTION)
    return min(1.0, max(0.0, max(scored.values())) / FULL_SCORE) if (scored := scores(values)) else otherwise


def _outliers(node: str, table: Table) -> Finding | None:
    found: dict[int, tuple[float, str]] = {}
    judged: list[str] = []
    for name in figures.measures(table):
        scored = scores({row: float(value) for row, value in figures.numbers(table, name).items()})
        judged += [name] if scored else []
        for row, score in scored.items():
            if abs(score) > OUTLYING and abs(score) > found.get(row, (0.0, ""))[0]:
                found[row] = (abs(score), name)
    if not judged:
        return None
    total = len(table.rows)
    if not found:
        sentence = f"No row of the {total} of {node} stands out by {figures.listed(judged)}."
        return Finding(0.0, sentence, by_shortfall=False)
    rows = sorted(found, key=lambda row: (-found[row][0], row))
    reach = min(1.0, len(rows) / total / FULL_REACH)
    severity = fmean((reach, min(1.0, found[rows[0]][0] / FULL_SCORE)))
    worst = [
        f"{figures.row_name(table, row)} by {found[row][1]} (modified z-score {found[row][0]:.1f})" for row in rows[:3]
    ]
    stand = "stands" if len(rows) == 1 else "stand"
    sentence = f"{len(rows)} of {total} rows of {node} {stand} out: {figures.listed(worst)}."
    return Finding(severity, sentence, by_shortfall=False)
