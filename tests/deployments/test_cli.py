"""What the command says to a person who got something wrong: one line, the right status, and nothing half done."""

import re
from pathlib import Path

import pytest

from tests.deployments.commands import REPORT, holdfast
from tests.flows.running import shop


@pytest.fixture
def definition(tmp_path: Path) -> str:
    (tmp_path / "report.yaml").write_text(REPORT)
    return str(tmp_path / "report.yaml")


def test_the_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    said = holdfast(capsys, "--help")

    assert said.status == 0
    for command in ("run", "resume", "check", "graph", "schema", "query", "list"):
        assert f"  {command} " in said.out


def test_the_list_has_every_shipped_workflow_with_its_description(capsys: pytest.CaptureFixture[str]) -> None:
    said = holdfast(capsys, "list")

    assert said.out.splitlines() == [
        "customer-health     Weekly health of each customer across CRM, support tickets and product usage.",
        "vendor-performance  Monthly vendor scorecard across finance, procurement and operations.",
    ]


def test_a_sound_definition_is_said_to_be_sound(capsys: pytest.CaptureFixture[str], definition: str) -> None:
    said = holdfast(capsys, "check", definition)

    assert (said.status, said.err) == (0, "")
    assert "small-report is sound: 3 nodes" in said.out


def test_every_problem_of_a_definition_is_a_line_with_its_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wrong = REPORT.replace("SELECT vendor", "DELETE FROM invoices; SELECT vendor").replace("[report]", "[reprot]")
    (tmp_path / "wrong.yaml").write_text(wrong)
    said = holdfast(capsys, "check", str(tmp_path / "wrong.yaml"))

    assert said.status == 2
    assert "wrong.yaml:11: node spend, field sql: the SQL is 2 statements" in said.out
    assert "wrong.yaml:13: node publish, field needs: there is no node 'reprot'; did you mean report?" in said.out


def test_a_transform_whose_function_is_not_there_is_a_problem(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "no-function.yaml").write_text(
        "name: no-function\nnodes:\n  - {id: clean, kind: transform, function: 'flows.shipped.nothing:clean'}\n"
    )
    said = holdfast(capsys, "check", str(tmp_path / "no-function.yaml"))

    assert said.status == 2
    assert "node clean, field function: flows.shipped.nothing:clean cannot be imported" in said.out


def test_the_graph_of_a_shipped_workflow_is_mermaid(capsys: pytest.CaptureFixture[str]) -> None:
    said = holdfast(capsys, "graph", "vendor-performance")

    assert said.status == 0
    assert said.out.startswith("flowchart TD\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["run", "nowhere"],
            "there is no workflow 'nowhere'; choose one of customer-health, vendor-performance, or name a file",
        ),
        (["run", "{folder}/none.yaml"], "none.yaml cannot be read: No such file or directory"),
        (["run", "{folder}"], "cannot be read: Is a directory"),
        (["run", "{folder}/latin.yaml"], "latin.yaml cannot be read: it is not UTF-8 text"),
        (["run", "{folder}/broken.yaml"], "this is not YAML"),
        (["run", "{folder}/writes.yaml"], "writes.yaml has 1 problem: node spend, field sql: the SQL writes"),
        (["run", "{folder}/report.yaml", "-i", "limit=many"], "input 'limit' must be a whole number, not 'many'"),
        (["run", "{folder}/report.yaml", "-i", "size=3"], "there is no input 'size' (there is limit)"),
        (["run", "{folder}/report.yaml", "--source", "shopp=x.db"], "small-report has no source of that name"),
        (["run", "{folder}/report.yaml", "--decide", "gate=approve"], "small-report has no gate of that name"),
        (["run", "vendor-performance", "--decide", "sign-off=maybe"], "'maybe' for sign-off is neither"),
        (["run", "{folder}/report.yaml", "-i", "limit"], "'limit' is not NAME=VALUE"),
        (["resume", "abc"], "'abc' is not a run's id"),
        (["resume", "00000000-0000-0000-0000-000000000000"], "the ledger has no run 00000000-"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line_before_anything_starts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, definition: str, arguments: list[str], says: str
) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: caf\xe9".encode("latin-1"))
    (tmp_path / "broken.yaml").write_text("name: [unclosed")
    (tmp_path / "writes.yaml").write_text(re.sub("sql: SELECT.*", "sql: DELETE FROM invoices", REPORT))
    said = holdfast(capsys, *(argument.replace("{folder}", str(tmp_path)) for argument in arguments))

    assert said.status == 2
    assert says in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("source", "folder", "status", "says"),
    [
        (None, None, 2, "there is no source 'shop'; save a Prefect block of that name, or run with --source shop=URL"),
        ("{tmp}/gone.db", None, 1, "source 'shop' has no file at"),
        ("postgresql://127.0.0.1:1/none", None, 1, "source 'shop' does not answer at postgresql+asyncpg://127.0.0.1:1"),
        ("mongodb://127.0.0.1/none", None, 1, "source 'shop'"),
        ("{shop}", "{tmp}/report.yaml", 1, "report.yaml/small/report.md cannot be written: "),
    ],
)
@pytest.mark.usefixtures("prefect_api")
def test_what_fails_while_running_is_said_in_one_line_and_delivers_nothing(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    definition: str,
    source: str | None,
    folder: str | None,
    status: int,
    says: str,
) -> None:
    if folder:
        monkeypatch.setenv("HOLDFAST_DELIVERIES", folder.replace("{tmp}", str(tmp_path)))
    else:
        monkeypatch.setenv("HOLDFAST_DELIVERIES", str(tmp_path / "delivered"))
    url = (source or "").replace("{tmp}", str(tmp_path)).replace("{shop}", shop(tmp_path))
    said = holdfast(capsys, "run", definition, *(["--source", f"shop={url}"] if url else []))

    [line] = [line for line in said.err.splitlines() if line.startswith("holdfast: ")]
    assert said.status == status
    assert says in line
    assert "Traceback" not in said.err
    assert not (tmp_path / "delivered").exists()
