"""Document collections: folders that are read, found by name. Delivered documents are written by blocks/folders.py.

A collection is a saved Prefect block or, for one run, a path or file:// URL given by name.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from prefect.blocks.core import Block

from blocks.errors import SourceUnknown


class DocumentCollection(Block):
    """A folder of documents that `search` nodes read."""

    _block_type_name = "Document Collection"
    _description = "A folder of documents (Markdown, text, PDF, DOCX) that search nodes read."

    folder: str
    """A path or a file:// URL; `~` is the home folder of the user that runs the worker."""


async def open_collection(name: str, overrides: Mapping[str, str]) -> Path:
    """The collection's folder, absolute and without symlinks: the override of that name, else the saved block's.

    Raises:
        SourceUnknown: there is neither, or what it names is no folder of this machine that can be read.
    """
    place = overrides[name] if name in overrides else await _saved_folder(name)
    folder = _local_path(name, place)
    # A dead network mount can hold a stat for minutes; not in the event loop.
    if not await asyncio.to_thread(_readable, folder):
        what = "is a file, not a folder" if await asyncio.to_thread(folder.is_file) else "is no folder that can be read"
        raise SourceUnknown(
            f"document collection {name!r}: {folder} {what}",
            mend=f"put the folder back or mend its permissions, or run with --source {name}=FOLDER",
        )
    return await asyncio.to_thread(folder.resolve)


async def _saved_folder(name: str) -> str:
    try:
        collection: DocumentCollection = await DocumentCollection.aload(name)
    except ValueError as error:
        raise SourceUnknown(
            f"there is no document collection {name!r}",
            means="no Document Collection block of that name can be loaded",
            mend=f"save one in Prefect, or run with --source {name}=FOLDER",
        ) from error
    return collection.folder


def _local_path(name: str, place: str) -> Path:
    if "://" not in place:
        return Path(os.path.expanduser(place))
    url = urlsplit(place)
    if url.scheme != "file" or url.netloc not in ("", "localhost"):
        raise SourceUnknown(
            f"document collection {name!r}: {place!r} is not a folder of this machine",
            mend="write a path, or file:///folder",
        )
    return Path(url2pathname(url.path))


def _readable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)
