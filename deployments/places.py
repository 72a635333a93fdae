"""What a person may name on the command line as a source: a saved block, a URL, or the path of a SQLite file."""

from collections.abc import Mapping
from pathlib import Path

import typer

from blocks.database_urls import without_password
from deployments.local_server import start_server

_FILES = (".db", ".sqlite", ".sqlite3")


async def named(source: str) -> tuple[str, Mapping[str, str]]:
    """The name under which the source is kept, and where it is if it is no block; a block needs a Prefect server.

    Raises:
        OperatorError: the Prefect server does not answer.
    """
    if _is_place(source):
        return without_password(source), {without_password(source): source}
    await start_server(lambda text: typer.echo(text, err=True))
    return source, {}


def _is_place(source: str) -> bool:
    return "://" in source or "/" in source or Path(source).is_file() or Path(source).suffix in _FILES
