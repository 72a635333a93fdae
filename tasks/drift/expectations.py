"""What a saved query expects of its schema and of its answer, as Great Expectations suites.

The schema must have what the query uses; the answer must have the shape of the last good one, with room for what data
do from one run to the next. Great Expectations takes seconds to import, so it is imported by the first check, which is
made only where a schema has drifted under a query. Checked 2026-11 on 1.24.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from blocks.schemas.snapshot import Snapshot
from tasks.drift.sample import Sample
from tasks.drift.shape import Shape, shape_of
from tasks.outcome import Table

if TYPE_CHECKING:
    import pandas as pd

ROWS_TIMES = 4
ROWS_MORE = 10
"""Up to four times as many rows and ten, and no fewer than a quarter."""
MORE_NULLS = 0.1
NUMBERS_TIMES = 10
"""Numbers may be ten times as large, so cents in place of euros are seen."""
MOSTLY = 0.95
"""The share of a column's values that must lie where its numbers lay."""


About = Literal["schema", "answer"]


class Expectation(NamedTuple):
    """One thing that is expected, in words, and the expectation of Great Expectations that says so."""

    text: str
    kind: str
    """The class, such as ExpectColumnToExist."""
    arguments: dict[str, Any]


class Checked(NamedTuple):
    """An expectation that was checked."""

    about: About
    expectation: str
    met: bool
    observed: str


async def check_schema(samples: Sequence[Sample], now: Snapshot) -> tuple[Checked, ...]:
    """Whether the schema still has the columns that are used of each sampled relation, with their kinds of values."""
    import pandas as pd

    checked: list[Checked] = []
    for sample in samples:
        there = now.by_name.get(sample.relation.name)
        # One row, which says what each column holds.
        frame = pd.DataFrame([{each.name: each.family for each in there.columns} if there else {}])
        checked += await _checked("schema", frame, list(_of_relation(sample)))
    return tuple(checked)


async def check_answer(expected: Shape, answer: Table) -> tuple[Checked, ...]:
    """Whether the answer has the shape of the last good one."""
    import pandas as pd

    from tasks.frames import frame_of

    holds = pd.DataFrame([{each.name: each.holds for each in shape_of(answer).columns}])
    return (
        *await _checked("answer", frame_of(answer), list(_of_answer(expected))),
        *await _checked("answer", holds, list(_of_values(expected))),
    )


def _of_relation(sample: Sample) -> Iterator[Expectation]:
    for name in sample.used:
        family, place = sample.relation.by_name[name].family, f"{sample.relation.name}.{name}"
        yield Expectation(f"{place} is there", "ExpectColumnToExist", {"column": name})
        yield _in_set(f"{place} holds {family}", name, family)


def _of_answer(shape: Shape) -> Iterator[Expectation]:
    names = [column.name for column in shape.columns]
    yield Expectation(
        f"the columns are {', '.join(names)}", "ExpectTableColumnsToMatchOrderedList", {"column_list": names}
    )
    least, most = shape.rows // ROWS_TIMES, shape.rows * ROWS_TIMES + ROWS_MORE
    yield Expectation(
        f"there are {least} to {most} rows",
        "ExpectTableRowCountToBeBetween",
        {"min_value": least, "max_value": most if shape.rows else None},
    )
    for column in shape.columns:
        there = 1 - column.null_share - MORE_NULLS
        if there > 0:
            text, arguments = (
                f"at least {there:.0%} of {column.name} is not NULL",
                {"column": column.name, "mostly": there},
            )
            yield Expectation(text, "ExpectColumnValuesToNotBeNull", arguments)
        if column.least is not None and column.most is not None:
            yield _between(column.name, column.least, column.most)


def _between(name: str, least: float, most: float) -> Expectation:
    reach = NUMBERS_TIMES * max(abs(least), abs(most), 1.0)
    bottom, top = -reach if least < 0 else 0.0, reach
    text = f"{MOSTLY:.0%} of {name} lies between {bottom:g} and {top:g}"
    arguments = {"column": name, "min_value": bottom, "max_value": top, "mostly": MOSTLY}
    return Expectation(text, "ExpectColumnValuesToBeBetween", arguments)


def _of_values(shape: Shape) -> Iterator[Expectation]:
    for column in shape.columns:
        if column.holds != "nothing":
            # How much of it may be NULL is an expectation of its own.
            what = "numbers" if column.holds == "numbers" else "no numbers"
            yield _in_set(f"{column.name} holds {what}", column.name, column.holds, "nothing")


def _in_set(text: str, column: str, *values: str) -> Expectation:
    return Expectation(text, "ExpectColumnValuesToBeInSet", {"column": column, "value_set": list(values)})


async def _checked(about: About, frame: "pd.DataFrame", expected: Sequence[Expectation]) -> tuple[Checked, ...]:
    """Each expectation, checked, in their order."""
    if not expected:
        return ()
    # In a thread: the import holds up the other nodes less, and a large answer takes its time.
    results = await asyncio.to_thread(_validated, frame, expected)
    return tuple(Checked(about, each.text, *results[at]) for at, each in enumerate(expected))


def _validated(frame: "pd.DataFrame", expected: Iterable[Expectation]) -> dict[int, tuple[bool, str]]:
    """By place, whether it was met, and what was seen."""
    import great_expectations as gx
    from great_expectations import expectations as kinds
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(
        "expected",
        # Under their places, because the results come in another order.
        expectations=[getattr(kinds, each.kind)(**each.arguments, meta={"at": at}) for at, each in enumerate(expected)],
    )
    seen: dict[int, tuple[bool, str]] = {}
    for result in batch.validate(suite).results:
        if result.expectation_config is not None:
            seen[result.expectation_config.meta["at"]] = (
                bool(result.success),
                _observed(result.result, met=bool(result.success)),
            )
    return seen


def _observed(result: dict[str, Any], *, met: bool) -> str:
    if "observed_value" in result:
        return str(result["observed_value"])
    if "unexpected_count" not in result:
        return "there" if met else "not there"
    unexpected, count = result["unexpected_count"], result["element_count"]
    if not unexpected:
        return ("as expected" if count == 1 else f"all {count}") if count else "no rows"
    examples = ", ".join(dict.fromkeys(map(str, result.get("partial_unexpected_list", ()))))[:100]
    return f"{unexpected} of {count} not so" + (f": {examples}" if examples else "")
