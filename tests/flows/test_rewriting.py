"""A definition written back: the same workflow, and what nobody changed as it was written."""

from datetime import timedelta
from difflib import ndiff
from typing import Any

import pytest

from flows.definitions import dump, load
from flows.workflow import Workflow
from tasks.kinds import AnyNode, kinds
from tests.flows.sound import SOUND


def sound() -> Workflow:
    return load(SOUND, "sound")


def edited(node_id: str, **fields: Any) -> Workflow:
    """The sound workflow with these fields of one node changed."""
    nodes = [node.model_copy(update=fields) if node.id == node_id else node for node in sound().nodes]
    return with_nodes(*nodes)


def with_nodes(*nodes: AnyNode) -> Workflow:
    return Workflow.model_validate({**dict(sound()), "nodes": nodes})


def difference(text: str) -> list[str]:
    """The lines that the text has not in common with the sound definition."""
    return [line for line in ndiff(SOUND.splitlines(), text.splitlines()) if line[0] in "+-"]


def test_a_workflow_of_every_kind_survives_being_written_and_read() -> None:
    tickets = "  - {id: tickets, kind: request, service: jira, get: /search, params: {jql: project = SUP}}\n"
    every = load(SOUND.replace("outputs:\n", f"{tickets}outputs:\n"), "sound")

    assert {node.kind for node in every.nodes} == set(kinds())
    assert load(dump(every), "again") == every


def test_a_workflow_without_an_original_is_written_to_be_read() -> None:
    text = dump(sound())

    assert "    timeout: 1m30s\n" in text
    assert "    needs: [ranked, contracts]\n" in text
    assert "    sql: |\n      SELECT vendor, SUM(amount) AS total\n      FROM invoices" in text


def test_an_unchanged_workflow_is_its_original_to_the_letter() -> None:
    assert dump(sound(), SOUND) == SOUND


def test_what_the_author_wrote_in_his_own_way_stays_when_another_node_changes() -> None:
    text = dump(edited("report", instructions="Be brief."), SOUND)

    assert difference(text) == ["+     instructions: Be brief."]


@pytest.mark.parametrize(
    ("seconds", "written"), [(30, "30s"), (7200, "2h"), (14_400, "4h"), (5400, "1h30m"), (0.25, "250ms")]
)
def test_a_changed_duration_is_written_with_its_units(seconds: float, written: str) -> None:
    text = dump(edited("spend", timeout=timedelta(seconds=seconds)), SOUND)

    assert difference(text) == ["-     timeout: 90s", f"+     timeout: {written}"]


def test_a_field_that_is_back_at_its_default_is_taken_out() -> None:
    text = dump(edited("spend", timeout=None), SOUND)

    assert difference(text) == ["-     timeout: 90s"]


def test_a_default_that_the_author_wrote_out_stays() -> None:
    original = SOUND.replace("owner:", "team: default\nowner:").replace("timeout: 90s", "max_rows: 50000")

    assert dump(load(original, "explicit"), original) == original


def test_a_node_that_goes_takes_its_own_comment_and_no_other() -> None:
    risk = {"needs": ("report",), "when": None}
    nodes = [node for node in edited("sign-off", **risk).nodes if node.id not in ("ranked", "contracts", "risk")]
    nodes = [node.model_copy(update={"needs": ("spend",)}) if node.id == "report" else node for node in nodes]
    workflow = with_nodes(*nodes).model_copy(update={"outputs": {}})

    text = dump(workflow, SOUND)

    assert load(text, "shorter") == workflow
    assert "# What the ledger says." in text
    assert "# How bad it is." not in text
    assert "# who answers for it" in text


def test_a_node_that_comes_disturbs_no_other() -> None:
    nodes = list(sound().nodes)
    added = nodes[0].model_copy(update={"id": "last-year", "sql": "SELECT 1 AS one\nFROM invoices\n", "timeout": None})

    text = dump(with_nodes(nodes[0], added, *nodes[1:]), SOUND)

    assert difference(text) == [
        "+   - id: last-year",
        "+     kind: query",
        "+     source: finance",
        "+     sql: |",
        "+       SELECT 1 AS one",
        "+       FROM invoices",
    ]


def test_a_node_that_moves_takes_its_comment_along() -> None:
    first, *others = sound().nodes

    text = dump(with_nodes(*others, first), SOUND)

    assert load(text, "moved").nodes == (*others, first)
    assert text.index("# What the ledger says.") == text.index("  - id: spend") - len("# What the ledger says.\n")
    assert text.index("# How bad it is.") < text.index("  - id: risk") < text.index("# What the ledger says.")


def test_an_anchor_does_not_carry_a_change_to_where_it_was_not_made() -> None:
    original = SOUND.replace('function: "company.spend:ranked"}', 'function: "company.spend:ranked", when: &c month}')
    original = original.replace("when: \"{{ risk.label != 'low' }}\"", "when: *c")
    workflow = load(original, "anchored")
    nodes = [node.model_copy(update={"when": "limit"}) if node.id == "ranked" else node for node in workflow.nodes]
    changed = workflow.model_copy(update={"nodes": tuple(nodes)})

    assert load(dump(changed, original), "changed") == changed


@pytest.mark.parametrize("original", ["# nothing yet\n", "- a list\n", "name: [unfinished\n", "name: x\nnodes: []\n"])
def test_an_original_that_is_no_workflow_is_replaced(original: str) -> None:
    assert load(dump(sound(), original), "replaced") == sound()
