"""A team's providers in whole runs: fallbacks, what time that is up means, and how many calls there are at once."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client

from blocks.ledger import ModelCallRow
from blocks.models.slots import limit_name
from flows.result import RunResult
from tests.blocks.models.asking import provider_at
from tests.flows.running import ledger, new_run, run, shop
from tests.servers.model_server import Dribbles, ModelServer, Odd, Slow, model_server
from tests.servers.prefect_server import free_port

pytestmark = pytest.mark.usefixtures("prefect_api")

GRADED = """
    name: {team}
    team: {team}
    nodes:
      - {id: spend, kind: query, source: shop, sql: "SELECT vendor, amount FROM invoices ORDER BY amount"}
      - {id: risk, kind: reason, purpose: classify, needs: [spend], labels: [low, high], retry: 0, {risk}}
"""


@pytest.fixture
def second() -> Iterator[ModelServer]:
    with model_server() as started:
        yield started


def a_team() -> str:
    return f"providers-{uuid4().hex[:8]}"


def graded(team: str, risk: str) -> str:
    return GRADED.replace("{team}", team).replace("{risk}", risk)


async def calls_of(run_id: UUID | None) -> list[ModelCallRow]:
    assert run_id is not None
    async with ledger() as rows:
        return list(await rows.model_calls(run_id))


async def test_where_a_provider_is_down_its_fallback_answers_within_the_step_s_time(
    second: ModelServer, tmp_path: Path
) -> None:
    team = a_team()
    other = f"{team}-second"
    await provider_at(f"http://127.0.0.1:{free_port()}/v1", "sk-any", fallbacks=[other]).save(team)
    await provider_at(second.url, second.key, team=team).save(other)
    state = await run(graded(team, "timeout: 3s"), {"shop": shop(tmp_path)})
    done: RunResult = await state.aresult()

    assert done.state == "Completed"
    assert done.nodes["risk"].seconds < 3
    calls = await calls_of(done.run_id)
    assert [(call.provider, call.outcome) for call in calls] == [(team, "unavailable"), (other, "ok")]


@pytest.mark.parametrize("behaviour", [Slow(60), Odd.HANGS_UP])
async def test_a_step_whose_time_is_up_may_be_a_gap(server: ModelServer, tmp_path: Path, behaviour: Slow | Odd) -> None:
    server.always(behaviour)
    team = a_team()
    await provider_at(server.url, server.key).save(team)
    state = await run(graded(team, "timeout: 4s, on_timeout: degrade"), {"shop": shop(tmp_path)})

    if behaviour is Odd.HANGS_UP:
        assert state.is_failed(), "only time that is up is a gap; that the provider fails is a failure"
        return
    done: RunResult = await state.aresult()
    assert (done.state, [gap.node for gap in done.gaps]) == ("Degraded", ["risk"])
    assert "hangs: nothing came of gpt-4.1-nano" in done.gaps[0].reason
    assert done.nodes["risk"].attempts == 1


async def test_a_provider_has_no_more_calls_under_way_than_its_block_allows(
    server: ModelServer, tmp_path: Path
) -> None:
    server.always(Slow(0.5))
    team, sources = a_team(), {"shop": shop(tmp_path)}
    await provider_at(server.url, server.key, max_concurrency=2).save(team)
    definition = graded(team, "timeout: 30s")
    run_ids = [await new_run(definition) for _ in range(4)]
    states = await asyncio.gather(*(run(definition, sources, run_id=run_id) for run_id in run_ids))
    async with get_client() as client:
        limit = await client.read_global_concurrency_limit_by_name(limit_name(team))

    assert [state.name for state in states] == ["Completed"] * 4
    assert server.most_under_way == 2
    assert (limit.limit, limit.active_slots) == (2, 0)


async def test_a_call_that_finds_no_room_in_time_goes_to_the_fallback(
    server: ModelServer, second: ModelServer, tmp_path: Path
) -> None:
    server.always(Dribbles(3.5))
    team, sources = a_team(), {"shop": shop(tmp_path)}
    other = f"{team}-second"
    await provider_at(server.url, server.key, max_concurrency=1, fallbacks=[other]).save(team)
    await provider_at(second.url, second.key, team=team).save(other)
    definition = graded(team, "timeout: 6s")
    first, later = [await new_run(definition) for _ in range(2)]
    running = asyncio.create_task(run(definition, sources, run_id=first))
    async with asyncio.timeout(20):
        while not server.requests:
            await asyncio.sleep(0.02)
    state = await run(definition, sources, run_id=later)
    await running

    assert state.name == "Completed"
    assert len(server.requests) == 1
    assert [call.provider for call in await calls_of(later)] == [other]
