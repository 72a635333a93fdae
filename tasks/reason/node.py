"""The settings of a `reason` node."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from blocks.models.calls import Tier
from tasks.models.node import ModelNode
from tasks.models.routing import tier_for
from tasks.node import Produces

Purpose = Literal["classify", "extract", "synthesise"]
OnTimeout = Literal["fail", "degrade", "cheaper"]
FieldType = Literal["string", "number", "integer", "boolean", "date"]

_TIMEOUT_SECONDS: Mapping[Purpose, float] = {"classify": 30.0, "extract": 30.0, "synthesise": 60.0}
_RESERVED = {"text", "rows", "gaps"}
"""What templates read of any outcome."""


class ReasonNode(ModelNode):
    """A question to a model about the outcomes of the nodes that it needs."""

    default_retry: ClassVar[int] = 2
    produces: ClassVar[frozenset[Produces]] = frozenset({"fields", "text"})

    kind: Literal["reason"] = "reason"
    purpose: Purpose
    """classify: one of `labels`, and why. extract: `fields` from texts and tables. synthesise: a report in Markdown."""
    instructions: str = ""
    """What to do, as a template; the first line of a synthesis is its title."""
    labels: Annotated[tuple[str, ...], Field(validate_default=True)] = ()
    """What classify chooses from; where they are grades, from the mildest to the most severe."""
    fields: Annotated[Mapping[str, FieldType], Field(validate_default=True)] = {}
    """What extract looks for: name to type."""
    on_timeout: OnTimeout = "fail"
    """What it means that the time is up: the try fails, the outcome is empty with a gap, or a cheaper tier is asked
    with the last 40 % of the time."""

    @field_validator("labels")
    @classmethod
    def _labels_fit(cls, labels: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        purpose = info.data.get("purpose")
        if purpose in ("extract", "synthesise") and labels:
            raise ValueError(f"only classify has labels; remove them, or change purpose: {purpose}")
        if purpose == "classify":
            if len(labels) < 2:
                raise ValueError(f"classify chooses among at least 2 labels, not {len(labels)}; add some")
            if len(set(labels)) < len(labels) or not all(label.strip() for label in labels):
                raise ValueError("each label must be another, and none empty")
        return labels

    @field_validator("fields")
    @classmethod
    def _fields_fit(cls, fields: Mapping[str, FieldType], info: ValidationInfo) -> Mapping[str, FieldType]:
        purpose = info.data.get("purpose")
        if purpose in ("classify", "synthesise") and fields:
            raise ValueError(f"only extract has fields; remove them, or change purpose: {purpose}")
        if purpose == "extract" and not fields:
            raise ValueError("extract looks for at least one field; add name: type")
        for name in fields:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name in _RESERVED:
                raise ValueError(f"{name!r} cannot be a field; use letters, digits and _, and not {sorted(_RESERVED)}")
        return fields

    @property
    def timeout_seconds(self) -> float:
        """How long one try may take, in seconds; a synthesis may take longer."""
        return self.timeout.total_seconds() if self.timeout else _TIMEOUT_SECONDS[self.purpose]

    @property
    def model_tier(self) -> Tier:
        """The grade of model that is asked, with the purpose's default filled in."""
        return self.tier or tier_for(self.purpose)

    def produces_now(self) -> frozenset[Produces]:
        return frozenset({"text"}) if self.purpose == "synthesise" else frozenset({"fields"})

    def templates(self) -> Iterator[tuple[str, str]]:
        yield from super().templates()
        yield "instructions", self.instructions

    def field_names(self) -> frozenset[str]:
        return frozenset({"label", "reason"}) if self.purpose == "classify" else frozenset(self.fields)
