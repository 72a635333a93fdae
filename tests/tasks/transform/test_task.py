"""A transform as a node of a run: in a process of its own, which ends when its time is up."""

import asyncio
import inspect
import os
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import anyio
import pytest
from pydantic import JsonValue

from blocks.errors import TransformRefused
from tasks.context import RunContext, enter_run, leave_run, utc_now
from tasks.outcome import Column, Gap, Outcome, Scope, Table
from tasks.transform.node import TransformNode
from tasks.transform.task import transform_tables
from tests.tasks.transform import functions

SPEND = Outcome(
    table=Table(
        columns=(Column(name="vendor", type="string"), Column(name="amount", type="integer")), rows=(("Able", 10),)
    ),
    confidence=0.8,
)


async def transformed(function: str, inputs: dict[str, JsonValue] | None = None, **outcomes: Outcome) -> Outcome:
    """The outcome of a transform that needs the nodes of these outcomes."""
    named = {name.replace("_", "-"): outcome for name, outcome in outcomes.items()}
    run = RunContext(run_id=uuid4(), workflow="test", team="test", ledger=cast(Any, None))
    token = enter_run(run)
    try:
        node = TransformNode(id="total", needs=tuple(named), function=f"{functions.__name__}:{function}")
        scope = Scope(inputs=inputs or {}, outcomes=named)
        return cast(Outcome, await inspect.unwrap(transform_tables.fn)(node, scope))
    finally:
        leave_run(token)


def process_of(outcome: Outcome) -> int:
    """The process that made the outcome."""
    assert outcome.table is not None
    return cast(int, outcome.table.rows[0][0])


async def until_gone(pid: int) -> None:
    """Returns when the process has ended, which must be soon."""
    async with asyncio.timeout(5):
        while Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
            await asyncio.sleep(0.01)


async def test_the_table_has_the_gaps_of_all_that_went_into_it() -> None:
    gap = Gap(node="quality-score", reason="the store is down", since=utc_now())
    score = Outcome(table=Table(columns=(Column(name="vendor", type="string"),), rows=(("Able",),)), gaps=(gap,))

    outcome = await transformed("joined", {"month": "2026-10"}, spend=SPEND, quality_score=score)

    assert outcome.table is not None
    assert outcome.table.rows == (("Able", 10, "2026-10"),)
    assert outcome.gaps == (gap,)
    assert outcome.evidence == (f"1 rows by {functions.__name__}:joined",)


async def test_confidence_is_the_least_of_those_that_are_known() -> None:
    unsure = Outcome(table=SPEND.table, confidence=0.3)
    approval = Outcome(fields={"decision": "approve"})

    assert (await transformed("everything", spend=SPEND, other=unsure, sign_off=approval)).confidence == 0.3
    assert (await transformed("everything", sign_off=approval)).confidence is None


async def test_a_needed_node_without_a_table_is_not_given() -> None:
    with pytest.raises(TransformRefused, match="wants quality_score; the node gives it month, spend"):
        await transformed("joined", {"month": "2026-10"}, spend=SPEND, quality_score=Outcome(text="a report"))


async def test_it_runs_in_another_process() -> None:
    assert process_of(await transformed("no_arguments")) != os.getpid()


@pytest.mark.parametrize("function", ["raises", "exits"])
async def test_an_error_crosses_the_process_and_the_next_transform_runs(function: str) -> None:
    with pytest.raises(TransformRefused, match=rf"functions:{function} raised .*functions\.py:\d+"):
        await transformed(function, spend=SPEND)

    assert (await transformed("doubled", spend=SPEND)).table is not None


async def test_a_process_that_dies_is_refused_in_words_and_the_next_transform_runs() -> None:
    with pytest.raises(TransformRefused, match=r"the process of .*functions:dies died"):
        await transformed("dies", spend=SPEND)

    assert (await transformed("doubled", spend=SPEND)).table is not None


def test_a_second_run_in_the_same_event_loop_has_a_worker_too() -> None:
    with asyncio.Runner() as loop:
        first = loop.run(transformed("no_arguments"))
        second = loop.run(transformed("no_arguments"))

    assert os.getpid() not in {process_of(first), process_of(second)}


async def test_what_a_function_prints_does_not_break_its_answer() -> None:
    assert (await transformed("talks", spend=SPEND)).table == SPEND.table


async def test_a_function_that_runs_too_long_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    transform = asyncio.create_task(transformed("sleeps", {"pid_file": str(pid_file)}))
    async with asyncio.timeout(20):
        while not pid_file.exists() or not pid_file.read_text():
            await asyncio.sleep(0.02)
    pid = int(pid_file.read_text())
    transform.cancel()

    with pytest.raises(asyncio.CancelledError):
        await transform
    await until_gone(pid)


async def test_a_time_limit_ends_the_process_too(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    await transformed("no_arguments")
    with pytest.raises(TimeoutError), anyio.fail_after(1):
        await transformed("sleeps", {"pid_file": str(pid_file)})

    await until_gone(int(pid_file.read_text()))


async def test_two_transforms_run_at_once(tmp_path: Path) -> None:
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    async with asyncio.timeout(20):
        one, two = await asyncio.gather(
            transformed("meets", {"here": a, "there": b}), transformed("meets", {"here": b, "there": a})
        )

    assert process_of(one) != process_of(two)
