"""A person at a terminal: a live line per node, and a gate that asks and takes an answer from wherever it comes."""

import asyncio
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from uuid import UUID

import pytest
from prefect.flow_runs import aresume_flow_run

from tests.deployments.commands import ROOT
from tests.flows.gated import GATED, paused
from tests.flows.office import approved, office
from tests.flows.running import ledger, shop

pytestmark = pytest.mark.usefixtures("prefect_api")

PATIENCE_SECONDS = 60


class AtTerminal:
    """The command in a terminal of its own; `screen` is all that it has drawn, without the codes that move about."""

    def __init__(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deployments.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "200", "LINES": "60"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._drawn = b""

    @property
    def screen(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._drawn.decode(errors="replace"))

    def until(self, text: str, after: str = "") -> str:
        """What stood on the screen when the text came up, after that other text if one is given."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in (self.screen.partition(after)[2] if after else self.screen):
            assert time.monotonic() < deadline, self.screen[-3000:]
            if select.select([self._ours], [], [], 0.2)[0]:
                try:
                    self._drawn += os.read(self._ours, 65536)
                except OSError:  # the other side is closed
                    assert text in self.screen, self.screen[-3000:]
        return self.screen

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[AtTerminal]:
    (tmp_path / "gated.yaml").write_text(GATED.replace("\n    ", "\n").replace("timeout: 30s", "timeout: 5m"))
    opened = AtTerminal("run", str(tmp_path / "gated.yaml"), "--source", f"shop={shop(tmp_path)}")
    yield opened
    opened.close()


def run_id_of(screen: str) -> UUID:
    found = re.search(r"gated, run ([0-9a-f-]{36})", screen)
    assert found
    return UUID(found[1])


async def test_a_person_sees_each_node_and_answers_the_gate(terminal: AtTerminal) -> None:
    asked = terminal.until("approve or reject? [a/r]")
    terminal.type("maybe\r")
    terminal.type("a\r")
    terminal.until("Comment (Enter for none):")
    terminal.type("go ahead\r")
    ended = terminal.until("Nothing is missing.")

    assert re.search(r"spend +done", asked)
    assert "What we spent" in asked
    assert "Cost so far: $0.0000" in asked
    assert "Completed: gated" in ended
    assert terminal.process.wait(20) == 0
    async with ledger() as rows:
        decision = await rows.decision(run_id_of(ended), "sign-off")
    assert (decision.decision, decision.comment, decision.via) == ("approve", "go ahead", "terminal")


async def test_an_answer_in_the_prefect_ui_ends_the_question_in_the_terminal(terminal: AtTerminal) -> None:
    run_id = run_id_of(terminal.until("approve or reject? [a/r]"))
    await paused(run_id)
    await aresume_flow_run(run_id, run_input={"decision": "reject", "decided_by": "Ben"})
    ended = await asyncio.to_thread(terminal.until, "Delivered nowhere.")

    assert "Rejected: gated" in ended
    assert terminal.process.wait(20) == 0


async def test_a_run_that_is_interrupted_says_how_to_go_on(terminal: AtTerminal) -> None:
    run_id = run_id_of(terminal.until("approve or reject? [a/r]"))
    terminal.type("\x03")
    terminal.until(f"holdfast resume {run_id}")

    assert terminal.process.wait(20) == 130


async def test_where_a_directory_is_saved_the_terminal_asks_for_the_code(tmp_path: Path) -> None:
    async with office({}) as desk:
        (tmp_path / "gated.yaml").write_text(dedent(approved("gated")))
        opened = AtTerminal("run", str(tmp_path / "gated.yaml"), "--source", f"shop={shop(tmp_path)}")
        try:
            for refusal in ("", "The last answer did not count"):
                await asyncio.to_thread(opened.until, "approve or reject? [a/r]", refusal)
                opened.type("a\r")
                await asyncio.to_thread(opened.until, "Comment (Enter for none):", refusal)
                opened.type("\r")
                await asyncio.to_thread(opened.until, "The code from your message:", refusal)
                opened.type(f"{desk.mail.code_for('alice@example.com') if refusal else 'wrong'}\r")
            ended = await asyncio.to_thread(opened.until, "Nothing is missing.")
        finally:
            opened.close()
        decision = await desk.decision(run_id_of(ended))

    assert (decision.decision, decision.decided_by, decision.via) == ("approve", "alice", "terminal")
