"""An office for gates: people in a saved directory, mail and Slack on loopback, a clock that tests move."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from textwrap import dedent
from typing import Any, cast
from uuid import UUID

from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.flow_runs import aresume_flow_run
from prefect.states import Pending
from pydantic import SecretStr

from blocks.channels.email import EmailChannel
from blocks.channels.slack import SERVICE
from blocks.ledger import DecisionRow, GateEventRow, GateState
from blocks.people.directory import directory_from_yaml
from blocks.services.service import Service
from flows.definitions import load
from flows.engine import RunOptions, build, run_options
from flows.watch_approvals import Watched, watch_approvals
from tasks.context import utc_now
from tests.blocks.people.directories import PEOPLE
from tests.flows.gated import paused
from tests.flows.running import Watching, ledger, new_run
from tests.servers.http_receiver import TOKEN, Receiver, http_receiver
from tests.servers.smtp_server import Mailbox, smtp_server

APPROVED = """
    name: {name}
    nodes:
      - {{id: spend, kind: query, source: shop, sql: "SELECT vendor, SUM(amount) AS spend FROM invoices GROUP BY 1"}}
      - {{id: report, kind: reason, purpose: synthesise, needs: [spend], instructions: What we spent}}
      - {{id: sign-off, kind: approve, needs: [report], approvers: [{approvers}], {settings}}}
      - {{id: publish, kind: deliver, needs: [report, sign-off], to: [{{documents: {name}/report.md}}]}}
"""


def approved(name: str, *approvers: str, settings: str = "timeout: 4h") -> str:
    """A definition whose report is delivered once those approvers have agreed."""
    return APPROVED.format(name=name, approvers=", ".join(approvers or ("alice",)), settings=settings)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    at: datetime = field(default_factory=utc_now)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        """Moves it on."""
        self.at += timedelta(**by)


@dataclass
class Office:
    """Where gates are decided: what arrived, and how answers are given."""

    mail: Mailbox
    slack: Receiver
    clock: Clock
    sources: Mapping[str, str]

    def options(self) -> RunOptions:
        """What the office's runs are started with."""
        return RunOptions(self.sources, listener=Watching(), now=self.clock)

    async def start(self, definition: str) -> "tuple[UUID, asyncio.Task[State[Any]]]":
        """A run that waits with its process, in this one, and its end to come."""
        run_id = await new_run(definition)
        return run_id, asyncio.create_task(self.run(definition, run_id))

    async def deploy(self, definition: str) -> UUID:
        """A run of a deployment, which has not started."""
        flow = build(load(dedent(definition), "test"))
        async with get_client() as client:
            flow_id = await client.create_flow(flow)
            deployment = await client.create_deployment(flow_id, flow.name)
            return (await client.create_flow_run_from_deployment(deployment)).id

    async def run(self, definition: str, run_id: UUID) -> State[Any]:
        """The run's final state, or the one in which it was suspended."""
        flow = build(load(dedent(definition), "test"))
        run_options.set(self.options())
        async with get_client() as client:
            await client.set_flow_run_state(run_id, Pending(), force=True)
            flow_run = await client.read_flow_run(run_id)
        try:
            return cast("State[Any]", await run_flow(flow, flow_run=flow_run, return_type="state"))  # type: ignore[misc]
        except Pause as suspended:
            return cast("State[Any]", suspended.state)

    async def answer(self, run_id: UUID, decision: str = "approve", **filled_in: Any) -> None:
        """Fills in the form of a run that waits."""
        await aresume_flow_run(run_id, run_input={"decision": decision, **filled_in})

    async def asked(self, run_id: UUID, *emails: str, times: int = 1) -> None:
        """Returns once so many mails are with each of these people, and the run's form is there."""
        await paused(run_id)
        async with asyncio.timeout(20):
            while any(len(self.mail.to(email)) < times for email in emails):
                await asyncio.sleep(0.05)

    async def watch(self) -> Watched:
        """One look of watch-approvals at all gates, by the office's clock."""
        run_options.set(self.options())
        return await watch_approvals()

    async def state(self, run_id: UUID) -> GateState:
        """The run's only gate."""
        async with ledger() as rows:
            (state,) = await rows.gates.of_run(run_id)
        return cast("GateState", state)

    async def decision(self, run_id: UUID) -> DecisionRow:
        """What was decided at it."""
        decision = (await self.state(run_id)).decision
        assert decision is not None
        return decision

    async def events(self, run_id: UUID) -> list[GateEventRow]:
        """What happened at it."""
        async with ledger() as rows:
            return list(await rows.gates.events(run_id))

    async def happened(self, run_id: UUID, what: str, times: int = 1) -> list[GateEventRow]:
        """Those steps, once there are so many."""
        async with asyncio.timeout(20):
            while len(found := [each for each in await self.events(run_id) if each.what == what]) < times:
                await asyncio.sleep(0.05)
        return found

    async def delivered(self, run_id: UUID) -> int:
        """How many deliveries the run made."""
        async with ledger() as rows:
            return len(await rows.deliveries(run_id))


@asynccontextmanager
async def office(sources: Mapping[str, str], directory: str = PEOPLE) -> AsyncIterator[Office]:
    """An open office; its blocks are gone after it."""
    async with AsyncExitStack() as stack:
        mail, slack = stack.enter_context(smtp_server()), stack.enter_context(http_receiver())
        blocks: list[tuple[str, Block]] = [
            ("default", directory_from_yaml(directory, "people.yaml")),
            ("default", EmailChannel(host=mail.host, port=mail.port, security="none", sender="holdfast@example.com")),
            (SERVICE, Service(preset="slack", token=SecretStr(TOKEN), base_url=slack.url)),
        ]
        client = await stack.enter_async_context(get_client())
        for name, block in blocks:
            document = await cast("Any", block.save(name, overwrite=True))
            stack.push_async_callback(client.delete_block_document, document)
        yield Office(mail, slack, Clock(), sources)
