"""Everything that can be wrong with a definition beyond the shape of its parts; all of it is said at once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from blocks.errors import Problem, QueryRefused
from flows.gate_checks import gate_problems
from flows.graph import Graph
from flows.wording import nearest, unknown
from flows.workflow import Output
from tasks.approve.node import ApproveNode
from tasks.deliver.node import DeliverNode
from tasks.kinds import AnyNode
from tasks.query.node import QueryNode
from tasks.templates import can_name, references, syntax_error, variable

_ALWAYS = frozenset({"text", "rows", "gaps"})
"""What a template may ask of any node."""
_RESERVED = "templates keep this word for themselves; choose another"


def problems_of(
    data: Mapping[str, Any], nodes: Sequence[AnyNode], unread: Mapping[str, Sequence[str]], ids: Sequence[str]
) -> list[Problem]:
    """The problems between the parts: names, edges, templates, SQL, outputs.

    `nodes` are those that could be parsed, `unread` the needs of the others by id, `ids` all that were written.
    """
    raw_inputs = data.get("inputs", {})
    # None: nobody can say which names are unknown.
    inputs = [name for name in raw_inputs if isinstance(name, str)] if isinstance(raw_inputs, Mapping) else None
    graph = Graph(nodes, unread)
    return [
        *_names(ids, inputs or ()),
        *_edges(graph),
        *_template_syntax(nodes),
        *_templates(graph, inputs),
        *_contents(graph),
        *_queries(nodes, inputs),
        *gate_problems(graph),
        *_outputs(data.get("outputs") if ids else None, graph),
    ]


def _names(ids: Sequence[str], inputs: Sequence[str]) -> Iterator[Problem]:
    for name, count in Counter(map(variable, ids)).items():
        same = sorted({i for i in ids if variable(i) == name})
        if count > 1:
            message = f"{count} nodes are called {' and '.join(same)}; rename all but one"
            yield Problem("duplicate", f"node {same[0]}, field id", message)
        if name in inputs:
            yield Problem("duplicate", f"field inputs.{name}", f"node {same[0]} has this name too; rename one of them")
        if not can_name(name) and name.isidentifier():
            yield Problem("reserved", f"node {same[0]}, field id", _RESERVED)
    for name in inputs:
        if not can_name(name) and name.isidentifier():
            yield Problem("reserved", f"field inputs.{name}", _RESERVED)


def _edges(graph: Graph) -> Iterator[Problem]:
    for name, needs in graph.edges.items():
        others = [other for other in graph.edges if other != name]
        for need in needs:
            if need not in graph.edges:
                yield Problem("unknown-node", f"node {name}, field needs", unknown("node", need, others))
    for cycle in graph.cycles:
        where = f"node {cycle[0]}, field needs"
        if len(cycle) == 2:
            yield Problem("cycle", where, "it needs itself; remove that")
        else:
            message = f"it can never start, because it waits for itself: {' needs '.join(cycle)}; remove one of these"
            yield Problem("cycle", where, message)


def _template_syntax(nodes: Sequence[AnyNode]) -> Iterator[Problem]:
    for node in nodes:
        for field, text in node.templates():
            if error := syntax_error(text):
                mend = "; write one condition, as in risk.label != 'low'" if field == "when" else ""
                message = f"the template cannot be read: {error}{mend}"
                yield Problem("template", f"node {node.id}, field {field}", message)


def _templates(graph: Graph, inputs: Sequence[str] | None) -> Iterator[Problem]:
    by_variable = {variable(name): name for name in graph.edges}
    for node in graph.nodes.values():
        for field, text in node.templates():
            where = f"node {node.id}, field {field}"
            for name, attribute in sorted(references(text), key=str) if not syntax_error(text) else ():
                target = by_variable.get(name)
                if name in (inputs or ()):
                    continue
                if target is not None:
                    yield from _template_reads(graph, node, where, target, attribute)
                elif inputs is not None:
                    usable = [*inputs, *map(variable, graph.upstream(node.id))]
                    yield Problem("unknown-name", where, unknown("input or node upstream called", name, usable))


def _template_reads(graph: Graph, node: AnyNode, where: str, target: str, attribute: str | None) -> Iterator[Problem]:
    if target not in graph.upstream(node.id):
        yield Problem("not-upstream", where, _not_upstream(graph, node.id, target))
    elif attribute and target in graph.nodes:
        known = sorted(_ALWAYS | graph.nodes[target].field_names())
        if attribute not in known:
            yield Problem("unknown-field", where, unknown(f"field of {target} called", attribute, known))


def _not_upstream(graph: Graph, name: str, target: str) -> str:
    if target == name:
        return "a node cannot read its own result; name an input, or a node upstream"
    if name in graph.upstream(target):
        return f"{target} runs after this node; name an input, or a node upstream"
    return f"{target} is not upstream; add it to needs"


def _contents(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes.values():
        upstream = graph.upstream(node.id)
        for field, target in node.reads():
            where = f"node {node.id}, field {field}"
            if target not in graph.edges:
                yield Problem("unknown-node", where, unknown("node", target, upstream))
            elif target not in upstream:
                yield Problem("not-upstream", where, _not_upstream(graph, node.id, target))
            elif field == "content" and target in graph.nodes and "text" not in graph.nodes[target].produces_now():
                message = f"{target} is of kind {graph.nodes[target].kind} and has no text; name one that has"
                yield Problem("no-text", where, message)
        # A node upstream that could not be parsed may be the one with the text.
        if isinstance(node, DeliverNode | ApproveNode) and node.content is None and {*upstream} <= {*graph.nodes}:
            texts = graph.texts_upstream(node.id)
            where = f"node {node.id}, field content"
            if len(texts) > 1:
                message = f"{' and '.join(texts)} could each be meant; say which, as in content: {texts[0]}"
                yield Problem("ambiguous", where, message)
            elif not texts and isinstance(node, DeliverNode):
                message = "nothing upstream has a text to deliver; need a reason node with purpose: synthesise"
                yield Problem("no-text", where, message)


def _queries(nodes: Sequence[AnyNode], inputs: Sequence[str] | None) -> Iterator[Problem]:
    for node in nodes:
        if not isinstance(node, QueryNode) or node.sql is None:
            continue
        from tasks.sql.guard import column_names, parameter_names  # sqlglot is slow to import; many have no SQL

        where = f"node {node.id}, field sql"
        try:
            names, columns = parameter_names(node.sql), column_names(node.sql)
        except QueryRefused as refused:
            yield Problem("sql", where, str(refused))
            continue
        for name in names:
            if name not in node.parameters and inputs is not None and name not in inputs:
                yield Problem("unknown-name", where, _unbound(name, inputs))
        for name in node.parameters:
            if name not in names:
                message = f"the SQL has no :{name}; use it there, or remove this"
                yield Problem("unused", f"node {node.id}, field parameters.{name}", message)
        for name in sorted({name for name in columns if columns.count(name) > 1}):
            yield Problem("sql", where, f"it gives two columns called {name}; name each with AS")


def _unbound(name: str, inputs: Sequence[str]) -> str:
    near = nearest(name, inputs)
    mend = f"did you mean :{near[0]}?" if near else f"add an input {name}, or parameters: {{{name}: ...}}"
    return f":{name} is bound to nothing; {mend}"


def _outputs(raw: object, graph: Graph) -> Iterator[Problem]:
    """Checks each entry that can be read by itself; the others are said by the header."""
    for name, entry in raw.items() if isinstance(raw, Mapping) else ():
        where = f"field outputs.{name}"
        try:
            output = Output.model_validate(entry)
        except ValidationError:
            continue
        if output.node not in graph.edges:
            yield Problem("unknown-node", where, unknown("node", output.node, list(graph.edges)))
        elif output.node in graph.nodes:
            yield from _output(where, output, graph.nodes[output.node])


def _output(where: str, output: Output, node: AnyNode) -> Iterator[Problem]:
    made = node.produces_now()
    known = sorted(node.field_names() | ({"text"} if "text" in made else set()))
    if output.field is None:
        if "table" not in made:
            mend = f"name one of its fields, as in from: {node.id}.{known[0]}"
            yield Problem("output", where, f"{node.id} is of kind {node.kind} and has no table; {mend}")
        elif not output.columns or output.type is not None:
            yield Problem("output", where, "a table's output says its columns and no type: columns: {name: type}")
        elif isinstance(node, QueryNode) and node.sql is not None:
            yield from _output_columns(where, output.columns, node.id, node.sql)
    elif not known:
        mend = f"write from: {node.id}, and its columns"
        yield Problem("output", where, f"{node.id} is of kind {node.kind} and has a table, not fields; {mend}")
    elif output.field not in known:
        yield Problem("output", where, unknown(f"field of {node.id} called", output.field, known))
    elif output.type is None or output.columns is not None:
        yield Problem("output", where, "a field's output says its type and no columns, as in type: string")
    elif output.field == "text" and output.type != "string":
        yield Problem("output", where, f"a text is of type string, not {output.type}")


def _output_columns(where: str, columns: Mapping[str, str], node: str, sql: str) -> Iterator[Problem]:
    from tasks.sql.guard import column_names, unnamed_columns  # as above

    try:
        given, unnamed = column_names(sql), unnamed_columns(sql)
    except QueryRefused:
        return  # said by _queries
    # Databases differ in how they spell a name that is not in quotes.
    known = {name.lower() for name in given}
    for column in columns if given or unnamed else ():
        if column.lower() not in known:
            hint = "; a column that is computed has no name until AS gives it one" if unnamed else ""
            yield Problem("output", where, unknown(f"column of {node} called", column, given) + hint)
