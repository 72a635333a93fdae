"""What whoever works on gates needs: the ledger's book of them, the people, the codes, the clock, the run's page."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from prefect.events import emit_event
from prefect.settings import PREFECT_UI_URL

from blocks.channels.sending import open_channels
from blocks.codes import CodeMaker, code_maker
from blocks.ledger import GateBook, GateEventKind, GateRow, Ledger
from blocks.people.directory import saved_roster
from blocks.settings import HoldfastSettings
from tasks.approve.due import People

OTHER_KEY = "the gate's codes were made with another key than this machine's; set HOLDFAST_SIGNING_KEY on both"


@dataclass(frozen=True)
class Desk:
    """Where gates are worked on."""

    gates: GateBook
    people: People | None
    """None where no directory is saved: then nobody is told anything, and whoever reaches a gate decides."""
    codes: CodeMaker
    now: Callable[[], datetime]

    def emit(self, gate: GateRow, what: GateEventKind, person: str = "", detail: str = "") -> None:
        """Tells Prefect, where automations can act on it, what the ledger has recorded."""
        emit_event(
            event=f"holdfast.gate.{what}",
            resource={
                "prefect.resource.id": f"holdfast.gate.{gate.run_id}.{gate.gate}",
                "prefect.resource.name": gate.title,
            },
            related=[
                {
                    "prefect.resource.id": f"prefect.flow-run.{gate.run_id}",
                    "prefect.resource.role": "flow-run",
                }
            ],
            payload={"workflow": gate.workflow, "node": gate.node, "person": person, "detail": detail},
        )

    async def record(self, gate: GateRow, what: GateEventKind, person: str, detail: str) -> None:
        """Adds a step to the ledger and tells Prefect of it."""
        await self.gates.add_event(gate.run_id, gate.gate, what, person, detail, self.now())
        self.emit(gate, what, person, detail)


async def open_desk(ledger: Ledger, settings: HoldfastSettings, now: Callable[[], datetime]) -> Desk:
    """The desk with the people and channels as they are saved now.

    Raises:
        OperatorError: a block cannot be used, or the key for codes cannot be kept.
    """
    roster, channels = await asyncio.gather(saved_roster(), open_channels(ledger.services))
    people = People(roster, await ledger.gates.delegations(now()), channels) if roster is not None else None
    return Desk(ledger.gates, people, code_maker(settings), now)


def page_of(run_id: UUID) -> str:
    """The address of the run's page in the Prefect UI; empty where there is no UI."""
    ui = PREFECT_UI_URL.value()
    return f"{ui}/runs/flow-run/{run_id}" if ui else ""
