"""What a benchmark runs in: a Prefect server and homes of its own, in a temporary folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.prefect_server import prefect_server


@contextmanager
def surroundings(folder: Path) -> Iterator[Path]:
    """The folder, with a server and homes in it that this process and those that it starts use."""
    os.environ.update(
        PREFECT_HOME=f"{folder}/prefect",
        HOLDFAST_HOME=f"{folder}/holdfast",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE="false",
        PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL="CRITICAL",
        DO_NOT_TRACK="1",
    )
    # Whoever has a ledger or a delivery folder set keeps it.
    for setting in ("HOLDFAST_LEDGER_URL", "HOLDFAST_DELIVERIES"):
        os.environ.pop(setting, None)
    with prefect_server(folder / "server") as api:
        os.environ["PREFECT_API_URL"] = api
        from prefect.settings import PREFECT_API_URL, temporary_settings

        # Who has imported Prefect before has its settings from before.
        with temporary_settings({PREFECT_API_URL: api}):
            yield folder
