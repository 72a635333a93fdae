"""What the last good answer lets expect of the next one: room for what data do, none for another column's values."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from tasks.drift.expectations import check_answer
from tasks.drift.shape import shape_of
from tasks.frames import table_of_rows

Rows = Sequence[Sequence[Any]]
MANY = [(at, f"vendor {at}", None if at % 2 else "Ulm") for at in range(40)]


async def unmet(before: Rows, now: Rows, *, comparable: bool = True) -> list[str]:
    """The expectations that an answer of these rows does not meet; its columns are a, b, c."""
    width = len((before or now)[0])
    tables = [table_of_rows(["a", "b", "c"][: len(rows[0]) if rows else width], rows) for rows in (before, now)]
    checked = await check_answer(shape_of(tables[0]), tables[1], comparable=comparable)
    assert checked
    return [each.expectation for each in checked if not each.met]


HONEST: dict[str, tuple[Rows, Rows]] = {
    "a profit became a loss": ([(211,)], [(-189,)]),
    "what was nothing is something": ([(0,)], [(20,)]),
    "there was no answer, and now there is": ([], [(1, None)]),
    "of a few rows none is left": ([(at,) for at in range(9)], []),
    "one of two is NULL now": ([(1,), (2,)], [(1,), (None,)]),
    "a sum of nothing is NULL": ([(5,)], [(None,)]),
    "a text is among the numbers": ([(1,), (2,), (3,)], [(1,), ("n/a",), (3,)]),
    "there were texts and numbers, and now numbers": ([(1,), ("x",)], [(1,), (2,)]),
    "there were texts and numbers, and now texts": ([(1,), ("x",)], [("y",), ("z",)]),
    "prices are texts for once": ([(Decimal("1.50"),)], [("1.70",)]),
    "it is four times as long": (MANY, MANY * 4),
}


@pytest.mark.parametrize("what", HONEST)
async def test_an_answer_is_taken_where(what: str) -> None:
    assert await unmet(*HONEST[what]) == []


OTHER: dict[str, tuple[Rows, Rows, list[str]]] = {
    "numbers are cents": (
        [(at, 1.5 * at) for at in range(1, 30)],
        [(at, 150.0 * at) for at in range(1, 30)],
        ["95% of b lies between -435 and 435"],
    ),
    "numbers are names": ([(1,), (2,)], [("Able",), ("Bold",)], ["a holds numbers"]),
    "names are numbers": ([("Able",), ("Bold",)], [(1,), (2,)], ["a holds no numbers"]),
    "most is missing": (
        MANY,
        [(at, None, None) for at, *_ in MANY],
        [
            "at least 90% of b is not NULL",
            "at least 40% of c is not NULL",
        ],
    ),
    "it is a fifth as long": (MANY, MANY[:8], ["there are 10 to 170 rows"]),
    "it is nine times as long": (MANY, MANY * 9, ["there are 10 to 170 rows"]),
    "another column came": ([(1,)], [(1, 2)], ["the columns are a"]),
}


@pytest.mark.parametrize("what", OTHER)
async def test_an_answer_is_refused_where(what: str) -> None:
    before, now, refused = OTHER[what]

    assert await unmet(before, now) == refused


async def test_with_other_values_only_the_columns_are_held_to_what_they_were() -> None:
    fewer = [(at * 1000, name, None) for at, name, _ in MANY[:3]]

    assert await unmet(MANY, fewer)
    assert await unmet(MANY, fewer, comparable=False) == []
    assert await unmet(MANY, [(name, at, None) for at, name, _ in fewer], comparable=False) == [
        "a holds numbers",
        "b holds no numbers",
    ]


async def test_any_name_that_sql_gives_is_taken() -> None:
    names = ["", " ", "?column?", "COUNT(*)", "$x", "{a}", "a.b", '"q"', "column", "0", "x" * 300]
    table = table_of_rows(names, [tuple(range(len(names)))] * 6)
    checked = await check_answer(shape_of(table), table)

    assert [each.expectation for each in checked if not each.met] == []
    # The names, the rows, and of each column its NULLs, its numbers (the first has only zeros) and what it holds.
    assert len(checked) == 2 + 3 * len(names) - 1
