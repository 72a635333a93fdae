"""What routing by tier saves: `uv run python -m tests.benchmarks.money [RUNS]`.

The shipped workflow vendor-performance, as it is and with every node on the frontier tier, once each per run: the same
months of the sample company, the same loopback provider. The provider counts tokens itself (tiktoken), bills by
OpenAI's list prices, and answers by rules (tests/servers/analyst.py): its cheaper models are unsure and wrong in close
cases. So the labels and figures of the two are the same only where the cascade goes up when it should. What real
models know of their own doubt, this cannot show.

It ends with status 1 where a target is missed: money that does not add up is no matter of the machine.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.states import Pending

from blocks.ledger import Ledger
from blocks.settings import HoldfastSettings
from flows.catalog import definition
from flows.engine import RunOptions, build, run_options
from flows.result import RunResult
from flows.workflow import Workflow
from tasks.context import utc_now
from tasks.models.node import ModelNode
from tests.benchmarks.surroundings import surroundings
from tests.blocks.models.asking import provider_at
from tests.servers.analyst import analyst
from tests.servers.model_server import KEY, ModelServer, model_server
from tests.servers.model_tokens import Till
from tests.servers.processes import stop_servers_when_terminated

ROOT = Path(__file__).parent.parent.parent
WAYS = {"tiered": "by tier, as shipped", "frontier": "all on frontier"}
LEAST_SAVED = Decimal("0.70")
AT_ONCE = 4
MONTHS = 18
"""The sample company's last months, which the runs report on in turn."""
_FIGURE = re.compile(r"\d[\d,.]*%?")


@dataclass
class Way:
    """One way to route: what its runs answered, and what the ledger and the provider say that they cost."""

    name: str
    answers: list[tuple[str, list[str]]]
    """Each run's label, and the figures of its report."""
    ledger_usd: Decimal
    unpriced: int
    calls: dict[str, int]
    """By node and tier."""
    till: Till
    seconds: float


def main(runs: int) -> int:
    """Prints the table and the targets; 1 where one is missed."""
    stop_servers_when_terminated()
    with TemporaryDirectory(prefix="holdfast-money-") as name, surroundings(Path(name)), model_server() as server:
        return _report([_measured(server, way, runs) for way in WAYS], runs)


def _measured(server: ModelServer, way: str, runs: int) -> Way:
    """The way in a process of its own, so that it is the one that its environment says."""
    server.reset()
    server.always(analyst)
    began = monotonic()
    command = [sys.executable, "-m", "tests.benchmarks.money", str(runs), way, server.url]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=3600)
    told = json.loads(made.stdout.splitlines()[-1])
    return Way(
        WAYS[way],
        [(label, figures) for label, figures in told["answers"]],
        Decimal(told["ledger_usd"]),
        told["unpriced"],
        told["calls"],
        server.till,
        monotonic() - began,
    )


async def run_all(runs: int, way: str, models: str) -> dict[str, Any]:
    """What the runs answered, and what the ledger has of them."""
    await provider_at(models, KEY).save("operations", overwrite=True)
    shipped, months = definition("vendor-performance"), _months()
    workflow = shipped if way == "tiered" else on_frontier(shipped)
    flow, answers = build(workflow), []
    for first in range(0, runs, AT_ONCE):
        batch = [months[number % MONTHS] for number in range(first, min(runs, first + AT_ONCE))]
        results = await asyncio.gather(*(_run(flow, month) for month in batch))
        answers += [(str(result.outputs["risk"]), _figures(result)) for result in results]
    return {"answers": answers, **await _of_ledger(workflow.name)}


def on_frontier(workflow: Workflow) -> Workflow:
    """The workflow with every question put to the frontier tier, and to no other."""
    nodes = [
        node.model_copy(update={"tier": "frontier", "cascade": False})
        if isinstance(node, ModelNode) and node.asks_a_model
        else node
        for node in workflow.nodes
    ]
    return workflow.model_copy(update={"nodes": tuple(nodes), "name": f"{workflow.name}-frontier"})


async def _run(flow: Any, month: str) -> RunResult:
    run_options.set(RunOptions(decisions={"sign-off": "approve"}))
    async with get_client() as client:
        flow_run = await client.create_flow_run(flow, parameters={"month": month}, state=Pending())
    state: Any = await run_flow(flow, flow_run=flow_run, return_type="state")  # type: ignore[misc]  # a coroutine here
    result = await state.aresult()
    assert isinstance(result, RunResult)
    return result


def _figures(result: RunResult) -> list[str]:
    # Without the last line, which says who wrote it and what it cost.
    return _FIGURE.findall(result.report.rpartition("Written by")[0])


def _months() -> list[str]:
    now = utc_now()
    last = now.year * 12 + now.month - 2
    return [f"{(last - back) // 12:04}-{(last - back) % 12 + 1:02}" for back in range(MONTHS)]


async def _of_ledger(workflow: str) -> dict[str, Any]:
    async with Ledger.open(HoldfastSettings().ledger) as ledger:
        calls = [call for call in await ledger.calls_since() if call.workflow == workflow]
    return {
        "ledger_usd": str(sum((call.cost_usd for call in calls if call.cost_usd is not None), Decimal(0))),
        "unpriced": sum(call.cost_usd is None for call in calls),
        "calls": Counter(f"{call.node} on {call.tier}" for call in calls),
    }


def _report(ways: list[Way], runs: int) -> int:
    head = ("ledger", "provider", "per run", "calls", "sent", "cached", "answered", "seconds")
    print(f"{'':22}" + "".join(f"{name:>12}" for name in head))
    for way in ways:
        bills, total = way.till.bills, way.till.total()
        money = "".join(f"{usd:12.6f}" for usd in (way.ledger_usd, total, total / runs))
        tokens = (sum(bill.sent for bill in bills), sum(bill.cached for bill in bills), sum(b.answered for b in bills))
        print(f"{way.name:22}{money}{len(bills):12,}" + "".join(f"{n:12,}" for n in tokens) + f"{way.seconds:12.0f}")
    for way in ways:
        print(f"{way.name}: " + ", ".join(f"{count} {what}" for what, count in way.calls.items()))
    tiered, frontier = ways
    targets = _targets(tiered, frontier, runs)
    print("\nTargets")
    for text, met in targets:
        print(f"{'met' if met else 'NOT met':8} {text}")
    return 0 if all(met for _, met in targets) else 1


def _targets(tiered: Way, frontier: Way, runs: int) -> list[tuple[str, bool]]:
    saved = 1 - tiered.till.total() / frontier.till.total()
    pairs = list(zip(tiered.answers, frontier.answers, strict=True))
    labels, figures = (sum(one[at] == other[at] for one, other in pairs) for at in (0, 1))
    return [
        (f"saved {saved:.1%} (target: at least {LEAST_SAVED:.0%})", saved >= LEAST_SAVED),
        (f"same labels in {labels} of {runs} runs", labels == runs),
        (f"same figures in the reports of {figures} of {runs} runs", figures == runs),
        *(
            (f"{way.name}: ledger and provider differ by ${_difference(way):f}", _adds_up(way))
            for way in (tiered, frontier)
        ),
    ]


def _adds_up(way: Way) -> bool:
    return not _difference(way) and not way.unpriced


def _difference(way: Way) -> Decimal:
    return abs(way.ledger_usd - way.till.total())


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    if len(sys.argv) > 2:
        print(json.dumps(asyncio.run(run_all(count, *sys.argv[2:]))))
    else:
        sys.exit(main(count))
