"""Outcomes as the data of a prompt: delimited, compact, and cut at a stated budget; the cut is a gap."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from blocks.words import counted
from tasks.outcome import Cell, Outcome, Table

MAX_ROWS = 200
"""Rows of each table that a model is shown."""
MAX_TEXT_CHARACTERS = 40_000
"""Characters of each text that a model is shown."""
MAX_CELL_CHARACTERS = 500

_TAG = re.compile(r"<(?=\s*/?\s*data\b)", re.IGNORECASE)


class Material(NamedTuple):
    """The data of a prompt, and what of it had to be left out, one line each."""

    text: str
    cuts: tuple[str, ...]


class Passage(NamedTuple):
    """A piece of a document that a search found."""

    path: str
    heading: str
    text: str


def passages_of(outcome: Outcome) -> tuple[Passage, ...] | None:
    """The passages of a search's outcome; None where its table is no list of passages."""
    table = outcome.table
    if table is None or not {"path", "passage"} <= set(table.names):
        return None
    return tuple(
        Passage(str(row["path"] or ""), str(row.get("heading") or ""), str(row["passage"] or ""))
        for row in table.records()
    )


def material_of(outcomes: Mapping[str, Outcome]) -> Material:
    """All outcomes, by node, in order."""
    pieces = [piece for node, outcome in outcomes.items() for piece in _pieces(node, outcome)]
    return Material("\n\n".join(text for text, _ in pieces), tuple(cut for _, cut in pieces if cut))


def _pieces(node: str, outcome: Outcome) -> Iterable[tuple[str, str]]:
    found = passages_of(outcome)
    if found is not None:
        for passage in found:
            place = f"{passage.path}: {passage.heading}" if passage.heading else passage.path
            yield _data(node, "passage", passage.text, where=place), ""
    elif outcome.table is not None:
        yield _table(node, outcome.table)
    if outcome.text:
        yield _text(node, outcome.text)
    if outcome.fields:
        yield _data(node, "fields", json.dumps(dict(outcome.fields), ensure_ascii=False)), ""


def _table(node: str, table: Table) -> tuple[str, str]:
    total, shown = len(table.rows), table.rows[:MAX_ROWS]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.names)
    writer.writerows([_short(cell) for cell in row] for row in shown)
    long = sum(_is_long(cell) for row in shown for cell in row)
    where, cuts = f"{total} rows", []
    if total > MAX_ROWS:
        where = f"only the first {MAX_ROWS} of {total} rows are here"
        cuts.append(f"the first {MAX_ROWS} of {total} rows of {node}")
    if long:
        cuts.append(f"the first {MAX_CELL_CHARACTERS} characters of {counted(long, 'cell')} of {node}")
    cut = f"the model was shown {' and '.join(cuts)}" if cuts else ""
    return _data(node, "table", text.getvalue(), where=where), cut


def _is_long(cell: Cell) -> bool:
    return isinstance(cell, str) and len(cell) > MAX_CELL_CHARACTERS


def _short(cell: Cell) -> Cell:
    return f"{cell[:MAX_CELL_CHARACTERS]} ..." if isinstance(cell, str) and _is_long(cell) else cell


def _text(node: str, text: str) -> tuple[str, str]:
    total = len(text)
    if total <= MAX_TEXT_CHARACTERS:
        return _data(node, "text", text), ""
    where = f"only the first {MAX_TEXT_CHARACTERS} of {total} characters are here"
    cut = f"the model was shown the first {MAX_TEXT_CHARACTERS} of {total} characters of {node}"
    return _data(node, "text", text[:MAX_TEXT_CHARACTERS], where=where), cut


def _data(node: str, kind: str, content: str, *, where: str = "") -> str:
    about = f' about="{_plain(where)}"' if where else ""
    # Data that has such a tag in it must not be able to end its own block.
    return f'<data node="{node}" kind="{kind}"{about}>\n{_TAG.sub("&lt;", content).strip()}\n</data>'


def _plain(attribute: str) -> str:
    return " ".join(attribute.replace('"', "'").replace("<", "(").replace(">", ")").split())
