"""The graph of a definition, decided in plain functions: who is upstream, what a node reads, what is skipped."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from tasks.kinds import AnyNode
from tasks.templates import references, variable

_MERMAID_WORDS = {"call", "class", "click", "end", "flowchart", "graph", "href", "interpolate", "style", "subgraph"}
"""Mermaid reads these as its own words, also before a hyphen (checked 2026-11 on Mermaid 11)."""


class Graph:
    """Edges and reachability of nodes; unknown names in `needs` are ignored, for checks.py reports them.

    `unread` has the needs of nodes that could not be parsed, by id: they are in the edges, and not in `nodes`.
    Of nodes that share an id the first counts.
    """

    def __init__(self, nodes: Sequence[AnyNode], unread: Mapping[str, Sequence[str]] | None = None) -> None:
        self.nodes: dict[str, AnyNode] = {}
        for node in nodes:
            self.nodes.setdefault(node.id, node)
        parsed = {name: node.needs for name, node in self.nodes.items()}
        self.edges: Mapping[str, Sequence[str]] = {**parsed, **(unread or {}), **parsed}
        """What each node needs, as it was written."""

    def needs(self, node_id: str) -> tuple[str, ...]:
        """The known nodes that must be over before this one."""
        return tuple(dict.fromkeys(need for need in self.edges[node_id] if need in self.edges))

    @cached_property
    def cycle(self) -> tuple[str, ...]:
        """One cycle, each node before one that it needs, the first again at the end; empty where there is none."""
        try:
            TopologicalSorter({name: self.needs(name) for name in self.edges}).prepare()
        except CycleError as error:
            return tuple(reversed(error.args[1]))
        return ()

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The nodes so that each comes after what it needs; only for a graph without a cycle."""
        return tuple(TopologicalSorter({name: self.needs(name) for name in self.nodes}).static_order())

    @property
    def cycles(self) -> Iterator[tuple[str, ...]]:
        """Cycles that share no node, until every cycle has a node in one of them."""
        rest, cycle = self, self.cycle
        while cycle:
            yield cycle
            left = {name: needs for name, needs in rest.edges.items() if name not in cycle}
            rest = Graph([node for name, node in rest.nodes.items() if name in left], left)
            cycle = rest.cycle

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
        if not named and not read:
            return self.needs(node_id)
        return tuple(
            name for name in self.upstream(node_id) if name in node.needs or name in read or variable(name) in named
        )


def mermaid(nodes: Sequence[AnyNode]) -> str:
    """The graph as a Mermaid flowchart, one line per node and edge; gates are drawn as diamonds."""
    lines = ["flowchart TD"]
    for node in nodes:
        name, label = _mermaid_id(node.id), f"{node.id}<br/>{node.kind}"
        lines.append(f'    {name}{{"{label}"}}' if node.kind == "approve" else f'    {name}["{label}"]')
    for node in nodes:
        arrow = "-. when .->" if node.when else "-->"
        lines.extend(f"    {_mermaid_id(need)} {arrow} {_mermaid_id(node.id)}" for need in node.needs)
    return "\n".join(lines) + "\n"


def _mermaid_id(node_id: str) -> str:
    # No id of ours has an underscore, so this one is free.
    return f"node_{node_id}" if node_id.partition("-")[0] in _MERMAID_WORDS else node_id
