"""The graph of a definition, decided in plain functions: who is upstream, what a node reads, what is skipped."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from tasks.kinds import AnyNode
from tasks.templates import references, variable


class Graph:
    """Edges and reachability of nodes; unknown names in `needs` are ignored, for checks.py reports them."""

    def __init__(self, nodes: Sequence[AnyNode]) -> None:
        self.nodes: Mapping[str, AnyNode] = {node.id: node for node in nodes}

    def needs(self, node_id: str) -> tuple[str, ...]:
        """The known nodes that must be over before this one."""
        return tuple(need for need in self.nodes[node_id].needs if need in self.nodes)

    @cached_property
    def cycle(self) -> tuple[str, ...]:
        """One cycle, first node repeated at its end; empty where there is none."""
        try:
            TopologicalSorter({name: self.needs(name) for name in self.nodes}).prepare()
        except CycleError as error:
            return tuple(reversed(error.args[1]))
        return ()

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The nodes so that each comes after what it needs; only for a graph without a cycle."""
        return tuple(TopologicalSorter({name: self.needs(name) for name in self.nodes}).static_order())

    def upstream(self, node_id: str) -> tuple[str, ...]:
        """Every node that this one needs, directly or not; nearest first."""
        seen: dict[str, None] = {}
        level: Iterable[str] = self.needs(node_id)
        while level := [name for name in level if name not in seen]:
            seen.update(dict.fromkeys(level))
            level = [need for name in level for need in self.needs(name)]
        seen.pop(node_id, None)  # only in a cycle
        return tuple(seen)

    def texts_upstream(self, node_id: str) -> tuple[str, ...]:
        """The nearest nodes upstream that produce a text: all those at the same distance."""
        level, seen = set(self.needs(node_id)), set[str]()
        while level:
            texts = [name for name in self.nodes if name in level and "text" in self.nodes[name].produces_now()]
            if texts:
                return tuple(texts)
            seen |= level
            level = {need for name in level for need in self.needs(name)} - seen
        return ()

    def uses(self, node_id: str) -> tuple[str, ...]:
        """The nodes whose outcomes this node reads: its needs, and those that its fields and templates name."""
        node = self.nodes[node_id]
        named = {reference.name for _, text in node.templates() for reference in references(text)}
        read = {target for _, target in node.reads()}
        return tuple(
            name for name in self.upstream(node_id) if name in node.needs or name in read or variable(name) in named
        )


def mermaid(nodes: Sequence[AnyNode]) -> str:
    """The graph as a Mermaid flowchart, one line per node and edge; gates are drawn as diamonds."""
    lines = ["flowchart TD"]
    for node in nodes:
        label = f"{node.id}<br/>{node.kind}"
        lines.append(f'    {node.id}{{"{label}"}}' if node.kind == "approve" else f'    {node.id}["{label}"]')
    for node in nodes:
        arrow = "-. when .->" if node.when else "-->"
        lines.extend(f"    {need} {arrow} {node.id}" for need in node.needs)
    return "\n".join(lines) + "\n"
