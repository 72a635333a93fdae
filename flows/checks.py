"""Everything that can be wrong with a definition beyond the shape of its parts; all of it is said at once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from blocks.errors import Problem, QueryRefused
from flows.graph import Graph
from flows.workflow import Output, Workflow
from tasks.approve.node import ApproveNode
from tasks.deliver.node import DeliverNode
from tasks.kinds import AnyNode
from tasks.query.node import QueryNode
from tasks.templates import references, syntax_error, variable

_ALWAYS = frozenset({"text", "rows", "gaps"})
"""What a template may ask of any node."""


def problems_of(
    data: Mapping[str, Any], nodes: Sequence[AnyNode], ids: Sequence[str], workflow: Workflow | None
) -> list[Problem]:
    """The problems between the parts: names, edges, templates, SQL, outputs.

    `nodes` are those that could be parsed, `ids` all that were written; only a whole workflow has its outputs checked.
    """
    raw_inputs = data.get("inputs")
    inputs = [str(name) for name in raw_inputs] if isinstance(raw_inputs, Mapping) else []
    problems = [*_names(ids, inputs), *_edges(nodes, ids)]
    unclear = [text for node in nodes for _, text in node.templates() if syntax_error(text)]
    problems += _template_syntax(nodes)
    graph = Graph(nodes)
    if graph.cycle:
        return [*problems, Problem("cycle", f"node {graph.cycle[0]}, field needs", _cycle(graph.cycle))]
    if not unclear and set(ids) == set(graph.nodes):
        problems += [*_templates(graph, inputs), *_contents(graph)]
    problems += _queries(nodes, inputs)
    if workflow is not None:
        problems += _outputs(workflow, graph)
    return problems


def _names(ids: Sequence[str], inputs: Sequence[str]) -> Iterator[Problem]:
    for name, count in Counter(map(variable, ids)).items():
        if count > 1:
            same = sorted({i for i in ids if variable(i) == name})
            yield Problem("duplicate", f"node {same[0]}, field id", f"{count} nodes are called {' and '.join(same)}")
        if name in inputs:
            yield Problem("duplicate", f"field inputs.{name}", "a node has this name too; rename one of them")


def _edges(nodes: Sequence[AnyNode], ids: Sequence[str]) -> Iterator[Problem]:
    for node in nodes:
        for need in node.needs:
            if need == node.id:
                yield Problem("cycle", f"node {node.id}, field needs", "it needs itself; remove that")
            elif need not in ids:
                yield Problem("unknown-node", f"node {node.id}, field needs", _unknown("node", need, ids))


def _cycle(cycle: Sequence[str]) -> str:
    return (
        f"it can never start, because it waits for itself: {' needs '.join(reversed(cycle))}; remove one of these needs"
    )


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1)
    mend = f"did you mean {near[0]}?" if near else f"there is {', '.join(known) or 'none'}"
    return f"there is no {what} {name!r}; {mend}"


def _template_syntax(nodes: Sequence[AnyNode]) -> Iterator[Problem]:
    for node in nodes:
        for field, text in node.templates():
            if error := syntax_error(text):
                yield Problem("template", f"node {node.id}, field {field}", f"the template cannot be read: {error}")


def _templates(graph: Graph, inputs: Sequence[str]) -> Iterator[Problem]:
    by_variable = {variable(name): name for name in graph.nodes}
    for node in graph.nodes.values():
        upstream = graph.upstream(node.id)
        usable = [*inputs, *map(variable, upstream)]
        for field, text in node.templates():
            where = f"node {node.id}, field {field}"
            for name, attribute in sorted(references(text), key=str):
                target = by_variable.get(name)
                if name in inputs:
                    continue
                if target is None:
                    yield Problem("unknown-name", where, _unknown("input or node upstream called", name, usable))
                elif target not in upstream:
                    yield Problem("not-upstream", where, f"{target} is not upstream; add it to needs")
                elif attribute and attribute not in (known := _ALWAYS | graph.nodes[target].field_names()):
                    yield Problem(
                        "unknown-field", where, _unknown(f"field of {target} called", attribute, sorted(known))
                    )


def _contents(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes.values():
        for field, target in node.reads():
            where = f"node {node.id}, field {field}"
            if target not in graph.upstream(node.id):
                yield Problem("not-upstream", where, f"{target} is not upstream; add it to needs")
            elif "text" not in graph.nodes[target].produces_now():
                yield Problem("no-text", where, f"{target} is a {graph.nodes[target].kind} node and has no text")
        if isinstance(node, DeliverNode | ApproveNode) and node.content is None:
            texts = graph.texts_upstream(node.id)
            if len(texts) > 1:
                message = f"both {' and '.join(texts)} could be meant; say which"
                yield Problem("ambiguous", f"node {node.id}, field content", message)
            elif not texts and isinstance(node, DeliverNode):
                message = "nothing upstream has a text to deliver; need a reason node with purpose synthesise"
                yield Problem("no-text", f"node {node.id}, field content", message)


def _queries(nodes: Sequence[AnyNode], inputs: Sequence[str]) -> Iterator[Problem]:
    for node in nodes:
        if not isinstance(node, QueryNode):
            continue
        from tasks.query.guard import parameter_names  # sqlglot is slow to import; many definitions have no SQL

        where = f"node {node.id}, field sql"
        try:
            names = parameter_names(node.sql)
        except QueryRefused as refused:
            yield Problem("sql", where, str(refused))
            continue
        for name in names:
            if name not in node.parameters and name not in inputs:
                yield Problem("unknown-name", where, f":{name} is bound to nothing; add an input {name} or a parameter")
        for name in node.parameters:
            if name not in names:
                yield Problem("unused", f"node {node.id}, field parameters.{name}", f"the SQL has no :{name}")


def _outputs(workflow: Workflow, graph: Graph) -> Iterator[Problem]:
    for name, output in workflow.outputs.items():
        where = f"field outputs.{name}"
        if output.node not in graph.nodes:
            yield Problem("unknown-node", where, _unknown("node", output.node, list(graph.nodes)))
        else:
            yield from _output(where, output, graph.nodes[output.node])


def _output(where: str, output: Output, node: AnyNode) -> Iterator[Problem]:
    made = node.produces_now()
    if output.field is None:
        if "table" not in made:
            yield Problem("output", where, f"{node.id} is a {node.kind} node and has no table; name one of its fields")
        elif output.columns is None:
            yield Problem("output", where, "a table's output says its columns: columns: {name: type}")
        elif isinstance(node, QueryNode):
            yield from _output_columns(where, output.columns, node)
        return
    known = sorted(node.field_names() | ({"text"} if "text" in made else set()))
    if output.field not in known:
        yield Problem("output", where, _unknown(f"field of {node.id} called", output.field, known))
    if output.type is None:
        yield Problem("output", where, "a field's output says its type, such as type: string")


def _output_columns(where: str, columns: Mapping[str, str], node: QueryNode) -> Iterator[Problem]:
    from tasks.query.guard import column_names  # as above

    try:
        given = column_names(node.sql)
    except QueryRefused:
        return  # said by _queries
    for column in columns if given else ():
        if column not in given:
            yield Problem("output", where, _unknown(f"column of {node.id} called", column, given))
