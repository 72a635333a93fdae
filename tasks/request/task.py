"""Asks a service and returns the rows of its answer; a write is made once."""

import json
from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue

from blocks.folders import digest
from blocks.services.call import Call
from blocks.services.client import ServiceClient
from blocks.services.reading import found
from blocks.words import counted
from tasks.context import current_run
from tasks.node_task import node_task, step_end
from tasks.once import Receipt, carried_out, key_of, nobody_knows
from tasks.outcome import Gap, Outcome, Scope
from tasks.request.calling import asking, service_client
from tasks.request.node import RequestNode
from tasks.request.paging import Listing, Wanted, read_list
from tasks.request.shape import table_of_json
from tasks.templates import render, render_path


@node_task
async def ask_service(node: RequestNode, scope: Scope) -> Outcome:
    """The rows of the answer, of a list those of all its pages; of a write, its fields.

    Raises:
        ServiceUnknown: no such block.
        ServiceLimited, ServiceResting: the service takes nothing for longer than the node has.
        ServiceUnavailable, CredentialsRefused, RequestRefused: as ServiceClient says.
        DeliveryRefused: an earlier try to write was cut off, and nobody knows whether it was made.
    """
    client = await service_client(node.service)
    call = _call(node, scope)
    if node.writes_outside:
        return await _write(node, scope, client, call)
    ask = asking(client, node.id, node.path, step_end(node))
    wanted = Wanted(client.service.api, node.pick, node.limit, node.pages == "all")
    return _outcome(node, scope, await read_list(ask, call, wanted))


def _call(node: RequestNode, scope: Scope) -> Call:
    written: Mapping[str, JsonValue] = dict(node.params)  # type: ignore[arg-type]  # a dictionary of any JSON
    params = {name: _filled(value, scope) for name, value in written.items()}
    return Call(
        node.method,
        render_path(node.path, scope),
        params=params,
        json=_filled(node.body, scope),
        only_reads=node.only_reads,
    )


def _filled(value: JsonValue, scope: Scope) -> JsonValue:
    if isinstance(value, str):
        return render(value, scope)
    if isinstance(value, Mapping):
        return {name: _filled(each, scope) for name, each in value.items()}
    return [_filled(each, scope) for each in value] if isinstance(value, list) else value


def _outcome(node: RequestNode, scope: Scope, listing: Listing) -> Outcome:
    now = current_run().now()
    gaps = (Gap(node=node.id, reason=listing.stopped, since=now),) if listing.stopped else ()
    unchanged = f", {listing.unchanged} of them unchanged" if listing.unchanged else ""
    rows, pages = counted(len(listing.rows), "row"), counted(listing.pages, "page")
    return Outcome(
        table=table_of_json(listing.rows, node.pick),
        fields=_fields(node, listing.first),
        confidence=1.0,
        gaps=(*scope.gaps, *gaps),
        evidence=(f"{rows} from {node.service}, {node.method} {node.path} ({pages}{unchanged})",),
    )


def _fields(node: RequestNode, body: JsonValue) -> dict[str, JsonValue]:
    return {name: found(expression, body) for name, expression in node.fields.items()}


async def _write(node: RequestNode, scope: Scope, client: ServiceClient, call: Call) -> Outcome:
    """The outcome of a write, which is in the ledger before it is made, with its receipt after it."""
    run = current_run()
    if node.confirm == "none":
        await run.ledger.gates.add_event(run.run_id, node.id, "unconfirmed", "", node.because, run.now())
    target = f"{node.service}: {call.method} {call.path}"
    sha256 = digest(json.dumps([dict(call.params), call.json], sort_keys=True))
    delivery = await run.ledger.intend_delivery(run.run_id, node.id, target, sha256, run.now())
    call = replace(call, idempotency_key=key_of(run.run_id, node.id, target))
    if delivery.receipt_at is None:
        may_be_repeated = call.method in ("PUT", "DELETE") or client.service.idempotency_header
        if not delivery.new and not may_be_repeated:
            raise nobody_knows(f"of {target}")
        fields = dict(await carried_out(delivery, lambda: _made(node, client, call)))
    else:
        fields = dict(delivery.receipt or {})
    evidence = (f"{call.method} {node.path} at {node.service}: {fields.get('status')}",)
    return Outcome(fields=fields, gaps=scope.gaps, evidence=evidence)


async def _made(node: RequestNode, client: ServiceClient, call: Call) -> Receipt:
    answer = await asking(client, node.id, node.path, step_end(node))(call)
    return {"status": answer.status, **_fields(node, answer.body)}
