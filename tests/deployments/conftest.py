"""What tests of the command line share."""

from pathlib import Path

import pytest


@pytest.fixture
def a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger in which nothing was ever seen or answered."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
