"""Writes the sample sources: whole or not at all, once per month, seed and edition.

A new month gets a folder of its own beside the old one, so that nobody's open database is ever replaced.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from blocks.errors import OperatorError
from blocks.samples.calendar import Calendar

SAMPLE_SOURCES = frozenset({"finance", "procurement", "operations", "usage", "documents"})

# Raise it when the records or their form change, so that an upgrade does not go on with the old ones.
_EDITION = 2
_DATABASES = ("finance", "procurement", "operations", "usage")


@dataclass(frozen=True)
class Samples:
    """Where the sample sources are."""

    sources: Mapping[str, str]
    """SQLAlchemy URLs with an async driver, by name: finance, procurement, operations, usage."""
    documents: Path


def make_samples(folder: Path, until: str, seed: int = 7) -> Samples:
    """The sample sources with 24 months up to and including `until` (YYYY-MM), written under the folder if need be.

    What was written once is not looked into again: a file that somebody removed from it stays away.

    Raises:
        InputRefused: `until` is no month.
        OperatorError: the folder cannot be written.
    """
    Calendar.up_to(until)
    place = folder.resolve() / f"{until}-seed-{seed}-v{_EDITION}"
    try:
        if not place.is_dir():
            _make(place, until, seed)
    except OSError as error:
        raise OperatorError(
            f"the sample sources cannot be written to {folder}: {error.strerror or error}",
            mend="mend the folder's permissions, or set HOLDFAST_HOME to a folder that can be written",
        ) from error
    urls = {name: f"sqlite+aiosqlite:///{(place / f'{name}.db').as_posix()}" for name in _DATABASES}
    return Samples(sources=urls, documents=place / "documents")


def _make(place: Path, until: str, seed: int) -> None:
    # Only the first run of all needs these.
    from blocks.samples.company import make_company
    from blocks.samples.databases import write_databases
    from blocks.samples.documents import write_documents

    company = make_company(until, seed)
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".making-", dir=place.parent) as scratch:
        made = Path(scratch) / "samples"
        made.mkdir()
        write_databases(made, company)
        write_documents(made / "documents", company)
        try:
            os.rename(made, place)
        except OSError:
            if not place.is_dir():  # otherwise another process was faster, and wrote the same
                raise
