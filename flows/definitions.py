"""Definitions as YAML: read with every problem at once, written with the comments kept."""

import re
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from blocks.errors import DefinitionRefused, Problem
from flows.checks import problems_of
from flows.rewriting import rewritten, written, yaml
from flows.wording import problems_in, shown, unknown
from flows.workflow import Workflow
from tasks.kinds import AnyNode, kinds, node_type

_APART = {"when", "retry", "timeout", "on_failure"}
"""Fields that no other check looks at: without a bad one of these, the rest of its node is still checked."""


def load(text: str, name: str) -> Workflow:
    """The workflow that the YAML defines.

    Raises:
        DefinitionRefused: it has problems; `problems` holds all of them. `name` says whose they are.
    """
    workflow, problems = inspect(text)
    if workflow is None or problems:
        raise DefinitionRefused.because(name, problems)
    return workflow


def inspect(text: str) -> tuple[Workflow | None, tuple[Problem, ...]]:
    """The workflow, where the YAML has the shape of one, and every problem that was found, by line."""
    data = _read(text)
    if isinstance(data, Problem):
        return None, (data,)
    nodes, unread, node_problems = _nodes(data.get("nodes"))
    workflow, problems = _whole(data, nodes)
    if node_problems:
        workflow = None
    problems = [*problems, *node_problems, *problems_of(data, nodes, unread, _written_ids(data))]
    placed = [problem._replace(line=_line(data, problem.path)) for problem in problems]
    return workflow, tuple(sorted(placed, key=attrgetter("line")))


def dump(workflow: Workflow, original: str = "") -> str:
    """The workflow as YAML; where `original` is given, with its comments, and its words for what is the same."""
    plain = _plain(workflow)
    before = inspect(original)[0] if original else None
    if before is not None:
        text = rewritten(original, _plain(before), plain)
        # An anchor or a merge key in the original can make a change reach further than it should.
        if inspect(text)[0] == workflow:
            return text
    return written(plain)


def _plain(workflow: Workflow) -> dict[str, Any]:
    plain = workflow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    plain["nodes"] = [{"id": node.id, "kind": node.kind, **_fields(node)} for node in workflow.nodes]
    return plain


def _fields(node: AnyNode) -> dict[str, Any]:
    fields = node.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {name: value for name, value in fields.items() if name not in ("id", "kind")}


def _read(text: str) -> CommentedMap | Problem:
    try:
        data = yaml().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problem = str(error.problem)
        reason = f"{error.context}, {problem}" if problem.startswith("but ") else problem
        hint = "; indent with spaces, not tabs" if "'\\t'" in problem else ""
        return Problem("yaml", "", f"this is not YAML: {reason}{hint}", line)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return Problem("yaml", "", f"this is not YAML: character {error.character!r} is not allowed", line)
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # Ruamel leaves tags on values that they do not fit, such as !!int on a word, to Python.
        what, _, _ = str(error).partition("\n")
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else f"a value cannot be read: {what}"
        return Problem("yaml", "", f"this is not YAML: {reason}")
    if not isinstance(data, CommentedMap):
        given = "the file is empty" if data is None else f"this is {shown(data)}"
        return Problem("shape", "", f"{given}; a definition is a mapping with name: and nodes:")
    return data


def _nodes(raw: object) -> tuple[list[AnyNode], dict[str, list[str]], list[Problem]]:
    """Each node by itself, so that one bad node hides no other; and what is known of the needs of the bad ones."""
    nodes: list[AnyNode] = []
    unread: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for at, item in enumerate(raw if isinstance(raw, list) else []):
        if not isinstance(item, Mapping):
            message = f"a node is a mapping with id: and kind:, not {shown(item)}"
            problems.append(Problem("shape", f"node {at + 1}", message))
            continue
        name = item.get("id")
        where = f"node {name}" if isinstance(name, str) and name else f"node {at + 1}"
        node, wrong = _node(item, where)
        problems += wrong
        if node is not None:
            nodes.append(node)
        elif isinstance(name, str) and name:
            unread.setdefault(name, _written_needs(item))
    return nodes, unread, problems


def _node(item: Mapping[str, Any], where: str) -> tuple[AnyNode | None, list[Problem]]:
    """The node, where what is wrong with it lets the rest be checked, and what is wrong."""
    kind = item.get("kind")
    model = node_type(kind) if isinstance(kind, str) else None
    if model is None:
        choices = ", ".join(kinds())
        message = "is missing; choose one of " + choices if kind is None else f"must be {choices}, not {shown(kind)}"
        if isinstance(kind, str):
            message = unknown("kind", kind, kinds())
        return None, [Problem("kind", f"{where}, field kind", message)]
    try:
        return model.model_validate(item), []
    except ValidationError as error:
        problems = problems_in(error, model, where)
        wrong = {detail["loc"][0] for detail in error.errors() if detail["loc"]}
    if wrong <= _APART:
        return model.model_validate({name: value for name, value in item.items() if name not in wrong}), problems
    return None, problems


def _whole(data: Mapping[str, Any], nodes: Sequence[AnyNode]) -> tuple[Workflow | None, list[Problem]]:
    """The workflow of these nodes, and the header's problems where there are any."""
    raw = data.get("nodes")
    problems = []
    if "nodes" in data and not (isinstance(raw, list) and raw):
        problems.append(Problem("nodes", "field nodes", f"must be a list of nodes, not {shown(raw)}"))
    header = {**data, "nodes": tuple(nodes)} if "nodes" in data else data
    try:
        workflow = Workflow.model_validate(header)
    except ValidationError as error:
        details = problems_in(error, Workflow)
        # What is wrong with the nodes is said above, and by each of them.
        return None, [*problems, *(p for p in details if p.path != "field nodes" or p.code == "missing")]
    return workflow, problems


def _written_ids(data: Mapping[str, Any]) -> list[str]:
    raw = data.get("nodes")
    ids = [item.get("id") for item in raw if isinstance(item, Mapping)] if isinstance(raw, list) else []
    return [name for name in ids if isinstance(name, str) and name]


def _written_needs(item: Mapping[str, Any]) -> list[str]:
    needs = item.get("needs")
    if isinstance(needs, str):
        return [needs]
    names = needs if isinstance(needs, list | Mapping) else ()
    return [name for name in names if isinstance(name, str) and re.fullmatch(r"[a-z0-9-]+", name)]


def _line(data: CommentedMap, path: str) -> int:
    """The line, from 1, of what a problem's path names, or of the nearest thing around it."""
    node, _, field = path.partition("field ")
    name = node.removeprefix("node ").removesuffix(", ")
    place: Any = data
    line = int(data.lc.line) + 1
    keys: list[str | int] = list(re.findall(r"[^.\[\]]+", field))
    if name:
        keys = ["nodes", _position(data["nodes"], name, field), *keys]
    for key in keys:
        try:
            if isinstance(place, CommentedSeq) or key not in place:
                key = int(key)
            at = place.lc.item(key) if isinstance(place, CommentedSeq) else place.lc.key(key)
            place, line = place[key], int(at[0]) + 1
        except (LookupError, TypeError, ValueError, AttributeError):
            break
    return line


def _position(nodes: Sequence[Any], name: str, field: str) -> int:
    """Where the node is in the list; of two with one id it is the later one whose id is wrong."""
    places = [at for at, item in enumerate(nodes) if isinstance(item, Mapping) and item.get("id") == name]
    if places:
        return places[-1] if field == "id" else places[0]
    return int(name) - 1
