"""A definition's YAML text with some of it changed: what stays the same keeps its words, its order and its comments."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.scalarstring import LiteralScalarString


class _Constructor(RoundTripConstructor):
    """Leaves dates as the text that they are: a definition's types say what is a date."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", RoundTripConstructor.construct_yaml_str)


def yaml() -> YAML:
    """The reader and writer of definitions: comments are kept, and no tag makes an object."""
    yaml = YAML(typ="rt")
    yaml.Constructor = _Constructor
    yaml.width = 120
    yaml.preserve_quotes = True
    yaml.brace_single_entry_mapping_in_flow_sequence = True  # [{documents: a.md}], not [documents: a.md]
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def written(data: Mapping[str, Any]) -> str:
    """The data as YAML: lists of plain values in one line, texts of several lines as blocks."""
    stream = StringIO()
    yaml().dump(_styled(data), stream)
    return stream.getvalue()


def rewritten(original: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The original text, changed in the places where `after` differs from `before`, which is what it says."""
    base = yaml().load(original)
    ids = [node["id"] for node in after["nodes"]]
    if ids != [node["id"] for node in before["nodes"]]:
        base = yaml().load(_with_nodes(original, base, {node["id"]: node for node in after["nodes"]}))
    _merge(base, before, after)
    by_id = {node["id"]: node for node in before["nodes"]}
    for old, node in zip(base["nodes"], after["nodes"], strict=True):
        _merge(old, by_id.get(node["id"], node), node)
    stream = StringIO()
    yaml().dump(base, stream)
    return stream.getvalue()


def _merge(base: CommentedMap, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Brings `base` to say what `after` says; what is equal to `before` is not touched, however it is written."""
    for gone in [key for key in before if key not in after and key in base]:
        del base[gone]
    for key, value in after.items():
        old, said = base.get(key), before.get(key)
        if key == "nodes" or (key in base and key in before and said == value):
            continue
        if isinstance(old, CommentedMap) and isinstance(said, Mapping) and isinstance(value, Mapping):
            _merge(old, said, value)
        else:
            base[key] = _styled(value)


def _with_nodes(original: str, base: CommentedMap, nodes: Mapping[str, Mapping[str, Any]]) -> str:
    """The text with these nodes in this order; each takes the comments above it along."""
    lines = original.splitlines(keepends=True)
    lines[-1] = lines[-1].rstrip("\n") + "\n"
    entries: CommentedSeq = base["nodes"]
    starts = [entries.lc.item(at)[0] for at in range(len(entries))]
    indent = len(lines[starts[0]]) - len(lines[starts[0]].lstrip())
    following = [base.lc.key(key)[0] for key in base if base.lc.key(key)[0] > starts[-1]]
    begins = [_first_comment(lines, start, indent) for start in starts]
    begins[0] = base.lc.key("nodes")[0] + 1
    end = _first_comment(lines, min(following), 0) if following else len(lines)
    blocks = {
        entry["id"]: "".join(lines[start:stop])
        for entry, start, stop in zip(entries, begins, [*begins[1:], end], strict=True)
    }
    texts = [blocks[name] if name in blocks else _block(node, indent) for name, node in nodes.items()]
    return "".join([*lines[: begins[0]], *texts, *lines[end:]])


def _first_comment(lines: Sequence[str], start: int, indent: int) -> int:
    """The line where the comments directly above `start` begin; deeper ones belong to what is above them."""
    while start and lines[start - 1].startswith(" " * indent + "#"):
        start -= 1
    return start


def _block(node: Mapping[str, Any], indent: int) -> str:
    first, *rest = written(node).splitlines(keepends=True)
    return " " * indent + "- " + first + "".join(" " * (indent + 2) + line if line.strip() else line for line in rest)


def _styled(value: Any) -> Any:
    if isinstance(value, str) and "\n" in value:
        return LiteralScalarString(value)
    if isinstance(value, Mapping):
        return CommentedMap({key: _styled(item) for key, item in value.items()})
    if isinstance(value, list):
        entries = CommentedSeq([_styled(item) for item in value])
        if not any(isinstance(item, list | Mapping | LiteralScalarString) for item in entries):
            entries.fa.set_flow_style()
        return entries
    return value
