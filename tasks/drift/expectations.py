"""What a saved query expects of its schema and of its answer, as Great Expectations suites.

The schema must have what the query uses; the answer must have the shape of the last good one, with room for what data
do from one run to the next. Great Expectations takes seconds to import, so it is imported by the first check, which is
made only where a schema has drifted under a query. Checked 2026-11 on 1.24.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from blocks.schemas.snapshot import Snapshot
from tasks.drift.sample import Sample
from tasks.drift.shape import Shape, shape_of
from tasks.outcome import Table

if TYPE_CHECKING:
    import great_expectations as gx
    import pandas as pd

ROWS_TIMES = 4
ROWS_MORE = 10
"""Up to four times as many rows and ten, and no fewer than a quarter."""
FEW_ROWS = 20
"""Of so few rows, all may be gone."""
MORE_NULLS = 0.1
TELLING_ROWS = 5
"""Fewer rows say nothing of a column's share of NULLs."""
NUMBERS_TIMES = 10
"""Numbers may be ten times as large, so cents in place of euros are seen; and of the other sign, as a profit is."""
MOSTLY = 0.95
"""The share of a column's values that must lie where its numbers lay."""
_AT_ONCE = 10
"""Of so many columns at once: what Great Expectations takes grows with the columns times the expectations."""


About = Literal["schema", "answer"]


class Expectation(NamedTuple):
    """One thing that is expected, in words, and the expectation of Great Expectations that says so."""

    text: str
    kind: str
    """The class, such as ExpectColumnToExist."""
    arguments: dict[str, Any]
    at: int | None = None
    """The place of the column that it is about; None where it is about the rows."""


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
        families = {
            _place(at): there.by_name[name].family
            for at, name in enumerate(sample.used)
            if there is not None and name in there.by_name
        }
        # One row, which says what each column holds.
        checked += await _checked("schema", pd.DataFrame([families]), list(_of_relation(sample)))
    return tuple(checked)


async def check_answer(expected: Shape, answer: Table, *, comparable: bool = True) -> tuple[Checked, ...]:
    """Whether the answer has the shape of the last good one.

    `comparable`: it was asked with the same values; otherwise how many rows it has and where its numbers lie says
    nothing, and only its columns are looked at.
    """
    import pandas as pd

    from tasks.frames import frame_of

    shape = shape_of(answer)
    names = pd.DataFrame([{_place(0): _listed(shape)}])
    checked = await _checked("answer", names, [_in_set(f"the columns are {_listed(expected)}", 0, _listed(expected))])
    if not all(each.met for each in checked):
        return checked
    frame, places = frame_of(answer), [_place(at) for at in range(len(shape.columns))]
    holds = pd.DataFrame([[column.holds for column in shape.columns]], columns=places)
    of_rows = list(_of_rows(expected, shape)) if comparable else []
    return (
        *checked,
        *await _checked("answer", frame.set_axis(places, axis=1), of_rows),
        *await _checked("answer", holds, list(_of_kinds(expected))),
    )


def _of_relation(sample: Sample) -> Iterator[Expectation]:
    for at, name in enumerate(sample.used):
        family, place = sample.relation.by_name[name].family, f"{sample.relation.name}.{name}"
        yield Expectation(f"{place} is there", "ExpectColumnToExist", {}, at)
        yield _in_set(f"{place} holds {family}", at, family)


def _of_rows(shape: Shape, now: Shape) -> Iterator[Expectation]:
    least = shape.rows // ROWS_TIMES if shape.rows >= FEW_ROWS else 0
    most = shape.rows * ROWS_TIMES + ROWS_MORE
    if shape.rows:
        yield Expectation(
            f"there are {least} to {most} rows",
            "ExpectTableRowCountToBeBetween",
            {"min_value": least, "max_value": most},
        )
    for at, column in enumerate(shape.columns):
        there = 1 - column.null_share - MORE_NULLS
        if there > 0 and shape.rows >= TELLING_ROWS:
            text = f"at least {there:.0%} of {column.name} is not NULL"
            yield Expectation(text, "ExpectColumnValuesToNotBeNull", {"mostly": there}, at)
        reach = NUMBERS_TIMES * max(abs(column.least or 0), abs(column.most or 0))
        # Zeros say nothing of how large its numbers are; texts are told by what the column holds.
        if reach and now.columns[at].most is not None:
            reach = max(reach, NUMBERS_TIMES)
            text = f"{MOSTLY:.0%} of {column.name} lies between {-reach:g} and {reach:g}"
            arguments = {"min_value": -reach, "max_value": reach, "mostly": MOSTLY}
            yield Expectation(text, "ExpectColumnValuesToBeBetween", arguments, at)


def _of_kinds(shape: Shape) -> Iterator[Expectation]:
    for at, column in enumerate(shape.columns):
        if column.number_share in (0, 1):
            # How much of it may be NULL is an expectation of its own.
            yield _in_set(f"{column.name} holds {column.holds}", at, column.holds, "nothing")


def _in_set(text: str, at: int, *values: str) -> Expectation:
    return Expectation(text, "ExpectColumnValuesToBeInSet", {"value_set": list(values)}, at)


def _listed(shape: Shape) -> str:
    return ", ".join(column.name for column in shape.columns)


def _place(at: int) -> str:
    """The column's name in the frame that is checked: Great Expectations does not take every name that SQL does."""
    return f"c{at}"


async def _checked(about: About, frame: "pd.DataFrame", expected: Sequence[Expectation]) -> tuple[Checked, ...]:
    """Each expectation, checked, in their order."""
    if not expected:
        return ()
    # In a thread: the import holds up the other nodes less, and a large answer takes its time.
    results = await asyncio.to_thread(_validated, frame, expected)
    return tuple(Checked(about, each.text, *results[at]) for at, each in enumerate(expected))


def _validated(frame: "pd.DataFrame", expected: Iterable[Expectation]) -> dict[int, tuple[bool, str]]:
    """By place among the expected, whether it was met, and what was seen."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    whole = asset.add_batch_definition_whole_dataframe("whole")
    seen: dict[int, tuple[bool, str]] = {}
    for part, suite in _in_parts(frame, expected):
        for result in whole.get_batch({"dataframe": part}).validate(suite).results:
            if result.expectation_config is not None:
                seen[result.expectation_config.meta["at"]] = (
                    bool(result.success),
                    _observed(result.result, met=bool(result.success)),
                )
    return seen


def _in_parts(
    frame: "pd.DataFrame", expected: Iterable[Expectation]
) -> "Iterator[tuple[pd.DataFrame, gx.ExpectationSuite]]":
    """A few columns, and what is expected of these."""
    import great_expectations as gx
    from great_expectations import expectations as kinds

    parts = defaultdict[int, list[Any]](list)
    for at, each in enumerate(expected):
        column = {} if each.at is None else {"column": _place(each.at)}
        # Under their places, because the results come in another order.
        made = getattr(kinds, each.kind)(**column, **each.arguments, meta={"at": at})
        parts[(each.at or 0) // _AT_ONCE].append(made)
    for number, suite in parts.items():
        places = map(_place, range(number * _AT_ONCE, (number + 1) * _AT_ONCE))
        columns = [place for place in places if place in frame.columns]
        yield frame[columns], gx.ExpectationSuite(f"expected {number}", expectations=suite)


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
