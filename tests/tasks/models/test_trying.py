"""One question put to a team's providers: waits, fallbacks, hedges, and the time that all of it has."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from time import monotonic

import pytest

from blocks.errors import CredentialsRefused, CreditSpent, ModelUnavailable, StepTimedOut
from blocks.ledger import ModelCallRow
from blocks.models.calls import Tokens
from blocks.models.provider import ModelProvider
from tasks.context import RunContext
from tasks.models.calls import Asking
from tasks.models.trying import Answered, Step, answered
from tests.blocks.ledger_rows import a_call
from tests.blocks.models.asking import provider_at, request
from tests.servers.model_server import Dribbles, Fails, ModelServer, Odd, Slow, model_server
from tests.servers.prefect_server import free_port
from tests.tasks.models.teams import a_team, in_seconds
from tests.tasks.reason.asking import a_run


@pytest.fixture
def second() -> Iterator[ModelServer]:
    """Another provider, for what the first does not answer."""
    with model_server() as started:
        yield started


class Asker:
    """Asks one question in a run of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.calls: list[ModelCallRow] = []

    async def __call__(
        self, *providers: ModelProvider, seconds: float = 10, hedge: bool = False, before: tuple[float, ...] = ()
    ) -> Answered:
        """The answer; `before` are the seconds that the node's earlier calls took."""
        async with a_team(*providers) as models, a_run(self.home, models) as run:
            for latency in before:
                await run.ledger.record_model_call(earlier(run, latency))
            step = Step(Asking("risk", "classify"), in_seconds(seconds), hedge)
            try:
                return await answered(models, step, request(), "classify-1", lambda answer: "ok")
            finally:
                self.calls = list(await run.ledger.model_calls(run.run_id))[len(before) :]

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(call.provider, call.outcome) for call in self.calls]


def earlier(run: RunContext, latency: float) -> ModelCallRow:
    return replace(a_call(run.run_id, None), latency_seconds=latency)


@pytest.fixture
def ask(tmp_path: Path) -> Asker:
    return Asker(tmp_path)


def at(server: ModelServer, **fields: object) -> ModelProvider:
    return provider_at(server.url, server.key, **fields)


async def test_the_next_try_comes_no_sooner_than_the_provider_said(ask: Asker, server: ModelServer) -> None:
    server.next(Fails(429, retry_after_seconds=2))
    await ask(at(server))

    first, again = server.requests
    assert 2 <= again.at - first.at < 3
    assert ask.outcomes == [("operations", "unavailable"), ("operations", "ok")]


async def test_without_a_word_from_the_provider_waits_grow_and_three_tries_are_the_last(
    ask: Asker, server: ModelServer
) -> None:
    server.always(Fails(500))
    with pytest.raises(ModelUnavailable, match="failed \\(HTTP 500\\)"):
        await ask(at(server))

    one, two, three = (asked.at for asked in server.requests)
    assert 1 <= two - one < 2
    assert 2 <= three - two < 3


async def test_a_wait_that_would_outlast_the_step_is_not_begun(ask: Asker, server: ModelServer) -> None:
    server.always(Fails(429, retry_after_seconds=60))
    began = monotonic()
    with pytest.raises(
        ModelUnavailable, match="it can be asked again at 12:01:00 UTC, and the step has 5 s left"
    ) as raised:
        await ask(at(server), seconds=5)

    assert monotonic() - began < 2
    assert not isinstance(raised.value, StepTimedOut)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "behaviour",
    [Fails(429, retry_after_seconds=60), Fails(503), Fails(402, "no money"), Odd.HANGS_UP, Slow(60)],
)
async def test_where_one_provider_is_down_or_at_its_limit_the_next_answers_at_once(
    ask: Asker, server: ModelServer, second: ModelServer, behaviour: "Fails | Odd | Slow"
) -> None:
    server.always(behaviour)
    began = monotonic()
    made = await ask(at(server), at(second), seconds=2)

    assert made.provider == "operations-2"
    assert monotonic() - began < 1.9
    assert [provider for provider, _ in ask.outcomes] == ["operations", "operations-2"]
    assert ask.outcomes[1] == ("operations-2", "ok")


async def test_a_provider_that_nobody_listens_at_is_passed_over_within_the_step(
    ask: Asker, second: ModelServer
) -> None:
    made = await ask(provider_at(f"http://127.0.0.1:{free_port()}/v1", "sk-any"), at(second), seconds=2)

    assert made.provider == "operations-2"
    assert [(call.outcome, call.cost_usd) for call in ask.calls[:1]] == [("unavailable", Decimal(0))]


async def test_a_slow_answer_that_has_begun_is_not_given_up_for_a_fallback(
    ask: Asker, server: ModelServer, second: ModelServer
) -> None:
    server.next(Dribbles(1.2))
    made = await ask(at(server), at(second), seconds=2)

    assert made.provider == "operations"
    assert second.requests == []


async def test_where_no_provider_answers_all_are_named_and_asked_again_once_one_of_them_can_be(
    ask: Asker, server: ModelServer, second: ModelServer
) -> None:
    server.always(Fails(429, retry_after_seconds=30))
    second.always(Fails(429, retry_after_seconds=0.2))
    with pytest.raises(
        ModelUnavailable, match=r"no provider of the team answers: .*'operations' of .*; .*'operations-2' of"
    ):
        await ask(at(server), at(second), seconds=5)

    assert (len(server.requests), len(second.requests)) == (1, 3), "none is asked before the time that it said"


async def test_accounts_without_credit_are_not_asked_again(
    ask: Asker, server: ModelServer, second: ModelServer
) -> None:
    server.always(Fails(402, "pay"))
    second.always(Fails(429, "pay", code="insufficient_quota"))
    with pytest.raises(CreditSpent, match=r"no provider of the team answers: .*pay; .*pay"):
        await ask(at(server), at(second))

    assert (len(server.requests), len(second.requests)) == (1, 1)


async def test_a_wrong_key_is_said_and_not_hidden_by_a_fallback(
    ask: Asker, server: ModelServer, second: ModelServer
) -> None:
    with pytest.raises(CredentialsRefused, match="mend api_key in the Model Provider block 'operations'"):
        await ask(provider_at(server.url, "sk-wrong"), at(second))

    assert second.requests == []


async def test_the_step_s_time_is_that_of_all_its_tries_together(ask: Asker, server: ModelServer) -> None:
    server.next(Fails(503, retry_after_seconds=0.5))
    server.always(Slow(60))
    began = monotonic()
    with pytest.raises(StepTimedOut, match="the time of the step was up"):
        await ask(at(server), seconds=1)

    assert 0.9 < monotonic() - began < 1.5
    assert ask.outcomes == [("operations", "unavailable"), ("operations", "timed_out")]


async def test_a_second_request_overtakes_a_slow_first_which_is_cancelled(ask: Asker, server: ModelServer) -> None:
    server.next(Slow(60), Slow(0))
    began = monotonic()
    made = await ask(at(server), hedge=True, before=(0.1,) * 19 + (0.3,))
    taken = monotonic() - began
    async with asyncio.timeout(2):
        while not server.requests[0].abandoned:
            await asyncio.sleep(0.01)

    assert made.answer.tokens != Tokens(0, 0, 0)
    assert 0.1 < taken < 1.5
    assert sorted(ask.outcomes) == [("operations", "ok"), ("operations", "outrun")]
    assert [call.cost_usd for call in ask.calls if call.outcome == "outrun"] == [None]


async def test_a_first_request_that_is_faster_than_the_second_wins(ask: Asker, server: ModelServer) -> None:
    server.next(Slow(0.4), Slow(60))
    await ask(at(server), hedge=True, before=(0.1,) * 20)

    assert sorted(ask.outcomes) == [("operations", "ok"), ("operations", "outrun")]


@pytest.mark.parametrize(("hedge", "before"), [(True, (0.05,) * 19), (False, (0.05,) * 50), (True, (5.0,) * 20)])
async def test_there_is_no_second_request_before_it_is_known_to_be_late(
    ask: Asker, server: ModelServer, hedge: bool, before: tuple[float, ...]
) -> None:
    server.next(Slow(0.3))
    await ask(at(server), hedge=hedge, before=before)

    assert len(server.requests) == 1


async def test_where_the_first_fails_after_the_second_was_sent_the_second_is_waited_for(
    ask: Asker, server: ModelServer
) -> None:
    server.next(Odd.HANGS_UP, Slow(0.5))
    server.next(Slow(0.5))
    made = await ask(at(server), hedge=True, before=(0.001,) * 20)

    assert made.provider == "operations"
    assert ask.outcomes[-1] == ("operations", "ok")


async def test_a_hedged_step_whose_time_is_up_ends_both_its_requests(ask: Asker, server: ModelServer) -> None:
    server.always(Slow(60))
    with pytest.raises(StepTimedOut):
        await ask(at(server), seconds=2, hedge=True, before=(0.1,) * 20)

    assert ask.outcomes == [("operations", "timed_out")] * 2


async def test_a_step_that_is_cancelled_from_outside_ends_its_requests_and_records_them(
    ask: Asker, server: ModelServer
) -> None:
    server.always(Slow(60))
    asking = asyncio.ensure_future(ask(at(server), hedge=True, before=(0.1,) * 20))
    async with asyncio.timeout(30):
        while len(server.requests) < 2:
            await asyncio.sleep(0.02)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert ask.outcomes == [("operations", "timed_out")] * 2
