"""Calling a transform's function: what it is given, what it may return, what is said when it fails."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from blocks.errors import TransformRefused
from tasks.outcome import Column, Table
from tasks.transform.apply import apply, load
from tests.tasks.transform import functions

SPEND = Table(
    columns=(Column(name="vendor", type="string"), Column(name="amount", type="integer")),
    rows=(("Able", 10), ("Bo", 20)),
)
SCORE = Table(
    columns=(Column(name="vendor", type="string"), Column(name="score", type="number")),
    rows=(("Able", 0.5), ("Bo", 0.9)),
)


def applied(function: str, inputs: dict[str, JsonValue] | None = None, **tables: Table) -> Table:
    """What the function of tests/tasks/transform/functions.py makes of the tables."""
    return apply(f"{functions.__name__}:{function}", tables, inputs or {})


def line_of(text: str) -> str:
    """The file and line of the text in tests/tasks/transform/functions.py."""
    lines = Path(functions.__file__).read_text().splitlines()
    return f"{functions.__file__}:{next(at for at, line in enumerate(lines, start=1) if text in line)}"


def test_frames_come_by_the_names_of_nodes_and_inputs_by_the_signature() -> None:
    table = applied("joined", {"month": "2026-10", "unused": 1}, spend=SPEND, quality_score=SCORE)

    assert table.names == ("vendor", "amount", "score", "month")
    assert table.rows == (("Able", 10, 0.5, "2026-10"), ("Bo", 20, 0.9, "2026-10"))


def test_a_single_frame_may_have_any_name() -> None:
    assert applied("doubled", spend=SPEND).rows == (("Able", 20), ("Bo", 40))


def test_an_input_goes_before_a_default() -> None:
    assert applied("doubled", {"factor": 3}, spend=SPEND).rows == (("Able", 30), ("Bo", 60))


def test_a_single_frame_does_not_take_the_place_of_an_input() -> None:
    table = applied("month_first", {"month": "2026-10"}, spend=SPEND)

    assert table.rows[0] == ("Able", 10, "2026-10")


def test_a_function_of_any_keywords_gets_all_there_is() -> None:
    table = applied("everything", {"month": "2026-10"}, spend=SPEND, quality_score=SCORE)

    assert table.rows == (("month",), ("quality_score",), ("spend",))


def test_a_function_may_want_nothing() -> None:
    assert applied("no_arguments").names == ("process",)


def test_parameters_that_nothing_fills_are_named_with_what_there_is() -> None:
    with pytest.raises(TransformRefused, match=r":other_names wants this, that; the node gives it month, spend, score"):
        applied("other_names", {"month": "2026-10"}, spend=SPEND, score=SCORE)


@pytest.mark.parametrize(
    ("function", "words", "line"),
    [
        ("raises", "raised ValueError: no such vendor; at ", 'raise ValueError("no such vendor'),
        ("raises_in_pandas", "raised KeyError: 'nope'; at ", 'spend["nope"]'),
        ("exits", "raised SystemExit: stopped; at ", 'sys.exit("stopped")'),
    ],
)
def test_an_error_is_told_in_one_line_with_the_function_s_own_file_and_line(
    function: str, words: str, line: str
) -> None:
    with pytest.raises(TransformRefused) as refused:
        applied(function, spend=SPEND)

    assert words + line_of(line) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("a_series", "returned a Series; return a pandas DataFrame"),
        ("a_list_in_a_cell", "returned a frame that is no table: column 'tags' holds a list"),
        ("divides_by_zero", "returned a frame that is no table: column 'share' holds infinity"),
        ("one_name_twice", "returned a frame that is no table: it has two columns called amount, vendor"),
    ],
)
def test_what_is_no_table_is_refused(function: str, words: str) -> None:
    with pytest.raises(TransformRefused, match=words):
        applied(function, spend=SPEND)


@pytest.mark.filterwarnings("ignore:coroutine 'a_coroutine' was never awaited:RuntimeWarning")
def test_an_async_function_is_no_transform() -> None:
    with pytest.raises(TransformRefused, match="returned a coroutine"):
        applied("a_coroutine", spend=SPEND)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("tests.nowhere:f", "cannot be imported: ModuleNotFoundError: No module named 'tests.nowhere'"),
        (f"{functions.__name__}:nope", "cannot be imported: AttributeError: module .* has no attribute 'nope'"),
        (f"{functions.__name__}:NOT_A_FUNCTION", "is not a function"),
    ],
)
def test_a_path_that_names_no_function_is_refused(path: str, words: str) -> None:
    with pytest.raises(TransformRefused, match=words):
        load(path)


@pytest.mark.parametrize(
    ("source", "words"),
    [("def f(:", "SyntaxError"), ("1 / 0", "ZeroDivisionError: division by zero"), ("raise SystemExit", "SystemExit")],
)
def test_a_module_that_fails_as_it_is_imported_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, words: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "holdfast_broken.py").write_text(source)

    with pytest.raises(TransformRefused, match=f"holdfast_broken:f cannot be imported: {words}"):
        load("holdfast_broken:f")
