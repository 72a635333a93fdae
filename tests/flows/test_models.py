"""Workflows that ask a team's own model provider: a real block, a loopback provider, and its good and bad days."""

import asyncio
import logging
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import Log, State

from blocks.errors import AnswerInvalid, CredentialsRefused, ModelUnavailable, RunFailed
from blocks.ledger.rows import ModelCallRow
from flows.result import RunResult
from tasks.context import NodeEvent
from tests.blocks.models.asking import provider_at
from tests.flows.running import Watching, ledger, run, shop
from tests.servers.model_server import KEY, Fails, ModelServer, Odd, Says, Slow

pytestmark = pytest.mark.usefixtures("prefect_api")

WRONG_KEY = "sk-of-another-team"
GRADED = """
    name: graded-spend
    team: {team}
    nodes:
      - {id: spend, kind: query, source: shop, sql: "SELECT vendor, amount FROM invoices ORDER BY amount"}
      - {id: risk, kind: reason, purpose: classify, needs: [spend], labels: [low, high], {risk}}
      - {id: report, kind: reason, purpose: synthesise, needs: [spend, risk], retry: 0}
      - {id: publish, kind: deliver, needs: [report], to: [{documents: "{team}/report.md"}]}
    outputs:
      label: {from: risk.label, type: string}
"""


class Clock(Watching):
    """A listener that also keeps when it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_event(self, event: NodeEvent) -> None:
        super().on_event(event)
        self.times.append(monotonic())

    def time_of(self, node: str, state: str) -> float:
        """When the node was last in that state."""
        found = [
            at for event, at in zip(self.events, self.times, strict=True) if (event.node, event.state) == (node, state)
        ]
        return found[-1]


class Graded:
    """A workflow of a team with a provider block of its own: query, classify, synthesise, deliver."""

    def __init__(self, team: str, shop_url: str) -> None:
        self.team, self._shop_url = team, shop_url

    async def run(self, risk: str = "retry: 0", **options: Any) -> State[Any]:
        definition = GRADED.replace("{team}", self.team).replace("{risk}", risk)
        return await run(definition, {"shop": self._shop_url}, **options)


@pytest.fixture
async def graded(server: ModelServer, tmp_path: Path) -> Graded:
    team = f"models-{uuid4().hex[:8]}"
    await provider_at(server.url, KEY).save(team)
    return Graded(team, shop(tmp_path))


def run_id_of(state: State[Any]) -> UUID:
    assert state.state_details.flow_run_id is not None
    return state.state_details.flow_run_id


async def calls_of(state: State[Any]) -> list[ModelCallRow]:
    async with ledger() as rows:
        return list(await rows.model_calls(run_id_of(state)))


async def failure_of(state: State[Any]) -> RunFailed:
    assert state.is_failed()
    error = await state.aresult(raise_on_failure=False)
    assert isinstance(error, RunFailed)
    return error


async def logs_of(run_id: UUID, *needed: str) -> list[Log]:
    """The run's logs, once each of the texts is in one; they reach the server in batches, after a second or two."""
    only = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
    async with asyncio.timeout(20), get_client() as client:
        while True:
            logs = await client.read_logs(only)
            if all(any(text in log.message for log in logs) for text in needed):
                return logs
            await asyncio.sleep(0.2)


async def test_a_team_s_own_provider_answers_and_the_run_says_who_wrote_and_what_it_cost(
    graded: Graded, server: ModelServer
) -> None:
    state = await graded.run()
    done: RunResult = await state.aresult()

    assert (state.name, done.gaps, done.outputs["label"]) == ("Completed", (), "low")
    calls = await calls_of(state)
    assert [(call.node, call.team, call.provider, call.tier, call.outcome) for call in calls] == [
        ("risk", graded.team, graded.team, "fast", "ok"),
        ("report", graded.team, graded.team, "frontier", "ok"),
    ]
    assert isinstance(done.cost_usd, Decimal)
    assert done.cost_usd == sum(call.cost_usd or 0 for call in calls) > 0
    assert (done.model_calls, done.unpriced_calls) == (2, 0)
    written = f"Written by gpt-4.1-2025-04-14 (frontier tier, model provider {graded.team})."
    assert written in done.report
    assert written in Path(done.deliveries[0]).read_text()
    assert '"label": "low"' in server.requests[1].prompt, "the report is given what the label was"


async def test_a_run_s_nodes_share_one_connection_to_the_provider(graded: Graded, server: ModelServer) -> None:
    await graded.run()

    assert len({asked.port for asked in server.requests}) == 1


async def test_an_answer_that_does_not_come_is_cut_at_the_node_s_timeout_and_the_run_goes_on(
    graded: Graded, server: ModelServer
) -> None:
    server.next(Slow(60))
    clock = Clock()
    state = await graded.run("timeout: 2s, retry: 0, on_failure: degrade", listener=clock)
    done: RunResult = await state.aresult()

    assert 1.9 < clock.time_of("risk", "degraded") - clock.time_of("risk", "running") < 2.5
    assert server.requests[0].abandoned, "the request itself was ended"
    assert (state.name, [gap.node for gap in done.gaps]) == ("Degraded", ["risk"])
    assert "hangs: nothing came of gpt-4.1-nano within 1.9 s" in done.report
    assert done.nodes["publish"].state == "done"
    assert [(call.node, call.outcome) for call in await calls_of(state)] == [("risk", "timed_out"), ("report", "ok")]


async def test_a_node_whose_time_was_up_is_tried_again_with_its_whole_time(graded: Graded, server: ModelServer) -> None:
    server.next(Slow(60))
    clock = Clock()
    state = await graded.run("timeout: 500ms, retry: 1", listener=clock)

    assert state.name == "Completed"
    assert clock.states("risk") == ["waiting", "running", "retrying", "running", "done"]
    assert [(call.attempt, call.outcome) for call in await calls_of(state)][:2] == [(1, "timed_out"), (2, "ok")]


async def test_a_wrong_key_is_asked_once_and_the_run_names_the_block_to_mend(
    graded: Graded, server: ModelServer
) -> None:
    await provider_at(server.url, WRONG_KEY).save(graded.team, overwrite=True)
    state = await graded.run("retry: 3")
    error = await failure_of(state)

    assert len(server.requests) == 1
    assert isinstance(error.__cause__, CredentialsRefused)
    assert str(error) == (
        f"graded-spend failed at node risk: model provider {graded.team!r} of team {graded.team!r} refused the key "
        f"(HTTP 401); asking again cannot help; mend api_key in the Model Provider block {graded.team!r}"
    )
    assert WRONG_KEY not in f"{state.message}{state!r}"
    assert [(call.outcome, call.cost_usd) for call in await calls_of(state)] == [("refused", Decimal(0))]


async def test_a_limit_is_waited_out_within_the_same_try(graded: Graded, server: ModelServer) -> None:
    server.next(Fails(429, retry_after_seconds=1))
    clock = Clock()
    state = await graded.run("retry: 1", listener=clock)

    assert state.name == "Completed"
    assert clock.states("risk") == ["waiting", "running", "done"]
    assert server.requests[1].at - server.requests[0].at >= 1
    assert [call.outcome for call in await calls_of(state)] == ["unavailable", "ok", "ok"]


async def test_a_provider_that_is_down_is_asked_three_times_per_try_and_no_more(
    graded: Graded, server: ModelServer
) -> None:
    server.always(Fails(500, retry_after_seconds=0.01))
    clock = Clock()
    state = await graded.run("retry: 1", listener=clock)
    error = await failure_of(state)

    assert clock.states("risk") == ["waiting", "running", "retrying", "running", "failed"]
    assert len(server.requests) == 3 * 2
    assert isinstance(error.__cause__, ModelUnavailable)
    assert f"model provider {graded.team!r} of team {graded.team!r} failed (HTTP 500)" in str(error)
    assert [(call.attempt, call.outcome, call.cost_usd) for call in await calls_of(state)] == [
        *[(1, "unavailable", Decimal(0))] * 3,
        *[(2, "unavailable", Decimal(0))] * 3,
    ]


async def test_a_connection_that_is_cut_is_made_again(graded: Graded, server: ModelServer) -> None:
    server.next(Odd.HANGS_UP)
    state = await graded.run()

    assert state.name == "Completed"
    assert len(server.requests) == 3


async def test_an_answer_that_is_broken_twice_is_not_asked_for_by_another_try(
    graded: Graded, server: ModelServer
) -> None:
    server.always(Says('{"label": '))
    clock = Clock()
    state = await graded.run("retry: 3", listener=clock)
    error = await failure_of(state)

    assert clock.states("risk") == ["waiting", "running", "failed"]
    assert len(server.requests) == 2
    assert isinstance(error.__cause__, AnswerInvalid)
    calls = await calls_of(state)
    assert [call.outcome for call in calls] == ["invalid", "invalid"]
    assert all(call.cost_usd for call in calls), "what cannot be used was paid for"


async def test_a_run_that_is_started_again_does_not_pay_twice_for_an_answer_that_it_has(
    graded: Graded, server: ModelServer
) -> None:
    server.next(Slow(0), Fails(400, "not today"))
    failed = await graded.run()
    server.reset()
    again = await graded.run(run_id=run_id_of(failed))

    assert failed.is_failed()
    assert again.name == "Completed"
    assert [asked.body["model"] for asked in server.requests] == ["gpt-4.1"], "only the report was asked for again"
    assert [(call.node, call.outcome) for call in await calls_of(again)] == [
        ("risk", "ok"),
        ("report", "refused"),
        ("report", "ok"),
    ]


async def test_prompts_and_answers_are_in_the_task_s_log_at_debug_and_the_key_is_nowhere(
    graded: Graded, server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    # A provider that quotes what it was sent.
    server.next(Fails(500, f"upstream said no to {KEY}", retry_after_seconds=0.01), Slow(0), Fails(400, f"bad {KEY}"))
    with caplog.at_level(logging.DEBUG, logger="prefect"):
        state = await graded.run()
        await failure_of(state)
    logs = await logs_of(run_id_of(state), "prompt, user:\nTask:", "answer of gpt-4.1-nano-2025-04-14", "(HTTP 400)")

    levels = {log.level for log in logs if log.message.startswith(("prompt, ", "answer of "))}
    assert levels == {logging.DEBUG}
    assert all(log.task_run_id for log in logs if log.message.startswith(("prompt, ", "answer of ")))
    assert [log.message for log in logs if KEY in log.message] == []
    assert KEY not in f"{state.message}{state!r}"
