"""Starts one run's delivery again and again, as a run does that was cut off."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

from blocks.folders import digest
from blocks.ledger import DeliveryRow, Ledger
from blocks.services.client import ServiceClient
from blocks.services.service import Service
from blocks.settings import HoldfastSettings
from tasks.context import RunContext, enter_run, leave_run
from tasks.deliver.node import DeliverNode
from tasks.deliver.task import deliver_text
from tasks.outcome import Outcome, Scope
from tests.blocks.ledger_rows import NOON, start


@dataclass(frozen=True)
class Delivering:
    """One run that delivers the text of its node `report` into a folder."""

    ledger: Ledger
    folder: Path
    run_id: UUID = field(default_factory=uuid4)

    async def again(
        self,
        *paths: str,
        text: str = "# Report\n",
        inputs: dict[str, str] | None = None,
        notes: tuple[str, ...] = (),
        settings: dict[str, Any] | None = None,
        to: Sequence[dict[str, Any]] = (),
        services: Mapping[str, Service] | None = None,
        **outcomes: Outcome,
    ) -> Outcome:
        """The outcome of the next start of the run; `to` are targets in place of documents at the paths."""
        await start(self.ledger, self.run_id)
        run = RunContext(
            run_id=self.run_id,
            workflow="scorecard",
            team="operations",
            ledger=self.ledger,
            settings=HoldfastSettings(home=self.folder, deliveries=str(self.folder / "out")),
            notes=notes,
            now=lambda: NOON,
        )
        for name, service in (services or {}).items():
            await run.services.get(name, partial(self._client, name, service))
        token = enter_run(run)
        try:
            targets = to or [{"documents": path} for path in paths or ("report.md",)]
            about = {"id": "publish", "needs": ["report"], "content": "report", **(settings or {})}
            node = DeliverNode.model_validate({"kind": "deliver", "to": targets, **about})
            scope = Scope(inputs=inputs or {}, outcomes={"report": Outcome(text=text), **outcomes})
            return cast(Outcome, await inspect.unwrap(deliver_text.fn)(node, scope))
        finally:
            leave_run(token)
            await run.close()

    async def _client(self, name: str, service: Service) -> ServiceClient:
        return ServiceClient(name, service, self.ledger.services)

    async def cut_off(self, text: str, path: str = "report.md") -> None:
        """A start that ended after it had recorded that it would deliver the text, whether or not it did."""
        await start(self.ledger, self.run_id)
        whole = self.whole(text)
        await self.ledger.intend_delivery(self.run_id, "publish", str(self.place(path)), digest(whole), NOON)

    def place(self, path: str = "report.md") -> Path:
        """Where the path is delivered."""
        return self.folder / "out" / path

    def put(self, text: str, path: str = "report.md") -> Path:
        """Writes exactly this text at the place, as something else did; returns the place."""
        self.place(path).parent.mkdir(parents=True, exist_ok=True)
        self.place(path).write_text(text)
        return self.place(path)

    def whole(self, text: str) -> str:
        """The text as it is delivered, with what is said under it."""
        return f"{text.rstrip()}\n\n---\n\nRun {self.run_id} of scorecard.\n"

    async def rows(self) -> dict[str, DeliveryRow]:
        """What the ledger says of each target, by its file's name."""
        return {Path(row.target).name: row for row in await self.ledger.deliveries(self.run_id)}


def written(place: Path) -> tuple[int, int]:
    """Which writing of the file this is; another one has another value."""
    stat = place.stat()
    return stat.st_ino, stat.st_mtime_ns
