"""Runs a workflow in this process for the command line: starts what it needs, shows it, and says how it ended."""

import asyncio
import sys
from collections.abc import Awaitable, Coroutine, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from rich.console import Console

from blocks.errors import DefinitionRefused, InputRefused, RunUnknown
from blocks.settings import HoldfastSettings
from deployments.local_server import has_own_server, quiet_prefect, start_server
from deployments.results import failure_as_json, print_json, print_result, result_as_json
from deployments.terminal import Terminal
from flows.definitions import load
from flows.inputs import input_values
from flows.workflow import Workflow
from tasks.context import Verdict, utc_now

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State

EXIT_COMPLETED, EXIT_FAILED, EXIT_DEGRADED = 0, 1, 3


def run_workflow(
    definition: str,
    name: str,
    inputs: Mapping[str, str],
    *,
    sources: Mapping[str, str],
    decisions: Mapping[str, Verdict],
    as_json: bool,
) -> int:
    """The exit status of a new run of the definition, which errors call by `name`.

    Raises:
        DefinitionRefused, InputRefused: before anything is started.
    """
    workflow = load(definition, name)
    input_values(workflow.inputs, inputs, utc_now())
    session = _Session(sources, decisions, as_json)
    _require_names(workflow, session)
    return _in_loop(_new_run(workflow, inputs, session))


def resume_run(run_id: str, *, sources: Mapping[str, str], decisions: Mapping[str, Verdict], as_json: bool) -> int:
    """The exit status of a run that goes on under its id, with the definition and inputs that it started with.

    Raises:
        RunUnknown: there is no such run, or it is over.
    """
    return _in_loop(_old_run(run_id, _Session(sources, decisions, as_json)))


class _Session:
    """One command's surroundings: where it draws, and what the caller set."""

    def __init__(self, sources: Mapping[str, str], decisions: Mapping[str, Verdict], as_json: bool) -> None:
        self.sources, self.decisions, self.as_json = sources, decisions, as_json
        self.settings = HoldfastSettings()
        self.console = Console(stderr=True)
        self.interactive = sys.stdin.isatty() and self.console.is_terminal and not as_json
        self.terminal = Terminal(self.console, interactive=self.interactive)

    def waiting(self, text: str) -> AbstractContextManager[object]:
        """A spinner with the text, where there is a terminal to spin in."""
        if self.console.is_terminal:
            return self.console.status(text)
        self.console.print(text, highlight=False, soft_wrap=True)
        return nullcontext()


def _in_loop(command: Coroutine[Any, Any, int]) -> int:
    quiet_prefect()
    try:
        return asyncio.run(command)
    except KeyboardInterrupt:
        return 130


async def _new_run(workflow: Workflow, inputs: Mapping[str, str], session: _Session) -> int:
    _require_answers(workflow, session)
    await _server(session)
    from prefect.client.orchestration import get_client
    from prefect.states import Pending

    from flows.engine import build

    flow = build(workflow)
    async with get_client() as client:
        flow_run = await client.create_flow_run(flow, parameters=dict(inputs), state=Pending())
    return await _run_here(flow, flow_run, session)


async def _old_run(run_id: str, session: _Session) -> int:
    from blocks.ledger import Ledger

    try:
        key = UUID(run_id)
    except ValueError as error:
        raise RunUnknown(f"{run_id!r} is not a run's id", mend="copy it from the line that the run printed") from error
    async with Ledger.open(session.settings.ledger) as ledger:
        row = await ledger.run(key)
    if row is None:
        raise RunUnknown(
            f"the ledger has no run {run_id}", mend="set HOLDFAST_HOME or HOLDFAST_LEDGER_URL as the run had it"
        )
    if row.state in ("Completed", "Degraded", "Rejected"):
        raise RunUnknown(f"run {run_id} is over: {row.state}", mend="start a new run")
    hidden = [name for name, url in row.sources.items() if "***" in url and name not in session.sources]
    if hidden:
        raise RunUnknown(f"the URL of source {hidden[0]} had a password, which is not kept", mend="give --source again")
    session.sources = {**row.sources, **session.sources}
    workflow = load(row.definition, row.workflow)
    _require_names(workflow, session)
    _require_answers(workflow, session)
    await _server(session)
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Pending

    from flows.engine import build

    async with get_client() as client:
        try:
            # Whatever state it was left in: a run that was cut off did not get to say so.
            await client.set_flow_run_state(key, Pending(message="started again"), force=True)
            flow_run = await client.read_flow_run(key)
        except ObjectNotFound as error:
            raise RunUnknown(
                f"the Prefect server has no run {run_id}", mend="set PREFECT_API_URL or PREFECT_HOME as the run had it"
            ) from error
    return await _run_here(build(workflow, row.version), flow_run, session)


async def _server(session: _Session) -> None:
    spinners: list[AbstractContextManager[object]] = []

    def say(text: str) -> None:
        spinners.append(session.waiting(text))
        spinners[-1].__enter__()

    try:
        await start_server(say)
    finally:
        for spinner in spinners:
            spinner.__exit__(None, None, None)


def _require_names(workflow: Workflow, session: _Session) -> None:
    """Refuses an option that names what the definition does not have; it would silently change nothing."""
    for option, what, given, known in (
        ("--source", "source", session.sources, [*workflow.sources]),
        ("--decide", "gate", session.decisions, [*workflow.asking]),
    ):
        for name in given:
            if name not in known:
                raise InputRefused(
                    f"{option} {name}: {workflow.name} has no {what} of that name",
                    mend=f"there is {', '.join(sorted(known)) or 'none'}",
                )


def _require_answers(workflow: Workflow, session: _Session) -> None:
    """Refuses a run that would wait for an answer that nobody can give."""
    gates = [gate for gate in workflow.gates if gate not in session.decisions]
    if gates and not session.interactive and not has_own_server():
        raise InputRefused(
            f"gate {gates[0]} would wait for an answer",
            means="there is no terminal to ask in, and Prefect's temporary server has no UI",
            mend=f"add --decide {gates[0]}=approve|reject, or set PREFECT_API_URL",
        )


async def _run_here(flow: Any, flow_run: "FlowRun", session: _Session) -> int:
    from prefect.flow_engine import run_flow

    from flows.engine import RunOptions, run_options

    run_options.set(RunOptions(session.sources, session.decisions, session.terminal, session.settings))
    session.console.print(f"{flow.name}, run {flow_run.id}", highlight=False)
    try:
        with session.terminal:
            state = await cast("Awaitable[State[Any]]", run_flow(flow, flow_run=flow_run, return_type="state"))
    except asyncio.CancelledError:
        session.console.print(f"Stopped. Go on with: holdfast resume {flow_run.id}", highlight=False)
        raise
    if not state.is_completed():
        error = await state.aresult(raise_on_failure=False)
        if isinstance(error, DefinitionRefused | InputRefused):
            raise error
        return await _failed(flow_run.id, flow.name, state, error, session)
    result = await state.aresult()
    if session.as_json:
        print_json(result_as_json(result))
    else:
        print_result(result)
    return EXIT_DEGRADED if result.state == "Degraded" else EXIT_COMPLETED


async def _failed(run_id: UUID, workflow: str, state: "State[Any]", error: object, session: _Session) -> int:
    from blocks.ledger import Ledger

    message = str(error) or state.message or state.name or "failed"
    if session.as_json:
        async with Ledger.open(session.settings.ledger) as ledger:
            row, cost = await ledger.run(run_id), await ledger.cost(run_id)
            deliveries = await ledger.deliveries(run_id)
        events = session.terminal.events
        print_json(failure_as_json(run_id, workflow, message, row=row, cost=cost, deliveries=deliveries, events=events))
    else:
        session.console.print(f"holdfast: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
        session.console.print(f"After mending it, go on with: holdfast resume {run_id}", highlight=False)
    return EXIT_FAILED
