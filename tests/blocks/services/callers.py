"""Many runs that call one limited API at once, in processes of their own: Holdfast's client, and three in its place.

`python -m tests.blocks.services.callers` prints `ready`, begins when it reads a line, and prints how it went as JSON.
"""

import asyncio
import json
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import IO, Literal, cast

import httpx
from prefect.concurrency.asyncio import rate_limit
from pydantic import SecretStr

from blocks.errors import HoldfastError
from blocks.ledger import Ledger
from blocks.services.call import Call, Trace
from blocks.services.client import ServiceClient
from blocks.services.presets import Preset
from blocks.services.service import Service
from tests.servers.limits import Dialect
from tests.servers.processes import stop

Kind = Literal["holdfast", "at once", "fixed", "prefect"]
"""Who asks: two ask again, at once or after a second; the last asks Prefect's global concurrency limit first."""
PREFECT_LIMIT = "limited"
"""What that limit is called."""
PATIENCE_SECONDS = 300.0
TRIES = 10
"""How often the plain clients ask before they give a call up."""
TOKEN = "loopback-77aa"  # noqa: S105  # it opens nothing but the loopback server
PRESETS: dict[Dialect, Preset] = {
    Dialect.GITHUB: "github",
    Dialect.GITHUB_SECONDARY: "github",
    Dialect.JIRA: "jira",
    Dialect.SLACK: "slack",
    Dialect.SLACK_BODY: "slack",
    Dialect.GOOGLE_RATE: "google",
    Dialect.GOOGLE_USER: "google",
    Dialect.GOOGLE_429: "google",
    Dialect.HUBSPOT: "hubspot",
}
"""The presets whose APIs speak so; the others are `rest`."""


@dataclass(frozen=True)
class Load:
    """What is asked of the API."""

    kind: Kind
    preset: Preset
    processes: int
    runs: int
    """In each process, at once."""
    calls: int
    """Of each run, one after another."""


@dataclass(frozen=True)
class Done:
    """How it went."""

    ok: int
    gave_up: int
    seconds: float
    """From the first call to the end of the last."""


def under_load(url: str, ledger: str, load: Load) -> Done:
    """What came of the calls of all processes together, which begin at the same moment."""
    with ExitStack() as stack:
        callers = [stack.enter_context(_caller(url, ledger, load)) for _ in range(load.processes)]
        for caller in callers:
            assert _output(caller).readline() == "ready\n"
        began = monotonic()
        for caller in callers:
            cast("IO[str]", caller.stdin).write("go\n")
            cast("IO[str]", caller.stdin).flush()
        said = [json.loads(_output(caller).readline()) for caller in callers]
        seconds = monotonic() - began
    return Done(sum(each["ok"] for each in said), sum(each["gave up"] for each in said), seconds)


@contextmanager
def _caller(url: str, ledger: str, load: Load) -> Iterator["subprocess.Popen[str]"]:
    numbers = ("--runs", str(load.runs), "--calls", str(load.calls))
    words = ("--url", url, "--ledger", ledger, "--kind", load.kind, "--preset", load.preset, *numbers)
    process = subprocess.Popen(
        (sys.executable, "-m", "tests.blocks.services.callers", *words),
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        stop(process)  # type: ignore[arg-type]  # it reads no output, so text or bytes is all one to it
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _output(process: "subprocess.Popen[str]") -> IO[str]:
    assert process.stdout is not None
    return process.stdout


async def _called(url: str, ledger: str, kind: Kind, preset: Preset, runs: int, calls: int) -> dict[str, int]:
    async with Ledger.open(ledger) as rows, httpx.AsyncClient() as plain:
        service = Service(preset=preset, base_url=url, token=SecretStr(TOKEN))
        client = ServiceClient("limited", service, rows.services)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS

        async def one() -> bool:
            if kind == "holdfast":
                try:
                    await client.send(Call("GET", "/items"), until, Trace())
                except HoldfastError:
                    return False
                return True
            if kind == "prefect":
                await rate_limit(PREFECT_LIMIT, strict=True)
            return await _plainly(plain, f"{url}/items", 0.0 if kind == "at once" else 1.0)

        async def run() -> Sequence[bool]:
            return [await one() for _ in range(calls)]

        ends = [end for done in await asyncio.gather(*(run() for _ in range(runs))) for end in done]
        await client.aclose()
    return {"ok": sum(ends), "gave up": len(ends) - sum(ends)}


async def _plainly(client: httpx.AsyncClient, url: str, wait_seconds: float) -> bool:
    """Whether one of TRIES requests was taken, with that wait after each that was not."""
    for _ in range(TRIES):
        answer = await client.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
        if answer.status_code == 200 and answer.json().get("ok"):
            return True
        await asyncio.sleep(wait_seconds)
    return False


def main() -> None:
    """Calls, once it is told to."""
    parser = ArgumentParser()
    for name in ("url", "ledger", "kind", "preset"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("runs", "calls"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args()
    said = asyncio.run(_called(given.url, given.ledger, given.kind, given.preset, given.runs, given.calls))
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
