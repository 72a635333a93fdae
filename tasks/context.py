"""The run that a task works for: who it is, where its ledger is, who listens. Never part of a task's input.

It travels in a context variable, because a task's arguments are its cache key: a client, a clock or a listener there
would make every rerun a new call.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Protocol
from uuid import UUID

from pydantic import JsonValue

from blocks.budgets import Budgets
from blocks.opened import Opened
from blocks.settings import HoldfastSettings

if TYPE_CHECKING:
    from logging import Logger, LoggerAdapter

    from prefect.exceptions import Pause
    from prefect_sqlalchemy import AsyncSqlAlchemyConnector

    from blocks.ledger import Ledger
    from blocks.services.client import ServiceClient
    from tasks.drift.discover import Discovery
    from tasks.models.team import TeamModels

Verdict = Literal["approve", "reject"]
"""What a person can say at a gate."""
NodeState = Literal["waiting", "running", "retrying", "asking", "done", "degraded", "skipped", "failed"]


@dataclass(frozen=True)
class NodeEvent:
    """What a listener is told: `node` is now in `state`; `detail` says why, `attempt` of `attempts` is under way."""

    node: str
    state: NodeState
    detail: str = ""
    attempt: int = 0
    attempts: int = 0
    cached: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Question:
    """What a gate asks a person: the form's Markdown, and how to answer it."""

    node: str
    summary: str
    deadline: datetime
    wants_code: bool = False
    """Whether the answer counts only with the code that the person got."""


@dataclass
class Progress:
    """What else the run does while some of its nodes wait for people."""

    waiting: set[str] = field(default_factory=set)
    """The nodes that wait."""
    idle: Callable[[], bool] = lambda: True
    """Whether nothing can go on before one of them does; the engine says so."""
    degraded: dict[str, JsonValue] = field(default_factory=dict)
    """The nodes that have left a gap, each with its reason and outcome: a gate that opens keeps them."""
    kept: Mapping[str, JsonValue] = field(default_factory=dict)
    """The same as the run's gates have kept them: what somebody was shown is not made anew at another start."""
    suspended: "Pause | None" = None
    """What ends every node that waits, once the run is suspended."""


class Listener(Protocol):
    """Told of each step as it happens; the terminal is one, a test's list is another."""

    def on_event(self, event: NodeEvent) -> None: ...

    async def on_question(self, question: Question) -> Mapping[str, str] | None:
        """May answer with the form's fields; None: this listener has no answer, another way will."""
        ...


class Silent:
    """The listener of a run that nobody watches, such as a scheduled one."""

    def on_event(self, event: NodeEvent) -> None:
        return None

    async def on_question(self, question: Question) -> Mapping[str, str] | None:
        return None


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class RunContext:
    """One run's surroundings, for the tasks under it."""

    run_id: UUID
    workflow: str
    team: str
    ledger: "Ledger"
    settings: HoldfastSettings = field(default_factory=HoldfastSettings)
    sources: Mapping[str, str] = field(default_factory=dict)
    """Source name to URL, for this run only; goes before the blocks of the same names."""
    connectors: "Opened[AsyncSqlAlchemyConnector]" = field(default_factory=Opened)
    """The databases that this run has opened so far, by source name."""
    schemas: "Opened[Discovery]" = field(default_factory=Opened)
    """The schemas of the sources that this run has read so far, as they were before its first query on each."""
    models: "Opened[TeamModels]" = field(default_factory=Opened)
    """The way to the models of a team, once a node of this run has asked them."""
    services: "Opened[ServiceClient]" = field(default_factory=Opened)
    """The services that this run has asked so far, by name."""
    budgets: Budgets = field(default_factory=Budgets)
    """The workflow's own: what this run, and all its runs of a month, may spend on models."""
    decisions: Mapping[str, Verdict] = field(default_factory=dict)
    """Node id to a decision that was made before the run began (`--decide`)."""
    notes: tuple[str, ...] = ()
    """What every document of this run says at its end, such as that sample data was used."""
    listener: Listener = field(default_factory=Silent)
    now: Callable[[], datetime] = utc_now
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a gate waits: Prefect holds one pause at a time per run."""
    progress: Progress = field(default_factory=Progress)

    async def close(self) -> None:
        """Closes what its tasks have opened."""
        await self.schemas.end()
        await self.connectors.end()
        for models in await self.models.end():
            await models.aclose()
        for service in await self.services.end():
            await service.aclose()


_current: ContextVar[RunContext] = ContextVar("holdfast_run")


def current_run() -> RunContext:
    """The run that the calling task works for.

    Raises:
        LookupError: the task was called outside a workflow's run.
    """
    return _current.get()


enter_run = _current.set
leave_run = _current.reset


def run_logger() -> "Logger | LoggerAdapter[Logger]":
    """The log of the calling task run, which the Prefect UI shows; outside a Prefect run, one of Python's."""
    from prefect.exceptions import MissingContextError
    from prefect.logging import get_logger, get_run_logger

    try:
        return get_run_logger()
    except MissingContextError:
        return get_logger("holdfast")
