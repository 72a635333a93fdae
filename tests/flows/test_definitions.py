"""A definition's YAML: read whole or refused whole, and never with another error than DefinitionRefused."""

from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from blocks.errors import DefinitionRefused
from flows.definitions import inspect, load
from tests.flows.sound import SOUND, changed, said

JARGON = (
    "Input should",
    "valid tuple",
    "valid dictionary",
    "function-",
    "datetime.",
    "<class",
    "Traceback",
    "ordereddict",
)


def test_a_sound_definition_is_loaded_as_it_was_written() -> None:
    workflow = load(SOUND, "spend-review")

    names = [node.id for node in workflow.nodes]
    assert names == ["spend", "contracts", "ranked", "risk", "report", "sign-off", "publish"]
    assert workflow.node("spend").timeout_seconds == 90
    assert workflow.outputs["risk"].source == "risk.label"


def test_a_refusal_says_whose_it_is_and_holds_every_problem() -> None:
    with pytest.raises(DefinitionRefused) as refused:
        load(changed("source: finance", "sorce: finance").replace("owner:", "ouner:"), "mine.yaml")

    assert str(refused.value) == (
        "mine.yaml has 2 problems: field ouner: there is no such field; did you mean owner?; "
        "node spend, field sorce: there is no such field; did you mean source?"
    )
    assert [problem.line for problem in refused.value.problems] == [3, 12]


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_an_empty_file_is_refused(text: str) -> None:
    assert said(text) == ["0: the file is empty; a definition is a mapping with name: and nodes:"]


def test_a_list_is_no_definition() -> None:
    assert said("- id: spend\n") == ["0: this is a list; a definition is a mapping with name: and nodes:"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: x\nnodes:\n\t- id: a\n", "3: this is not YAML: found character '\\t' that cannot start any token; "),
        (changed("source: finance", "kind: query"), '12: this is not YAML: found duplicate key "kind"'),
        ("name: x\n---\nname: y\n", "2: this is not YAML: expected a single document in the stream, but found another"),
        ("name: x\nowner: \x00\n", "2: this is not YAML: character 0 is not allowed"),
        ("name: *x\n", "1: this is not YAML: found undefined alias 'x'"),
        ("name: !!int x\n", "0: this is not YAML: a value cannot be read: invalid literal for int()"),
        ("name: " + "9" * 5000, "0: this is not YAML: a value cannot be read: Exceeds the limit"),
        ("name: " + "[" * 500, "0: this is not YAML: it is nested too deeply"),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_line(text: str, problem: str) -> None:
    [said_of_it] = said(text)

    assert said_of_it.startswith(problem)


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        ("", "2: field nodes: must be a list of nodes, not nothing"),
        (" []", "2: field nodes: must be a list of nodes, not an empty list"),
        (" {spend: {kind: query}}", "2: field nodes: must be a list of nodes, not a mapping"),
        (" spend", "2: field nodes: must be a list of nodes, not 'spend'"),
        ("\n  - spend", "3: node 1: a node is a mapping with id: and kind:, not 'spend'"),
        ("\n  -", "3: node 1: a node is a mapping with id: and kind:, not nothing"),
        ("\n  - kind: search\n    source: a\n    query: b", "3: node 1, field id: is missing; it must be given"),
        ("\n  - {id: a}", "3: node a, field kind: is missing; choose one of query, search, request, reason, "),
        ("\n  - {id: a, kind: 7}", "3: node a, field kind: must be query, search, request, reason, transform, "),
        ("\n  - {id: a, kind: qurey}", "3: node a, field kind: there is no kind 'qurey'; did you mean query?"),
    ],
)
def test_nodes_that_are_none_are_refused(nodes: str, problem: str) -> None:
    [said_of_it] = said(f"name: x\nnodes:{nodes}\n")

    assert said_of_it.startswith(problem)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("12", "38: node 7, field id: must be text, not 12; put it in quotes"),
        ("true", "38: node 7, field id: must be text, not true; put it in quotes"),
        ("null", "38: node 7, field id: must be text, not nothing"),
        ("[publish]", "38: node 7, field id: must be text, not a list"),
        ("Publish", "38: node Publish, field id: 'Publish' is no name; use lower case letters, digits and "),
        ("publish_it", "38: node publish_it, field id: 'publish_it' is no name; use lower case letters, digits and "),
        ("''", "38: node 7, field id: '' is no name; use lower case letters, digits and "),
    ],
)
def test_an_id_that_is_no_name_is_refused(written: str, problem: str) -> None:
    [said_of_it] = said(changed("id: publish", f"id: {written}"))

    assert said_of_it.startswith(problem)


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read() -> None:
    assert inspect("\ufeff" + SOUND.replace("\n", "\r\n")) == inspect(SOUND)


def test_a_date_need_not_be_in_quotes() -> None:
    workflow = load(changed("limit: {type: integer, default: 5}", "since: {type: date, default: 2026-01-31}"), "x")

    assert workflow.inputs["since"].default == "2026-01-31"


def paths(data: Any, *, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every value in the data."""
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path for key, value in children for path in [(*at, key), *paths(value, at=(*at, key))]]


def mutated(changes: list[tuple[int, Any]]) -> str:
    """The sound definition with values deleted or replaced, as YAML."""
    data = YAML(typ="safe", pure=True).load(SOUND)
    for which, value in changes:
        places = paths(data)
        if not places:
            break
        *above, last = places[which % len(places)]
        holder = data
        for key in above:
            holder = holder[key]
        if value is DELETED:
            del holder[last]
        else:
            holder[last] = value
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(data, stream)
    return stream.getvalue()


DELETED = object()
SCALARS = st.sampled_from(
    [None, True, -1, 0, 7, 1e300, float("nan"), "", " ", "spend", "publish", "2h", "{{ x", "{{ risk.x }}", "a: b", "é"]
)
VALUES = st.one_of(
    st.just(DELETED),
    SCALARS,
    st.text(max_size=8).filter(str.isprintable),
    st.lists(SCALARS, max_size=2),
    st.dictionaries(st.sampled_from(["id", "kind", "from", "needs", "", "x"]), SCALARS, max_size=2),
)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 200), VALUES), min_size=1, max_size=3))
def test_no_definition_makes_the_check_raise_or_speak_of_its_machinery(changes: list[tuple[int, Any]]) -> None:
    workflow, problems = inspect(mutated(changes))

    assert workflow is not None or problems
    assert all(problem.message and problem.line for problem in problems)
    assert not [problem for problem in problems for word in JARGON if word in problem.message]
