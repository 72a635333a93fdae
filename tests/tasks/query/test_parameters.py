"""Values that are bound and never become SQL, and colons that are no parameters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from blocks.errors import InputRefused
from tasks.outcome import Cell, Scope
from tests.blocks.source_databases import rows, shop_with
from tests.tasks.query.asking import asked, row, table

HOSTILE = ["'; DROP TABLE invoices; --", "' OR '1'='1", '"', "\\", ":vendor", "%s", "{{ vendor }}", "Ünïcode 🙂"]


@pytest.fixture
async def shop(empty_database_url: str) -> str:
    """The URL of a database with two invoices."""
    return await shop_with(empty_database_url, "'Able', 10", "'Bo', 20")


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_value_is_compared_and_never_run(shop: str, value: str) -> None:
    assert await row(shop, "SELECT :vendor AS same", vendor=value) == (value,)
    assert (await table(shop, "SELECT vendor FROM invoices WHERE vendor = :vendor", vendor=value)).rows == ()
    assert await rows(shop, "SELECT COUNT(*) FROM invoices") == [(2,)]


async def test_parameters_are_inputs_unless_the_node_has_a_template_of_that_name(shop: str) -> None:
    outcome = await asked(
        shop,
        "SELECT vendor FROM invoices WHERE vendor = :vendor AND amount >= :least",
        parameters={"vendor": "{{ who }}le"},
        scope=Scope(inputs={"who": "Ab", "least": 10, "vendor": "Bo"}),
    )

    assert outcome.table is not None
    assert outcome.table.rows == (("Able",),)


async def test_a_parameter_without_a_value_names_itself_before_anything_is_opened() -> None:
    with pytest.raises(InputRefused, match=r"the SQL's :month has no value.*add an input named month"):
        await asked("postgresql://127.0.0.1:1/nowhere", "SELECT 1 AS a WHERE 1 = :month")


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT ':x' AS a", (":x",)),
        ("SELECT 'at :x' AS a, :x AS b", ("at :x", "1")),
        ("SELECT ':x''s :y' AS a", (":x's :y",)),
        ("SELECT '12:30' AS a, '12:30:x' AS b", ("12:30", "12:30:x")),
        ("SELECT '\\:x' AS a, '\\' AS b, '::x' AS c", ("\\:x", "\\", "::x")),
        ('SELECT 1 AS "a:x"', (1,)),
        ("SELECT 1 AS a -- spend of :x\n", (1,)),
        ("SELECT /* :x :y */ :x AS a", ("1",)),
        ("SELECT 'größe :x' AS a,:x AS b,(:x) AS c", ("größe :x", "1", "1")),
        ("SELECT '100%' AS a, '%(name)s' AS b, :x AS c", ("100%", "%(name)s", "1")),
        ("SELECT CASE WHEN :x = '1' THEN :z ELSE :x END AS a", ("3",)),
        ("SELECT :limit AS a, :date AS b, :größe AS c", ("L", "D", "G")),
    ],
)
async def test_a_colon_in_a_literal_a_name_or_a_comment_is_no_parameter(
    shop: str, sql: str, answer: tuple[Cell, ...]
) -> None:
    assert await row(shop, sql, x="1", y="2", z="3", limit="L", date="D", größe="G") == answer


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT '2026-10-01'::date AS a", ("2026-10-01",)),
        ("SELECT :day::date AS a", ("2026-10-01",)),
        ("SELECT CAST(:day AS date) + :n::int AS a", ("2026-10-03",)),
        ("SELECT '{\"a:n\": {\"b\": 5}}'::jsonb #>> '{a:n,b}' AS a", ("5",)),
        ("SELECT jsonb_path_query('{\"a\": 5}', '$.a ? (@ > 1)')::int AS a", (5,)),
        ("SELECT (ARRAY[1, 2, 3])[2:n]::text AS a FROM (VALUES (2)) AS v(n) WHERE :n = 2", ("{2}",)),
        ("SELECT to_char(timestamp '2026-10-01 10:20:30', 'HH24:MI:SS') AS a", ("10:20:30",)),
        ("SELECT E'it\\'s :n' AS a, :n AS b", ("it's :n", 2)),
        ("SELECT $$it's :n$$ AS a, :n AS b", ("it's :n", 2)),
        ("SELECT 3 AS a WHERE 2 = ANY(:several)", (3,)),
        ("SELECT :big + 1 AS a", (3_000_000_001,)),
    ],
)
async def test_casts_slices_and_literals_of_postgresql_keep_their_colons(
    postgres_url: str, sql: str, answer: tuple[Cell, ...]
) -> None:
    inputs: dict[str, JsonValue] = {"day": "2026-10-01", "n": 2, "several": [1, 2], "big": 3_000_000_000}

    assert await row(postgres_url, sql, **inputs) == answer


@pytest.fixture(scope="module")
def empty_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a SQLite database with nothing in it."""
    file = tmp_path_factory.mktemp("empty") / "empty.db"
    file.touch()
    return f"sqlite:///{file}"


_ANSWERS: dict[str, Cell] = {
    ":x": "X",
    ":y": "Y",
    "(:x)": "X",
    "':x'": ":x",
    r"'\:x'": r"\:x",
    "'::x'": "::x",
    "'a'':y'": "a':y",
    "'12:30'": "12:30",
    "/* :x */ 1": 1,
    "':'": ":",
    r"'\'": "\\",
}


@settings(max_examples=100)
@given(st.lists(st.sampled_from(sorted(_ANSWERS)), min_size=1))
async def test_whatever_stands_beside_it_a_parameter_has_its_own_value(empty_url: str, parts: list[str]) -> None:
    columns = ", ".join(f"{part} AS c{number}" for number, part in enumerate(parts))

    found = await row(empty_url, f"SELECT {columns}", x="X", y="Y")

    assert found == tuple(_ANSWERS[part] for part in parts)
