"""Workflows by name: `flows.catalog.vendor_performance` is the Prefect flow of the shipped definition of that name.

A dotted entrypoint loads this module once, under its real name; Prefect's path entrypoints would load it a second time
(measured on 3.8.8).
"""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from blocks.errors import WorkflowUnknown
from flows.definitions import load
from flows.workflow import Workflow

if TYPE_CHECKING:
    from flows.engine import WorkflowFlow

_SHIPPED = files("flows.shipped")


@cache
def names() -> tuple[str, ...]:
    """The names of the shipped workflows."""
    return tuple(sorted(f.name.removesuffix(".yaml") for f in _SHIPPED.iterdir() if f.name.endswith(".yaml")))


def definition_text(name: str) -> str:
    """The YAML of a shipped workflow.

    Raises:
        WorkflowUnknown: there is none of that name.
    """
    if name not in names():
        raise WorkflowUnknown(
            f"there is no workflow {name!r}", mend=f"choose one of {', '.join(names())}, or name a file"
        )
    return _SHIPPED.joinpath(f"{name}.yaml").read_text(encoding="utf-8")


@cache
def definition(name: str) -> Workflow:
    """The shipped workflow of that name."""
    return load(definition_text(name), name)


@cache
def shipped_flow(name: str) -> "WorkflowFlow":
    """The Prefect flow of a shipped workflow."""
    from flows.engine import build  # Prefect takes over a second to import; listing names must not

    return build(definition(name))


def __getattr__(attribute: str) -> "WorkflowFlow":
    name = attribute.replace("_", "-")
    if attribute.startswith("_") or name not in names():
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    return shipped_flow(name)
