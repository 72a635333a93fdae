"""Flows decide the order of the work and when a person is asked.

Each shipped workflow is an attribute: `from flows import vendor_performance; vendor_performance(month="2026-10")`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.engine import WorkflowFlow


def __getattr__(attribute: str) -> "WorkflowFlow":
    if attribute.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    # Not `from flows import catalog`, which would ask this very function for it.
    catalog = import_module("flows.catalog")
    flow: WorkflowFlow = getattr(catalog, attribute)
    return flow
