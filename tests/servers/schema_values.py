"""Values for JSON Schemas in OpenAI's strict subset, for a model that always answers in the right shape."""

from collections.abc import Mapping
from typing import Any

_PLAIN: Mapping[str, Any] = {"integer": 1, "number": 0.9, "boolean": True, "null": None}


def value_for(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None, name: str = "value") -> Any:
    """The plainest value that satisfies the schema: the first of an enum or of several types, text that names itself.

    Raises:
        ValueError: the schema is outside of the strict subset, or uses what this page does not know.
    """
    root = root or schema
    match schema:
        case {"$ref": str(place)}:
            return value_for(root["$defs"][place.removeprefix("#/$defs/")], root, name)
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"anyOf": [first, *_]}:
            return value_for(first, root, name)
        case {"type": "object"}:
            return _object(schema, root, name)
        case {"type": "array", "items": items}:
            return [value_for(items, root, name)]
        case {"type": "string"}:
            return "2026-10-31" if schema.get("format") == "date" else f"The {name} as the loopback model sees it."
        case {"type": str(kind)} if kind in _PLAIN:
            return _PLAIN[kind]
        case _:
            raise ValueError(f"{name!r} has no known type")


def _object(schema: Mapping[str, Any], root: Mapping[str, Any], name: str) -> dict[str, Any]:
    properties = schema.get("properties", {})
    if schema.get("additionalProperties") is not False:
        raise ValueError(f"'additionalProperties' of {name!r} is required to be supplied and to be false")
    if set(schema.get("required", ())) != set(properties):
        raise ValueError(f"'required' of {name!r} is required to name every property")
    return {each: value_for(inner, root, each) for each, inner in properties.items()}
