"""What a folder holds now: its documents with their size and time, without reading any of them.

Symlinks are not followed: what they lead to is outside, or is found at its own place. Hidden files and folders are
left out.
"""

import asyncio
import os
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from blocks.errors import SourceUnavailable
from tasks.search.extract import has_reader


class Stamp(NamedTuple):
    """By what a file is known to be unchanged."""

    size: int
    mtime_ns: int


class Trouble(NamedTuple):
    """A file or folder that should be found and is not."""

    path: str
    reason: str
    since: datetime


class Listing(NamedTuple):
    """The documents by their path relative to the collection, and what could not be listed."""

    files: dict[str, Stamp]
    troubles: tuple[Trouble, ...]


def sub_folder(folder: Path, under: str) -> Path:
    """The folder `under` the resolved folder, resolved too.

    Raises:
        SourceUnavailable: it is not there, or a symlink leads out of the folder.
    """
    top = folder / under
    if not top.is_dir() or not (top := top.resolve()).is_relative_to(folder):
        raise SourceUnavailable(
            f"there is no folder {under!r} inside {folder}", mend="mend the node's `under`, or put the folder back"
        )
    return top


async def documents_in(folder: Path, top: Path, now: datetime) -> Listing:
    """The documents of `top` and below, listed folder by folder, so that it can be cancelled between two.

    Raises:
        SourceUnavailable: `top` itself cannot be listed.
    """
    files: dict[str, Stamp] = {}
    troubles: list[Trouble] = []
    waiting = [top]
    while waiting:
        current = waiting.pop()
        try:
            folders, found = await asyncio.to_thread(_listed, current)
        except OSError as error:
            if current == top:
                raise SourceUnavailable(f"{top} cannot be listed: {error.strerror}") from error
            troubles.append(Trouble(_shown(current.relative_to(folder)), error.strerror or str(error), now))
            continue
        waiting += folders
        for path, stamp in found:
            relative = path.relative_to(folder)
            if (name := _shown(relative)) == relative.as_posix():
                files[name] = stamp
            else:
                troubles.append(Trouble(name, "its name is not UTF-8", now))
    return Listing(dict(sorted(files.items())), tuple(troubles))


def _listed(folder: Path) -> tuple[list[Path], list[tuple[Path, Stamp]]]:
    folders, files = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                folders.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False) and has_reader(entry.name):
                stat = entry.stat(follow_symlinks=False)
                files.append((Path(entry.path), Stamp(stat.st_size, stat.st_mtime_ns)))
    return folders, files


def _shown(path: Path) -> str:
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")
