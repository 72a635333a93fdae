"""What can be wrong with the gates of a definition: who is asked, what may be corrected, what has no gate before it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from blocks.errors import DirectoryRefused, Problem
from flows.graph import Graph
from flows.wording import unknown
from tasks.approve.node import ApproveNode
from tasks.kinds import AnyNode
from tasks.node import WritingNode
from tasks.query.node import QueryNode

if TYPE_CHECKING:
    from blocks.people.roster import Roster


def gate_problems(graph: Graph) -> Iterator[Problem]:
    """The problems that the definition alone tells of."""
    for node in graph.nodes.values():
        if isinstance(node, ApproveNode):
            yield from _editable(node, graph)
        # A node upstream that could not be parsed may be the gate.
        if isinstance(node, WritingNode) and {*graph.upstream(node.id)} <= {*graph.nodes}:
            yield from _unconfirmed(node, graph)


def _editable(gate: ApproveNode, graph: Graph) -> Iterator[Problem]:
    for at, name in enumerate(gate.editable):
        target, _, field = name.partition(".")
        if target in graph.upstream(gate.id) and target in graph.nodes:
            node = graph.nodes[target]
            known = sorted(node.field_names() | ({"text"} if "text" in node.produces_now() else set()))
            if field not in known:
                where = f"node {gate.id}, field editable[{at}]"
                yield Problem("unknown-field", where, unknown(f"field of {target} called", field, known))


def _unconfirmed(node: WritingNode, graph: Graph) -> Iterator[Problem]:
    before = (graph.nodes[name] for name in graph.upstream(node.id))
    if node.writes_outside and node.confirm == "gate" and not any(isinstance(each, ApproveNode) for each in before):
        message = (
            "it writes outside and no gate comes before it; need an approve node, "
            "or write confirm: none and because: why nobody need confirm it"
        )
        yield Problem("unconfirmed", f"node {node.id}", message)


def unknown_approvers(nodes: Sequence[AnyNode], roster: "Roster") -> list[Problem]:
    """The approvers that are neither people nor roles of the directory, and gates that have too few."""
    known = [*(person.name for person in roster.people), *roster.roles]
    few = [
        Problem(
            "too-few-approvers",
            f"node {node.id}, field required",
            f"{node.required} people must agree and the approvers are {len(meant)}; name more, or require fewer",
        )
        for node in nodes
        if isinstance(node, ApproveNode) and isinstance(node.required, int)
        for meant in [roster.all_meant_by(node.approvers)]
        if node.required > len(meant) and all(map(roster.meant_by, node.approvers))
    ]
    return few + [
        Problem("unknown-approver", f"node {node.id}, field approvers", unknown("person or role", name, known))
        for node in nodes
        if isinstance(node, ApproveNode | QueryNode)
        for name in node.approvers
        if not roster.meant_by(name)
    ]


async def require_approvers(nodes: Sequence[AnyNode]) -> None:
    """Refuses what would fail at a gate, hours later: an approver who is not in the directory, if one is saved.

    Raises:
        DirectoryRefused: with everybody who is not.
        OperatorError: the directory cannot be used.
    """
    from blocks.people.directory import saved_roster  # imports Prefect, which checking alone must not

    if any(node.waits_for_a_person for node in nodes) and (roster := await saved_roster()) is not None:
        problems = unknown_approvers(nodes, roster)
        if problems:
            raise DirectoryRefused("; ".join(map(str, problems)))
