"""Document folders that are written to: any fsspec file system, a write that is whole or not at all."""

import asyncio
import hashlib
from posixpath import join

import fsspec
from fsspec import AbstractFileSystem

from blocks.errors import DeliveryRefused


def place_of(root: str, path: str) -> str:
    """Where a delivery lands: a URL as it is, anything else under the root.

    Raises:
        DeliveryRefused: the path leads out of the root.
    """
    if "://" in path:
        return path
    if path.startswith("/") or ".." in path.split("/"):
        raise DeliveryRefused(f"{path!r} leads out of the deliveries folder", mend="use a relative path, or a URL")
    return join(root, path)


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
    except (OSError, ValueError, ImportError) as error:
        raise DeliveryRefused(
            f"{place} cannot be written: {error}", mend="mend the folder or its permissions, then resume the run"
        ) from error


async def stored_digest(place: str) -> str | None:
    """The SHA-256 of what is at the place now; None when nothing is there."""

    def read() -> str | None:
        files, path = _open(place)
        return hashlib.sha256(files.cat_file(path)).hexdigest() if files.exists(path) else None

    try:
        return await asyncio.to_thread(read)
    except (OSError, ValueError, ImportError) as error:
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
    with files.transaction, files.open(path, "wb") as file:
        file.write(content.encode())
