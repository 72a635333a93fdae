"""What a node returns: an outcome, with its table, text or fields, its confidence, gaps and evidence.

Outcomes are persisted as JSON, so a table keeps plain values; tasks/frames.py makes pandas frames of them.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

ColumnType = Literal["string", "integer", "number", "decimal", "boolean", "date", "datetime"]
Cell = str | int | float | bool | None
REPAIRED_CONFIDENCE = 0.9
"""The most that an answer may have that rests on a repaired query: its values were known again, by a sample."""


class Gap(BaseModel):
    """Something that a run should have had and does not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str
    reason: str
    since: datetime
    """When the gap was first seen, in UTC."""

    def __str__(self) -> str:
        return f"{self.node}: {self.reason} (since {self.since:%Y-%m-%d %H:%M} UTC)"


class Column(BaseModel):
    """A column's name and type. A decimal's cells are strings, so that no digit is lost on the way through JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: ColumnType


class Table(BaseModel):
    """Rows with typed columns; dates and datetimes are ISO 8601 strings, decimals strings of digits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    def records(self) -> list[dict[str, Cell]]:
        """The rows as dictionaries, as templates and prompts read them."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


class Correction(BaseModel):
    """What an approver changed of another node's outcome before it went on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str
    field: str
    """`text`, or the name of a field."""
    was: JsonValue
    now: JsonValue
    by: str

    def __str__(self) -> str:
        what = f"{self.node}.{self.field}, by {self.by or 'an unnamed person'}"
        return what if self.field == "text" else f"{what}: {self.was} became {self.now}"


class Outcome(BaseModel):
    """A node's result. The value is a table, a text, named fields, or several of them; empty after a failure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: Table | None = None
    text: str | None = None
    fields: Mapping[str, JsonValue] = {}
    confidence: float | None = None
    """From 0 to 1; None where the notion has no meaning, as for a delivery."""
    gaps: tuple[Gap, ...] = ()
    evidence: tuple[str, ...] = ()
    """One line per thing that the value rests on: rows read, passages found, who decided."""
    repairs: tuple[str, ...] = ()
    """What a saved query uses and what its source no longer has as it was, each with what it was rebuilt from."""
    corrections: tuple[Correction, ...] = ()
    """What was corrected at this gate, for everything after it; of another node, what was corrected of its value."""

    @property
    def digest(self) -> str:
        """The SHA-256 of its JSON, the same after it was persisted and read again."""
        return sha256(self.model_dump_json().encode()).hexdigest()

    def value_of(self, name: str) -> JsonValue:
        """The text, or the field of that name; None where there is none."""
        return self.text if name == "text" else self.fields.get(name)

    def corrected(self, corrections: Iterable[Correction]) -> "Outcome":
        """The same after the corrections, which stay with it."""
        outcome = self
        for each in corrections:
            fields = {**outcome.fields, each.field: each.now}
            changed = {"text": str(each.now)} if each.field == "text" else {"fields": fields}
            outcome = outcome.model_copy(update={**changed, "corrections": (*outcome.corrections, each)})
        return outcome

    def view(self) -> dict[str, Any]:
        """What a template sees of this outcome: `text`, `rows`, `gaps` and every field by its name."""
        rows = self.table.records() if self.table else []
        return {**self.fields, "text": self.text or "", "rows": rows, "gaps": [str(gap) for gap in self.gaps]}


class Scope(BaseModel):
    """What one node may see: the run's inputs and the outcomes of the nodes it uses, by node id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: Mapping[str, JsonValue] = {}
    outcomes: Mapping[str, Outcome] = {}

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Every gap of what is used, once each, in order."""
        return tuple(dict.fromkeys(gap for outcome in self.outcomes.values() for gap in outcome.gaps))

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """Everything that was corrected of what is used, once each, in order."""
        return tuple(dict.fromkeys(each for outcome in self.outcomes.values() for each in outcome.corrections))

    @property
    def digest(self) -> str:
        """The SHA-256 of the inputs and of each outcome's digest."""
        outcomes = {name: outcome.digest for name, outcome in self.outcomes.items()}
        return sha256(json.dumps([dict(self.inputs), outcomes], sort_keys=True).encode()).hexdigest()

    def value_of(self, name: str) -> JsonValue:
        """The value of node.field; None where the node is not used here, or has none."""
        node, _, field = name.partition(".")
        return self.outcomes[node].value_of(field) if node in self.outcomes else None

    def text_of(self, node: str | None) -> str:
        """The node's text; empty where it has none, or is not used here."""
        outcome = self.outcomes.get(node) if node else None
        return (outcome.text or "") if outcome else ""
