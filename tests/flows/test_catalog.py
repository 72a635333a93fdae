"""The shipped workflows, found by name and as attributes."""

import subprocess
import sys
from importlib import import_module

import pytest
from prefect import Flow

import flows
import flows.catalog as catalog
from blocks.errors import WorkflowUnknown
from flows.definitions import dump, inspect, load
from tasks.kinds import functions_missing


@pytest.mark.parametrize("name", catalog.names())
def test_a_shipped_definition_is_sound(name: str) -> None:
    workflow, problems = inspect(catalog.definition_text(name))

    assert problems == ()
    assert workflow is not None
    assert workflow.name == name
    assert workflow.description
    assert workflow.owner
    assert functions_missing(workflow.nodes) == []


@pytest.mark.parametrize("name", catalog.names())
def test_a_shipped_definition_survives_being_written(name: str) -> None:
    text, workflow = catalog.definition_text(name), catalog.definition(name)

    assert load(dump(workflow), name) == workflow
    assert dump(workflow, text) == text


@pytest.mark.parametrize("name", catalog.names())
def test_a_shipped_workflow_is_a_flow_under_its_dotted_name(name: str) -> None:
    flow = getattr(import_module("flows.catalog"), name.replace("-", "_"))

    assert isinstance(flow, Flow)
    assert flow.name == name


def test_a_shipped_workflow_is_imported_like_any_other_flow() -> None:
    from flows import vendor_performance

    assert isinstance(vendor_performance, Flow)
    assert vendor_performance is catalog.vendor_performance


def test_an_unknown_workflow_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        WorkflowUnknown, match=r"there is no workflow 'vendor-perf'; choose one of .*vendor-performance"
    ):
        catalog.definition_text("vendor-perf")


@pytest.mark.parametrize("module", [flows, catalog])
@pytest.mark.parametrize("attribute", ["vendor_perf", "__wrapped__", "_private"])
def test_an_unknown_attribute_is_missing_as_in_any_module(module: object, attribute: str) -> None:
    assert not hasattr(module, attribute)


@pytest.mark.parametrize("name", ["vendor_performance", "catalog", "graph"])
def test_a_fresh_interpreter_imports_a_workflow_or_a_module_from_flows(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"from flows import {name}"], capture_output=True, check=False)

    assert done.returncode == 0
