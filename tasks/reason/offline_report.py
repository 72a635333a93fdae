"""A report in Markdown that is computed from the data: every figure in it is a cell, a total or a count of cells."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from textwrap import shorten
from typing import NamedTuple

from blocks.words import counted
from tasks.outcome import Outcome, Table
from tasks.reason import figures
from tasks.reason.material import Passage, passages_of
from tasks.reason.reasoner import Question

MAX_SENTENCES = 6
MAX_ROWS = 10
MAX_PASSAGES = 5
MAX_TOTALS = 4


class _Found(NamedTuple):
    """What the needed nodes gave, by kind."""

    tables: Mapping[str, Table]
    passages: Sequence[Passage]
    labels: Sequence[tuple[str, str, str]]
    missing: Sequence[str]


def report(question: Question) -> str:
    """The report: title, summary, figures, and what the documents say."""
    found = _sorted_out(question.needed)
    parts = [f"# {_title(question)}", "## Summary", " ".join(_summary(found))]
    if found.tables:
        parts.append("## Figures")
    for node, table in found.tables.items():
        parts += [*([f"### {_words(node)}"] if len(found.tables) > 1 else []), *_rows(table)]
    if found.passages:
        parts.append("## From the documents")
        parts += [_quote(passage) for passage in found.passages[:MAX_PASSAGES]]
    return "\n\n".join(parts)


def _sorted_out(needed: Mapping[str, Outcome]) -> _Found:
    tables: dict[str, Table] = {}
    passages: list[Passage] = []
    labels: list[tuple[str, str, str]] = []
    missing: list[str] = []
    for node, outcome in needed.items():
        found = passages_of(outcome)
        passages += found or ()
        if outcome.text:
            passages.append(Passage(node, "", outcome.text))
        if outcome.table is not None and outcome.table.rows and found is None:
            tables[node] = outcome.table
        elif outcome.table is not None and not outcome.table.rows:
            missing.append(node)
        if isinstance(label := outcome.fields.get("label"), str):
            labels.append((node, label, str(outcome.fields.get("reason") or "")))
    return _Found(tables, passages, labels, missing)


def _title(question: Question) -> str:
    lines = question.instructions.strip().splitlines()
    first = lines[0].strip("# \t") if lines else ""
    return shorten(first, 120, placeholder=" ...") or _words(question.node.id)


def _words(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _summary(found: _Found) -> list[str]:
    first = [f"{_words(node)} is **{label}**: {reason}".rstrip(": ") for node, label, reason in found.labels[:2]]
    last = []
    if found.passages:
        places = len({passage.path for passage in found.passages})
        last.append(f"{counted(len(found.passages), 'passage')} from {counted(places, 'document')} bear on this.")
    if found.missing:
        last.append(f"Figures of {figures.listed(found.missing)} are missing.")
    if not (found.tables or found.passages or found.labels):
        last.append("There is no data to report on.")
    middle = [*_extremes(found.tables), *(_totals(node, table) for node, table in found.tables.items())]
    return [*first, *middle[: MAX_SENTENCES - len(first) - len(last)], *last]


def _totals(node: str, table: Table) -> str:
    totals = [
        f"{_words(name).lower()} {_written(table, name, sum(figures.numbers(table, name).values(), Decimal(0)))}"
        for name in figures.additive(table)[:MAX_TOTALS]
    ]
    has = f"{_words(node)} has {counted(len(table.rows), 'row')}"
    return f"{has}; in total {figures.listed(totals)}." if totals else f"{has}."


def _extremes(tables: Mapping[str, Table]) -> Iterator[str]:
    """The worst and best rows of the table that states a shortfall, else of the first one."""
    ranked = [(table, name) for table in tables.values() if (name := _ranking(table))]
    chosen = next(((t, name) for t, name in ranked if name in figures.shortfalls(t)), ranked[0] if ranked else None)
    if chosen is None:
        return
    table, name = chosen
    values = figures.numbers(table, name)
    order = sorted(values, key=lambda row: (-values[row], row))
    named = [f"{figures.row_name(table, row)} ({_written(table, name, values[row])})" for row in order]
    words = name.replace("_", " ")
    if name not in figures.shortfalls(table):
        kind = "worst" if "severity" in name else "highest"
        yield f"By {words}, the {kind} are {figures.listed(named[:3])}."
        yield f"The lowest is {named[-1]}."
        return
    short = [text for text, row in zip(named, order, strict=True) if values[row] > 0]
    if not short:
        yield f"None of {len(order)} rows is short by {words}."
        return
    yield f"By {words}, the worst {'is' if len(short) == 1 else 'are'} {figures.listed(short[:3])}."
    best = f"The best is {named[-1]}." if len(short) == len(order) else ""
    yield best or f"{len(order) - len(short)} of {len(order)} rows are not short."


def _ranking(table: Table) -> str | None:
    """The column that says which rows are worst: a shortfall, else a severity, else the first measure."""
    measured = [name for name in figures.measures(table) if figures.numbers(table, name)]
    shortfalls = [name for name in figures.shortfalls(table) if figures.numbers(table, name)]
    severities = [name for name in measured if "severity" in name]
    return next(iter([*shortfalls, *severities, *measured]), None)


def _rows(table: Table) -> Iterator[str]:
    ranking = next(iter(figures.shortfalls(table)), None)
    order = list(range(len(table.rows)))
    if ranking:
        values = figures.numbers(table, ranking)
        order.sort(key=lambda row: -values.get(row, Decimal(-1)))
    shown = order[:MAX_ROWS]
    if len(shown) < len(order):
        by = f", by {ranking.replace('_', ' ')}" if ranking else ""
        yield f"{len(shown)} of {len(order)} rows{by}:"
    head = [_cell(name.replace("_", " ")) for name in table.names]
    rule = ["---:" if figures.is_numeric(column) else "---" for column in table.columns]
    shares = figures.shares(table)
    body = [
        [
            _cell(figures.written(cell, column, percent=column.name in shares))
            for column, cell in zip(table.columns, table.rows[row], strict=True)
        ]
        for row in shown
    ]
    yield "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *body))


def _written(table: Table, name: str, value: Decimal) -> str:
    column = table.columns[table.names.index(name)]
    return figures.written(value, column, percent=name in figures.shares(table))


def _cell(text: str) -> str:
    return shorten(text.replace("|", "\\|"), 80, placeholder=" ...")


def _quote(passage: Passage) -> str:
    place = f"{passage.path}, {passage.heading}" if passage.heading else passage.path
    return f"> {shorten(passage.text, 400, placeholder=' ...')}\n>\n> From {place}"
