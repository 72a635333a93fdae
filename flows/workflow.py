"""The definition of a workflow: a named graph of nodes with inputs, outputs and a trigger. Data, never behaviour."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from keyword import iskeyword
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from blocks.budgets import Budgets
from blocks.people.person import TimeZone
from flows.inputs import Input
from tasks.approve.node import ApproveNode
from tasks.kinds import AnyNode
from tasks.query.node import QueryNode
from tasks.search.node import SearchNode

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
OutputName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
OutputType = Literal["string", "integer", "number", "boolean", "date"]

_PREFECT_KEEPS = {"return_state", "wait_for", "model_config"}
_ONLY_CRONSIM = re.compile(r"LW|[0-9]L")
"""The last weekday of a month, and the last of some weekday: CronSim reads them and Prefect 3.8 does not."""


def _a_parameter_s_name(name: str) -> str:
    if iskeyword(name) or name in _PREFECT_KEEPS:
        raise ValueError(f"{name!r} cannot be an input, because Python and Prefect keep the word; choose another")
    return name


InputName = Annotated[OutputName, AfterValidator(_a_parameter_s_name)]


class Trigger(BaseModel):
    """When the workflow starts by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cron: str
    timezone: TimeZone = "UTC"

    @field_validator("cron")
    @classmethod
    def _a_cron_that_prefect_takes(cls, value: str) -> str:
        try:
            CronSim(value, datetime.now(UTC))  # also refuses a day that never comes, such as 31 February
        except CronSimError as error:
            reason = str(error)
        else:
            reason = "not known to Prefect" if _ONLY_CRONSIM.search(value.upper()) else ""
        # With six fields, CronSim takes the first for seconds and Prefect the last.
        if reason or len(value.split()) != 5:
            reason = reason or "there are not five fields"
            raise ValueError(
                f"{value!r} is no schedule: {reason[:1].lower()}{reason[1:]}; "
                "write five fields of a time that comes, as in '0 6 1 * *'"
            )
        return value


class Output(BaseModel):
    """A result that other workflows and people may rely on: where it comes from, and its type or columns."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    source: Annotated[str, Field(alias="from", pattern=r"^[a-z][a-z0-9-]*(\.[a-z_][a-z0-9_]*)?$")]
    """A node, for its table, or node.field, such as report.text."""
    type: OutputType | None = None
    columns: dict[str, OutputType] | None = None

    @property
    def node(self) -> str:
        """The node that the output comes from."""
        return self.source.partition(".")[0]

    @property
    def field(self) -> str | None:
        """The field of that node; None for its table."""
        return self.source.partition(".")[2] or None


class Workflow(BaseModel):
    """A whole definition. Parse one with flows.definitions, which says everything that is wrong at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    description: str = ""
    owner: str = ""
    team: str = "default"
    """Who pays: the team's model provider is used."""
    trigger: Trigger | None = None
    budget: Budgets = Budgets()
    """What a run, and all runs of a month, may spend on models."""
    samples: bool = False
    """Whether the sample company stands in for sources that nobody has set up; every report then says so."""
    inputs: dict[InputName, Input] = {}
    nodes: Annotated[tuple[AnyNode, ...], Field(min_length=1)]
    outputs: dict[OutputName, Output] = {}

    @property
    def sources(self) -> Mapping[str, QueryNode | SearchNode]:
        """The names of the sources that nodes read, each with the first node that reads it."""
        readers: dict[str, QueryNode | SearchNode] = {}
        for node in self.nodes:
            if isinstance(node, QueryNode | SearchNode):
                readers.setdefault(node.source, node)
        return readers

    @property
    def gates(self) -> tuple[str, ...]:
        """The ids of the nodes that wait for a person."""
        return tuple(node.id for node in self.nodes if isinstance(node, ApproveNode))

    @property
    def asking(self) -> tuple[str, ...]:
        """The ids of the nodes that may ask a person: the gates, and queries whose repair needs an approval."""
        return tuple(node.id for node in self.nodes if node.waits_for_a_person)

    def local(self, at: datetime) -> datetime:
        """The time in the trigger's time zone: `last month` of a run at midnight of the 1st is meant there."""
        return at.astimezone(ZoneInfo(self.trigger.timezone if self.trigger else "UTC"))

    def node(self, node_id: str) -> AnyNode:
        """The node of that id.

        Raises:
            KeyError: there is none.
        """
        found = next((node for node in self.nodes if node.id == node_id), None)
        if found is None:
            raise KeyError(node_id)
        return found
