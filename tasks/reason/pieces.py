"""The pieces of a prompt's data, a table or a text each: how they are written, and what goes where there is no room.

No piece can end its own block, whatever it has in it.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from blocks.words import counted
from tasks.outcome import Cell, Table

MAX_ROWS = 200
"""Rows of each table that a model is shown."""
MAX_TEXT_CHARACTERS = 40_000
"""Characters of each text that a model is shown."""
MAX_CELL_CHARACTERS = 500
_STEP_BYTES = 256

_TAG = re.compile(r"<(?=\s*/?\s*data\b)", re.IGNORECASE)


class Piece(Protocol):
    """A part of a prompt's data, as text, that can be made shorter."""

    @property
    def size(self) -> int:
        """Its bytes in UTF-8, without the tags around it."""
        ...

    @property
    def cut(self) -> str:
        """What of it the model is not shown, in one line; empty: nothing."""
        ...

    def shorten(self, by_bytes: int) -> bool:
        """Takes at least so many bytes away, or as many as there are; whether there was anything to take."""
        ...


class TablePiece:
    """A table as CSV. Its oldest rows go first: those of the earliest date, else the last ones."""

    def __init__(self, node: str, table: Table) -> None:
        self._node, self._table = node, table
        self._dates = next((at for at, each in enumerate(table.columns) if each.type in ("date", "datetime")), None)
        self._shown = self._newest(range(len(table.rows)), MAX_ROWS)
        self._lines = {row: _csv(map(_short, table.rows[row])) for row in self._shown}

    def __str__(self) -> str:
        total = len(self._table.rows)
        where = f"{total} rows" if len(self._shown) == total else f"{self._which} of {total} rows are here"
        rows = "".join(self._lines[row] for row in self._shown)
        return _data(self._node, "table", _csv(self._table.names) + rows, where=where)

    @property
    def size(self) -> int:
        return sum(len(self._lines[row].encode()) for row in self._shown)

    @property
    def cut(self) -> str:
        total, cuts = len(self._table.rows), []
        if len(self._shown) < total:
            cuts.append(f"{self._which.removeprefix('only ')} of {total} rows of {self._node}")
        if long := sum(_is_long(cell) for row in self._shown for cell in self._table.rows[row]):
            cuts.append(f"the first {MAX_CELL_CHARACTERS} characters of {counted(long, 'cell')} of {self._node}")
        return f"the model was shown {' and '.join(cuts)}" if cuts else ""

    @property
    def _which(self) -> str:
        count = len(self._shown)
        return f"only the {'newest' if self._dates is not None else 'first'} {count}" if count else "none"

    def shorten(self, by_bytes: int) -> bool:
        keep, taken = len(self._shown), 0
        for row in reversed(self._by_age(self._shown)):
            if taken >= by_bytes:
                break
            keep, taken = keep - 1, taken + len(self._lines[row].encode())
        self._shown = self._newest(self._shown, keep)
        return taken > 0

    def _newest(self, rows: Sequence[int], count: int) -> list[int]:
        """As many of the rows, in their own order."""
        return sorted(self._by_age(rows)[:count])

    def _by_age(self, rows: Sequence[int]) -> list[int]:
        """The rows, the newest first; without dates they are as new as they are high up."""
        at = self._dates
        if at is None:
            return list(rows)
        return sorted(rows, key=lambda row: str(self._table.rows[row][at] or ""), reverse=True)


class TextPiece:
    """A text, of which the end goes first."""

    def __init__(self, node: str, kind: str, text: str, *, where: str = "") -> None:
        self._node, self._kind, self._text, self._where = node, kind, text, where
        self._shown = text[:MAX_TEXT_CHARACTERS] if kind == "text" else text

    def __str__(self) -> str:
        shown, total = len(self._shown), len(self._text)
        here = f"only the first {shown} of {total} characters are here" if shown < total else ""
        return _data(self._node, self._kind, self._shown, where="; ".join(filter(None, (self._where, here))))

    @property
    def size(self) -> int:
        return len(self._shown.encode())

    @property
    def cut(self) -> str:
        shown, total = len(self._shown), len(self._text)
        of = f"{self._where} of {self._node}" if self._where else self._node
        return f"the model was shown the first {shown} of {total} characters of {of}" if shown < total else ""

    def shorten(self, by_bytes: int) -> bool:
        whole = self._shown.encode()
        self._shown = whole[: max(0, len(whole) - by_bytes)].decode(errors="ignore")
        return bool(whole)


def fit(pieces: Sequence[Piece], max_bytes: int) -> None:
    """Makes the pieces shorter until they have at most so many bytes together; the rule is material_of's."""
    for kind in (TablePiece, TextPiece):
        while (excess := sum(piece.size for piece in pieces) - max_bytes) > 0:
            largest, next_largest = _two_largest([piece for piece in pieces if isinstance(piece, kind)])
            # No further than to the size of the next: after that, another one is the largest.
            ahead = largest.size - next_largest if largest else 0
            if largest is None or not largest.shorten(min(excess, max(ahead, _STEP_BYTES))):
                break


def _two_largest(pieces: Sequence[Piece]) -> tuple[Piece | None, int]:
    """The largest piece, if there is one, and the size of the next."""
    largest = sorted(pieces, key=lambda piece: -piece.size)
    return (largest[0] if largest else None), (largest[1].size if len(largest) > 1 else 0)


def _csv(cells: Iterable[Cell]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _is_long(cell: Cell) -> bool:
    return isinstance(cell, str) and len(cell) > MAX_CELL_CHARACTERS


def _short(cell: Cell) -> Cell:
    return f"{cell[:MAX_CELL_CHARACTERS]} ..." if isinstance(cell, str) and _is_long(cell) else cell


def _data(node: str, kind: str, content: str, *, where: str = "") -> str:
    about = f' about="{_plain(where)}"' if where else ""
    # Data that has such a tag in it must not be able to end its own block.
    return f'<data node="{node}" kind="{kind}"{about}>\n{_TAG.sub("&lt;", content).strip()}\n</data>'


def _plain(attribute: str) -> str:
    return " ".join(attribute.replace('"', "'").replace("<", "(").replace(">", ")").split())
