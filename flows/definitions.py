"""Definitions as YAML: read with every problem at once, written with the comments kept."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from io import StringIO
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from blocks.errors import DefinitionRefused, Problem
from flows.checks import problems_of
from flows.workflow import Workflow
from tasks.kinds import AnyNode, kinds, node_type


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
    """The workflow, where the YAML has the shape of one, and every problem that was found."""
    try:
        data = _yaml().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return None, (Problem("yaml", "", f"this is not YAML: {error.problem} (line {line})", line),)
    except YAMLError as error:
        return None, (Problem("yaml", "", f"this is not YAML: {error}"),)
    if not isinstance(data, CommentedMap):
        return None, (Problem("shape", "", "a definition is a mapping with name, nodes and more"),)
    nodes, node_problems = _nodes(data.get("nodes"))
    workflow, problems = _whole(data, nodes)
    problems = [*problems, *node_problems, *problems_of(data, nodes, _raw_ids(data), workflow)]
    return workflow, tuple(problem._replace(line=problem.line or _line(data, problem.path)) for problem in problems)


def dump(workflow: Workflow, original: str = "") -> str:
    """The workflow as YAML; comments and order of `original` are kept where its entries still exist."""
    plain = workflow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    plain["nodes"] = [{"id": node.id, "kind": node.kind, **_fields(node)} for node in workflow.nodes]
    base = _yaml().load(original) if original else CommentedMap()
    _merge(base, plain)
    stream = StringIO()
    _yaml().dump(base, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.width = 120
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _fields(node: AnyNode) -> dict[str, Any]:
    fields = node.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {name: value for name, value in fields.items() if name not in ("id", "kind")}


def _merge(base: CommentedMap, plain: Mapping[str, Any]) -> None:
    """Brings `base` to say what `plain` says, leaving untouched what already does."""
    for gone in [key for key in base if key not in plain]:
        del base[gone]
    for key, value in plain.items():
        old = base.get(key)
        if isinstance(old, CommentedMap) and isinstance(value, Mapping):
            _merge(old, value)
        elif isinstance(old, CommentedSeq) and key == "nodes":
            _merge_nodes(old, value)
        elif old != value:
            base[key] = value


def _merge_nodes(old: CommentedSeq, new: Sequence[Mapping[str, Any]]) -> None:
    if [node.get("id") for node in old] == [node["id"] for node in new]:
        for base, plain in zip(old, new, strict=True):
            _merge(base, plain)
        return
    by_id = {node.get("id"): node for node in old}
    for base, plain in ((by_id.get(node["id"]), node) for node in new):
        if base is not None:
            _merge(base, plain)
    old[:] = [by_id.get(node["id"], CommentedMap(node)) for node in new]


def _nodes(raw: object) -> tuple[list[AnyNode], list[Problem]]:
    """Each node by itself, so that one bad node hides no other."""
    nodes: list[AnyNode] = []
    problems: list[Problem] = []
    for at, item in enumerate(raw if isinstance(raw, list) else []):
        where = f"node {item['id']}" if isinstance(item, Mapping) and item.get("id") else f"node {at + 1}"
        if not isinstance(item, Mapping):
            problems.append(Problem("shape", where, "a node is a mapping with id and kind"))
            continue
        model = node_type(str(item.get("kind")))
        if model is None:
            problems.append(Problem("kind", f"{where}, field kind", _unknown_kind(item.get("kind"))))
            continue
        try:
            nodes.append(model.model_validate(item))
        except ValidationError as error:
            problems.extend(_problems(error, model, where))
    return nodes, problems


def _whole(data: Mapping[str, Any], nodes: Sequence[AnyNode]) -> tuple[Workflow | None, list[Problem]]:
    """The header's problems, and the workflow when neither it nor a node has any."""
    raw = data.get("nodes")
    complete = isinstance(raw, list) and len(raw) == len(nodes)
    try:
        workflow = Workflow.model_validate({**data, "nodes": tuple(nodes) if isinstance(raw, list) else raw})
    except ValidationError as error:
        details = _problems(error, Workflow, "")
        # Nodes that did not parse are reported by themselves.
        return None, details if complete else [p for p in details if p.path != "field nodes" or not raw]
    return (workflow if complete else None), []


def _problems(error: ValidationError, model: type[BaseModel], where: str) -> list[Problem]:
    found = []
    for detail in error.errors(include_url=False):
        place = ".".join(str(part) for part in detail["loc"] if part != "function-before[parse_duration(), timedelta]")
        path = ", ".join(part for part in (where, f"field {place}" if place else "") if part)
        found.append(Problem(detail["type"], path, _message(dict(detail), model)))
    return found


def _message(detail: Mapping[str, Any], model: type[BaseModel]) -> str:
    given = detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            name, known = str(detail["loc"][-1]), list(model.model_fields)
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(known)}"
            return f"there is no such field; {hint}"
        case "missing":
            return "is missing; it must be given"
        case "string_pattern_mismatch" if detail["loc"][-1] in ("id", "name"):
            return f"{given!r} is no name; use lower case letters, digits and single hyphens, such as vendor-spend"
        case "value_error":
            return str(detail["msg"]).removeprefix("Value error, ")
        case _:
            return f"{str(detail['msg'])[:1].lower()}{detail['msg'][1:]}, not {given!r}"


def _unknown_kind(kind: object) -> str:
    if kind is None:
        return f"is missing; choose one of {', '.join(kinds())}"
    near = get_close_matches(str(kind), kinds(), 1)
    return f"there is no kind {kind!r}; " + (f"did you mean {near[0]}?" if near else f"there is {', '.join(kinds())}")


def _raw_ids(data: Mapping[str, Any]) -> list[str]:
    raw = data.get("nodes")
    return [str(item.get("id")) for item in raw if isinstance(item, Mapping)] if isinstance(raw, list) else []


def _line(data: CommentedMap, path: str) -> int:
    """The line of the node or field that a problem's path names, from 1."""
    node, _, field = path.removeprefix("node ").partition(", field ") if path.startswith("node ") else ("", "", path)
    place: Any = data
    if node:
        nodes = data.get("nodes") or []
        place = next((item for item in nodes if isinstance(item, Mapping) and str(item.get("id")) == node), None)
        place = nodes[int(node) - 1] if place is None and node.isdigit() else place
    key = field.removeprefix("field ").split(".")[0].split("[")[0]
    if isinstance(place, CommentedMap):
        try:
            return int(place.lc.key(key)[0]) + 1 if key in place else int(place.lc.line) + 1
        except (KeyError, TypeError):
            return int(place.lc.line) + 1
    return 0
