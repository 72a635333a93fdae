"""Calls a service for a node: the client that the run shares, and a row of the ledger for each call."""

from collections.abc import Awaitable, Callable
from time import monotonic

import anyio

from blocks.errors import HoldfastError, ServiceUnavailable
from blocks.ledger import ToolCallRow, ToolOutcome
from blocks.services.call import Answer, Call, Trace
from blocks.services.client import ServiceClient
from blocks.services.opening import open_service
from tasks.context import current_run, run_logger, utc_now

Ask = Callable[[Call], Awaitable[Answer]]


async def service_client(name: str) -> ServiceClient:
    """The client of the Service block of that name, which all nodes of the run share.

    Raises:
        ServiceUnknown: there is no such block.
        OperatorError: it cannot be used.
    """
    run = current_run()
    return await run.services.get(name, lambda: open_service(name, run.ledger.services))


def asking(client: ServiceClient, node: str, endpoint: str, until: float) -> Ask:
    """Asks the service for the node, each call a row of the ledger under that endpoint."""

    async def ask(call: Call) -> Answer:
        trace, began = Trace(), monotonic()
        outcome: ToolOutcome = "transient exhausted"
        error = "the node's time was up, or the run was stopped"
        try:
            answer = await client.send(call, until, trace)
            outcome, error = ("ok" if trace.attempts < 2 else "transient recovered"), ""
            return answer
        except HoldfastError as failure:
            outcome = "transient exhausted" if isinstance(failure, ServiceUnavailable) else "permanent"
            error = str(failure)
            raise
        finally:
            for note in trace.notes:
                run_logger().warning("service %s says what cannot be meant: %s", client.name, note)
            with anyio.CancelScope(shield=True):
                await _record(client, node, call, endpoint, trace, monotonic() - began, outcome, error)

    return ask


async def _record(
    client: ServiceClient,
    node: str,
    call: Call,
    endpoint: str,
    trace: Trace,
    seconds: float,
    outcome: ToolOutcome,
    error: str,
) -> None:
    run = current_run()
    row = ToolCallRow(
        run_id=run.run_id,
        node=node,
        service=client.name,
        method=call.method,
        endpoint=endpoint,
        status=trace.status,
        attempts=trace.attempts,
        waited_seconds=trace.waited_seconds,
        seconds=seconds,
        outcome=outcome,
        error=error,
        at=utc_now(),
    )
    await run.ledger.services.record(row)
