"""Runs the `holdfast` command: in this process where its words matter, as a process of its own where its death does."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from deployments.cli import main
from tests.blocks.source_databases import execute

ROOT = Path(__file__).parent.parent.parent

REPORT = dedent("""
    name: small-report
    inputs:
      limit: {type: integer, default: 5}
    nodes:
      - id: spend
        kind: query
        source: shop
        retry: 0
        on_failure: fail
        sql: SELECT vendor, SUM(amount) AS spend FROM invoices GROUP BY vendor ORDER BY vendor LIMIT :limit
      - {id: report, kind: reason, purpose: synthesise, needs: [spend]}
      - {id: publish, kind: deliver, needs: [report], retry: 0, to: [{documents: small/report.md}]}
""")
"""A workflow over the small shop of tests/flows/running.py."""


class Said(NamedTuple):
    """What a command left: exit status, standard output and standard error."""

    status: int
    out: str
    err: str


def holdfast(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    """What the command says when it is given these arguments."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    out, err = capsys.readouterr()
    status = ended.value.code
    assert isinstance(status, int)
    return Said(status, out, err)


def change(path: str, *statements: str) -> None:
    """Commits the statements in the SQLite file, between two commands."""
    asyncio.run(execute(path, *statements))


def started(*arguments: str, environment: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    """The command as a process of its own, its output to be read by whoever waits for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "deployments.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: "subprocess.Popen[str]", seconds: float = 90) -> Said:
    """What the process left, once it is over; it is killed where that takes too long."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"the command did not end in {seconds} s: {out[-2000:]}{err[-2000:]}")
    return Said(process.returncode, out, err)
