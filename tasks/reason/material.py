"""Outcomes as the data of a prompt: delimited, compact, and cut at a stated budget; the cut is a gap."""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tasks.outcome import Outcome
from tasks.reason.pieces import Piece, TablePiece, TextPiece, fit


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


def material_of(outcomes: Mapping[str, Outcome], max_bytes: int | None = None) -> Material:
    """All outcomes, by node, in order.

    Where they are longer than that in UTF-8, the oldest rows of the largest table go first, then the next oldest of
    what is then the largest; once there are no rows left, the ends of the longest texts.
    """
    pieces = [piece for node, outcome in outcomes.items() for piece in pieces_of(node, outcome)]
    if max_bytes is not None:
        fit(pieces, max_bytes)
    return Material("\n\n".join(map(str, pieces)), tuple(cut for piece in pieces if (cut := piece.cut)))


def pieces_of(node: str, outcome: Outcome) -> Iterable[Piece]:
    """The outcome's pieces: its passages or its table, then its text, then its fields."""
    found = passages_of(outcome)
    if found is not None:
        for passage in found:
            place = f"{passage.path}: {passage.heading}" if passage.heading else passage.path
            yield TextPiece(node, "passage", passage.text, where=place)
    elif outcome.table is not None:
        yield TablePiece(node, outcome.table)
    if outcome.text:
        yield TextPiece(node, "text", outcome.text)
    if outcome.fields:
        yield TextPiece(node, "fields", json.dumps(dict(outcome.fields), ensure_ascii=False))
