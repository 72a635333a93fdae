"""Flows decide the order of the work and when a person is asked.

Each shipped workflow is an attribute: `from flows import vendor_performance; vendor_performance(month="2026-10")`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.engine import WorkflowFlow


def __getattr__(attribute: str) -> "WorkflowFlow":
    if attribute.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    from flows import catalog  # imports the definitions' parser, which a caller of one submodule may not need

    flow: WorkflowFlow = getattr(catalog, attribute)
    return flow
