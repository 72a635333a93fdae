"""What every kind of node shares: its id, what it needs, when it runs, how it is retried and what its failure means."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
)

from tasks.templates import condition_template

TAG = "tag-"
"""What the tag of a union begins with: in errors it is a step of pydantic's own, and no field."""
OnFailure = Literal["fail", "degrade"]
Produces = Literal["table", "text", "fields"]

_LONGEST = timedelta(days=3650)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")


def parse_duration(value: object) -> timedelta:
    """`30s`, `2h` or `1h30m` as a timedelta of whole milliseconds; a timedelta is itself.

    Raises:
        ValueError: it is neither, or is too long to be counted.
    """
    if not isinstance(value, str):
        if isinstance(value, timedelta):
            return value
        raise ValueError(f"a duration is written with its unit, such as 30s, 5m or 2h, not {value!r}")
    if not re.fullmatch(rf"(?:{_PART.pattern})+", value.strip()):
        raise ValueError(f"{value!r} is not a duration; write 30s, 5m, 2h or 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"a duration is at most {format_duration(_LONGEST)}, not {value[:40]!r}")
    return timedelta(milliseconds=round(seconds * 1000))


def format_duration(value: timedelta) -> str:
    """A timedelta as definitions write it: `90s` is `1m30s`."""
    milliseconds, text = round(value.total_seconds() * 1000), ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _positive(value: timedelta) -> timedelta:
    if value < timedelta(milliseconds=1):
        raise ValueError("a duration is at least 1ms")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    AfterValidator(_positive),
    PlainSerializer(format_duration, return_type=str),
]
NodeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]


class Node(BaseModel):
    """The settings that every kind shares; a kind adds its own fields and defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_timeout: ClassVar[timedelta] = timedelta(seconds=30)
    default_retry: ClassVar[int] = 3
    default_on_failure: ClassVar[OnFailure] = "fail"
    produces: ClassVar[frozenset[Produces]] = frozenset()

    id: NodeId
    kind: str
    needs: tuple[NodeId, ...] = ()
    """The nodes that must be over before this one starts: the edges of the graph."""
    when: str | None = None
    """A Jinja condition; the node is skipped where it is false."""
    retry: Annotated[int, Field(ge=0, le=10)] | None = None
    """How many more tries after the first; None: the kind's default."""
    timeout: Duration | None = None
    """How long one try may take; None: the kind's default."""
    on_failure: OnFailure | None = None
    """What a failure means: the run fails, or goes on with a gap; None: the kind's default."""

    @property
    def timeout_seconds(self) -> float:
        """How long one try may take, in seconds."""
        return (self.timeout or self.default_timeout).total_seconds()

    @property
    def retries(self) -> int:
        """How many tries may follow the first."""
        return self.default_retry if self.retry is None else self.retry

    @property
    def degrades(self) -> bool:
        """Whether a failure leaves a gap instead of failing the run."""
        return (self.on_failure or self.default_on_failure) == "degrade"

    @property
    def waits_for_a_person(self) -> bool:
        """Whether its task may wait for a decision, so that it ends its work itself and not at its timeout."""
        return False

    def produces_now(self) -> frozenset[Produces]:
        """What this node's outcome has: a table, a text, named fields."""
        return self.produces

    def templates(self) -> Iterator[tuple[str, str]]:
        """Every template of this node as (field, text), so that a check can see which names they use."""
        if self.when is not None:
            yield "when", condition_template(self.when)

    def reads(self) -> Iterator[tuple[str, str]]:
        """Nodes that a field names besides `needs`, as (field, node id)."""
        return iter(())

    def field_names(self) -> frozenset[str]:
        """The fields that this node's outcome has besides table and text, for checking `from` and templates."""
        return frozenset()

    def empty(self) -> dict[str, Any]:
        """The value of an outcome that stands in after a failure, as arguments of Outcome."""
        return {}


class WritingNode(Node):
    """A node that may change something outside of Holdfast, which a person confirms at a gate before it."""

    confirm: Literal["gate", "none"] = "gate"
    """Whether a gate must come before it, where it writes outside."""
    because: Annotated[str, Field(validate_default=True)] = ""
    """Why nobody need confirm it; kept in the ledger with each run."""

    @field_validator("because")
    @classmethod
    def _goes_with_none(cls, because: str, info: ValidationInfo) -> str:
        confirm = info.data.get("confirm")
        if confirm == "none" and not because.strip():
            raise ValueError("confirm: none needs a reason; write because: why nobody need confirm it")
        if confirm == "gate" and because:
            raise ValueError("a reason goes with confirm: none; write both, or neither")
        return because

    @property
    def writes_outside(self) -> bool:
        """Whether it changes something that is not Holdfast's own."""
        return True
