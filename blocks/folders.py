"""Document folders that are written to: any fsspec file system, a write that is whole or not at all."""

import asyncio
import hashlib
import os
from pathlib import Path
from posixpath import join
from uuid import uuid4

import fsspec
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from blocks.errors import DeliveryRefused

# What fsspec's drivers raise: an unknown protocol is a ValueError, one that cannot be written NotImplementedError.
_DRIVER_ERRORS = (OSError, ValueError, ImportError, NotImplementedError)


def place_of(root: str, path: str) -> str:
    """Where a delivery lands: a URL as it is, anything else under the root.

    Raises:
        DeliveryRefused: the path leads out of the root, goes up, or is empty.
    """
    is_url = "://" in path
    if not path or ".." in path.split("/") or (path.startswith("/") and not is_url):
        raise DeliveryRefused(f"{path!r} leads out of the deliveries folder", mend="use a relative path, or a URL")
    return path if is_url else join(root, path)


def digest(content: str) -> str:
    """The SHA-256 of the content as it is written (UTF-8), in hex."""
    return hashlib.sha256(content.encode()).hexdigest()


async def write_document(place: str, content: str) -> None:
    """Writes the document whole; the threads' work is one small file, so it is not cut short by a timeout.

    Raises:
        DeliveryRefused: the place cannot be written, or no installed fsspec driver knows its protocol.
    """
    try:
        await asyncio.to_thread(_write, place, content)
    except _DRIVER_ERRORS as error:
        raise DeliveryRefused(
            f"{place} cannot be written: {error}", mend="mend the folder or its permissions, then resume the run"
        ) from error


async def stored_digest(place: str) -> str | None:
    """The SHA-256 of what is at the place now; None when nothing is there."""

    def read() -> str | None:
        files, path = _open(place)
        try:
            # Not asked with `exists`: to fsspec, a place that does not answer does not exist.
            return hashlib.sha256(files.cat_file(path)).hexdigest()
        except FileNotFoundError:
            return None

    try:
        return await asyncio.to_thread(read)
    except _DRIVER_ERRORS as error:
        raise DeliveryRefused(
            f"{place} cannot be read: {error}", mend="mend the folder, then resume the run"
        ) from error


def _open(place: str) -> tuple[AbstractFileSystem, str]:
    # No shared instance: a transaction belongs to one, and two deliveries must not end each other's.
    files, path = fsspec.url_to_fs(place, skip_instance_cache=True)
    return files, str(path)


def _write(place: str, content: str) -> None:
    files, path = _open(place)
    files.makedirs(files._parent(path), exist_ok=True)
    if isinstance(files, LocalFileSystem):
        _replace(Path(path), content.encode())
        return
    with files.transaction, files.open(path, "wb") as file:
        file.write(content.encode())


def _replace(path: Path, content: bytes) -> None:
    # fsspec commits a local file with a move from the system's temporary folder: to another device that is a copy,
    # which readers see half-written, and where the path is a folder, the file lands inside it under a random name.
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
