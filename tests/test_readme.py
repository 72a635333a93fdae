"""README tells the truth: its definition is sound, its commands print what it shows, its table is what is shipped."""

import doctest
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.catalog import definition, names
from flows.definitions import inspect
from tests.deployments.commands import ROOT, holdfast

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def sessions() -> Iterator[tuple[str, str]]:
    """Each command that README shows, with what it shows below it."""
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with README's definition in it, and the same with three mistakes."""
    sound = blocks("yaml")[0]
    broken = (
        sound.replace("kind: search", "kind: serch")
        .replace("4h", "4")
        .replace("[report, sign-off]", "[report, sgn-off]")
    )
    (tmp_path / "late-vendors.yaml").write_text(sound)
    (tmp_path / "broken.yaml").write_text(broken)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_definition_is_sound() -> None:
    assert inspect(blocks("yaml")[0])[1] == ()


@pytest.mark.parametrize("nodes", blocks("yaml")[1:])
def test_the_nodes_that_are_shown_by_themselves_are_sound(nodes: str) -> None:
    assert inspect(f"name: shown\ninputs: {{month: {{type: month, default: last month}}}}\nnodes:\n{nodes}")[1] == ()


@pytest.mark.usefixtures("prefect_api", "folder")
@pytest.mark.parametrize(("command", "shown"), list(sessions()))
def test_a_command_prints_what_is_shown(capsys: pytest.CaptureFixture[str], command: str, shown: str) -> None:
    words = shlex.split(command)
    assert words[:3] == ["uv", "run", "holdfast"]
    said = holdfast(capsys, *words[3:])

    checker, ellipsis = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert checker.check_output(shown, said.out, ellipsis), said.out


def test_the_table_of_workflows_is_what_is_shipped() -> None:
    rows = re.findall(r"^\| ([a-z-]+) \| [^|]* \| ([^|,]*)", README.partition("## A definition")[0], re.MULTILINE)
    shown = {name: approver.strip() for name, approver in rows if name != "name"}

    gates = {
        name: next((a for node in definition(name).nodes if node.kind == "approve" for a in node.approvers), "")
        for name in names()
    }
    assert shown == gates


def test_the_first_commands_are_those_that_the_gate_runs() -> None:
    start = blocks("sh")[0].splitlines()

    assert start == ["pip install uv && uv run holdfast run vendor-performance", "uv run pytest"]
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith(start[1])


def test_it_is_short() -> None:
    assert len(README.splitlines()) < 250
