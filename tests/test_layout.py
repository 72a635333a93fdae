"""The rules of the house that a machine can hold: which room imports which, and what is never committed."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from blocks import errors

ROOT = Path(__file__).parent.parent
ROOMS = ("blocks", "tasks", "flows", "deployments")


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imported_rooms(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            names.add(node.module)
    return {name.partition(".")[0] for name in names} & {*ROOMS, "tests"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_itself_and_the_rooms_below_it(room: str) -> None:
    allowed = set(ROOMS[: ROOMS.index(room) + 1])

    for path in modules(room):
        assert imported_rooms(path) <= allowed, path


def test_every_folder_of_the_rooms_says_what_it_is_for() -> None:
    folders = {path.parent for path in modules(*ROOMS)}

    for folder in folders:
        if "migrations" not in folder.parts:  # alembic's own: it loads these files by path
            assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), folder


def test_the_top_level_holds_what_the_design_names_and_nothing_else() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"],  # noqa: S607  whichever git the machine has
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")

    top = {name.partition("/")[0] for name in tracked.stdout.split()}

    named = {*ROOMS, "tests", "pyproject.toml", "README.md", "prefect.yaml", "LICENSE", "CHANGELOG.md"}
    assert {name for name in top if not name.startswith(".")} == named


def test_every_error_class_is_raised_somewhere() -> None:
    text = "\n".join(path.read_text() for path in modules(*ROOMS))
    leaves = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.HoldfastError) and not kind.__subclasses__()
    ]

    unused = [kind.__name__ for kind in leaves if not re.search(rf"(raise|return) {kind.__name__}[(.]", text)]

    assert unused == []
