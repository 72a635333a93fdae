"""The Prefect server that a run in the terminal talks to: the one that is set, else Prefect's own temporary one."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

START_TIMEOUT_SECONDS = 180
"""A first start migrates Prefect's database: 11 to 25 s on two cores (measured 2026-11), more on a busy machine."""


def quiet_prefect() -> None:
    """Keeps Prefect's console log and its usage notice out of the run's display. Call before its import.

    The server has the log all the same; usage data is not sent from here unless the environment asks for it.
    """
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")


def has_own_server() -> bool:
    """Whether PREFECT_API_URL names a server, with a UI, that outlives this command."""
    from prefect.settings import PREFECT_API_URL

    return bool(PREFECT_API_URL.value())


def may_have_own_server() -> bool:
    """Whether `has_own_server` is worth its import, which takes over a second: something may have set the URL."""
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    files = (home / "profiles.toml", Path("prefect.toml"), Path(".env"))
    return "PREFECT_API_URL" in os.environ or any(file.exists() for file in files)


async def start_server(say: Callable[[str], None]) -> None:
    """Makes sure that a Prefect server answers; `say` is told when there is something to wait for.

    Raises:
        OperatorError: the server does not answer, or the temporary one does not start.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    from blocks.errors import OperatorError

    if has_own_server():
        async with get_client() as client:
            if problem := await client.api_healthcheck():
                reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
                raise OperatorError(
                    f"no Prefect server answers at {PREFECT_API_URL.value()}: {reason}",
                    mend="start it, or unset PREFECT_API_URL to use a temporary one",
                )
        return
    from prefect.server.api.server import SubprocessASGIServer  # three seconds, which a run on one's own server saves

    say("Starting Prefect (its first start prepares a database and can take half a minute)")
    try:
        await asyncio.to_thread(SubprocessASGIServer().start, START_TIMEOUT_SECONDS)
    except RuntimeError as error:
        raise OperatorError("Prefect's temporary server did not start", means=str(error).splitlines()[0]) from error
