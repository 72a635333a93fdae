"""The graph of a definition: who comes first, who is read, and the picture of it."""

import pytest

from flows.definitions import load
from flows.graph import Graph, mermaid
from tasks.kinds import AnyNode
from tasks.query.node import QueryNode
from tests.flows.sound import SOUND


def query(name: str, *needs: str, when: str | None = None) -> QueryNode:
    return QueryNode(id=name, source="shop", sql="SELECT 1 AS one", needs=needs, when=when)


def sound() -> Graph:
    return Graph(load(SOUND, "sound").nodes)


def test_each_node_comes_after_what_it_needs_whatever_the_order_of_writing() -> None:
    nodes: list[AnyNode] = [query("d", "b", "c"), query("b", "a"), query("c", "a"), query("a")]

    order = Graph(nodes).order

    assert set(order) == {"a", "b", "c", "d"}
    assert order[0] == "a"
    assert order[-1] == "d"


def test_upstream_is_everything_that_is_needed_nearest_first_and_once() -> None:
    graph = Graph([query("a"), query("b", "a"), query("c", "b", "a"), query("d", "c", "b"), query("aside", "a")])

    assert graph.upstream("d") == ("c", "b", "a")
    assert graph.upstream("a") == ()


def test_the_nearest_text_is_the_one_that_is_delivered() -> None:
    text = SOUND.replace("needs: [ranked, risk]", "needs: [ranked, risk, draft]").replace(
        "outputs:", "  - {id: draft, kind: reason, purpose: synthesise, needs: [ranked]}\noutputs:"
    )
    graph = Graph(load(text, "drafted").nodes)

    assert graph.texts_upstream("sign-off") == ("report",)
    assert graph.texts_upstream("report") == ("draft",)
    assert graph.texts_upstream("risk") == ()


def test_a_node_reads_what_it_needs_and_what_its_templates_and_its_content_name() -> None:
    text = SOUND.replace("needs: [sign-off, report]", "needs: [sign-off]\n    content: report").replace(
        "spend/{{ month }}.md", "spend/{{ risk.label }}.md"
    )
    graph = Graph(load(text, "named").nodes)

    assert graph.uses("publish") == ("sign-off", "report", "risk")


@pytest.mark.parametrize("condition", ["risk.label != 'low'", "{{ risk.label != 'low' }}"])
def test_a_node_reads_what_its_condition_names_with_and_without_braces(condition: str) -> None:
    graph = Graph(load(SOUND.replace("{{ risk.label != 'low' }}", condition), "conditional").nodes)

    assert graph.uses("sign-off") == ("report", "risk")


def test_a_cycle_names_each_node_before_the_one_that_it_needs() -> None:
    graph = Graph([query("a", "b"), query("b", "c"), query("c", "a"), query("d", "a")])

    first, *others = graph.cycle

    needs = {"a": "b", "b": "c", "c": "a"}
    assert others[-1] == first
    assert others == [needs[name] for name in graph.cycle[:-1]]


def test_a_graph_without_a_cycle_has_none() -> None:
    assert sound().cycle == ()
    assert list(sound().cycles) == []


def test_every_cycle_is_found_where_they_are_apart() -> None:
    graph = Graph([query("a", "b"), query("b", "a"), query("c", "c"), query("d", "a")])

    assert sorted(sorted(set(cycle)) for cycle in graph.cycles) == [["a", "b"], ["c"]]


def test_a_graph_is_drawn_with_its_gates_and_conditions() -> None:
    nodes = load(SOUND, "sound").nodes

    assert mermaid([node for node in nodes if node.id in ("report", "sign-off", "publish")]) == (
        "flowchart TD\n"
        '    report["report<br/>reason"]\n'
        '    sign-off{"sign-off<br/>approve"}\n'
        '    publish["publish<br/>deliver"]\n'
        "    ranked --> report\n"
        "    risk --> report\n"
        "    report -. when .-> sign-off\n"
        "    sign-off --> publish\n"
        "    report --> publish\n"
    )


@pytest.mark.parametrize("word", ["end", "graph", "subgraph", "style-guide", "click", "end-of-month"])
def test_an_id_that_is_a_word_of_mermaid_s_is_drawn_under_another(word: str) -> None:
    drawn = mermaid([query(word), query("after", word)])

    assert drawn == (
        f'flowchart TD\n    node_{word}["{word}<br/>query"]\n    after["after<br/>query"]\n    node_{word} --> after\n'
    )


@pytest.mark.parametrize("name", ["ending", "classify", "graphs"])
def test_an_id_that_only_begins_like_a_word_of_mermaid_s_is_its_own(name: str) -> None:
    assert f'    {name}["' in mermaid([query(name)])
