"""A full-text index of one folder's documents: SQLite FTS5, embedded, brought up to date before each search.

The index holds nothing that the folder does not: it can be deleted while nobody searches. Runs and processes share it
(WAL; a writer that finds it locked asks again until it is cancelled).
"""

import asyncio
import hashlib
import os
import sqlite3
import unicodedata
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from threading import Event
from typing import NamedTuple

import aiosqlite
import anyio

from blocks.errors import QueryRefused, SourceUnavailable
from tasks.search.extract import Passage, Unreadable, passages_of
from tasks.search.folder import Stamp, Trouble, documents_in, sub_folder

# Part of the file's name: raise it with any change to the tables or to how passages are cut.
_FORMAT = 1
# Short, because this wait cannot be cancelled; `_when_free` asks again.
_BUSY_SECONDS = 0.1
# Beyond this the time grows with the square: 20,000 words took 108 s, 300 words 0.3 s (35,000 passages, 2 cores).
_MAX_WORDS = 500
# Of a file that must be read again although it has not changed.
_NEVER_READ = Stamp(-1, -1)
# Porter over unicode61: a question says "late delivery" where a document says "deliveries were late". Its stemming is
# English and leaves other languages' words nearly as they are. A file's passages have the row ids from (its id << 32)
# on, so that no second table is needed to find them.
_PREPARE = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    """CREATE TABLE IF NOT EXISTS files (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        problem TEXT NOT NULL, since TEXT NOT NULL)""",
    """CREATE VIRTUAL TABLE IF NOT EXISTS passages
        USING fts5(heading, passage, tokenize = 'porter unicode61 remove_diacritics 2')""",
)
# An unchanged problem keeps the time at which it was first seen.
_STORE = """
    INSERT INTO files (path, size, mtime_ns, problem, since) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (path) DO UPDATE SET
        size = excluded.size, mtime_ns = excluded.mtime_ns, problem = excluded.problem,
        since = iif(problem = excluded.problem, since, excluded.since)
    RETURNING id
"""
# CROSS JOIN keeps SQLite to this order: first the full-text index, then the few rows that it names.
SEARCH = """
    WITH best AS (
        SELECT passages.rowid AS id, files.path AS path, -bm25(passages, 4.0, 1.0) AS score
        FROM passages CROSS JOIN files ON files.id = passages.rowid >> 32
        WHERE passages MATCH :words AND substr(files.path, 1, length(:prefix)) = :prefix
        ORDER BY score DESC, path, passages.rowid LIMIT :limit)
    SELECT best.path, passages.heading, passages.passage, best.score
    FROM best CROSS JOIN passages ON passages.rowid = best.id
    ORDER BY best.score DESC, best.path, best.id
"""


class Found(NamedTuple):
    """A passage that matches: where it stands, and how well it matches (higher is better)."""

    path: str
    heading: str
    passage: str
    score: float


class Refresh(NamedTuple):
    """What bringing the index up to date came to."""

    read: tuple[str, ...]
    """The files that were read, because they are new or changed."""
    dropped: tuple[str, ...]
    """The files that are gone."""
    indexed: int
    """How many documents can be found now."""
    troubles: tuple[Trouble, ...]


def match_expression(query: str) -> str:
    """The query as an FTS5 expression: each of its words quoted, any of them enough.

    Raises:
        QueryRefused: it has no word, or more than 500 different ones.
    """
    # Marks stay with their letters; FTS5 cuts words by the same classes of characters.
    spaced = "".join(letter if unicodedata.category(letter)[0] in "LNM" else " " for letter in query)
    words = dict.fromkeys(word for word in spaced.split() if any(map(str.isalnum, word)))
    if not words:
        raise QueryRefused(
            f"the query {query[:100]!r} has no word to look for", mend="write at least one word or number"
        )
    if len(words) > _MAX_WORDS:
        raise QueryRefused(
            f"the query has {len(words)} different words; at most {_MAX_WORDS} are looked for",
            mend="ask for what matters, such as a vendor's name, instead of a whole text",
        )
    return " OR ".join(f'"{word}"' for word in words)


def index_file(folder: Path, home: Path) -> Path:
    """Where the index of the folder is kept, under Holdfast's home."""
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return home / "indexes" / f"{digest}-v{_FORMAT}.db"


@asynccontextmanager
async def open_index(folder: Path, home: Path, under: str = "") -> AsyncIterator["Index"]:
    """The resolved folder's index, made if it is not there, for what is in its sub-folder `under` (empty: everything).

    On the way out a statement that still runs is stopped, and the index closed.

    Raises:
        SourceUnavailable: no such sub-folder, or the index cannot be used; also for what the body asks of it.
    """
    top = await asyncio.to_thread(sub_folder, folder, under)
    file = index_file(folder, home)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(file, error) from error
    try:
        connection = await aiosqlite.connect(file, isolation_level=None, timeout=_BUSY_SECONDS)
        try:
            index = Index(folder, top, connection)
            await index.prepare()
            yield index
        finally:
            # Shielded: when cancelled, a close that is cut short would leave the connection's thread behind.
            with anyio.CancelScope(shield=True):
                await connection.interrupt()
                await connection.close()
    except sqlite3.Error as error:
        raise _unusable(file, error) from error


def _unusable(file: Path, error: Exception) -> SourceUnavailable:
    return SourceUnavailable(
        f"the search index {file} cannot be used: {error}",
        means="it only holds what the documents hold, so nothing is lost",
        mend="make its folder writable; if it is damaged, delete it and run again",
    )


class Index:
    """The open index of a folder, limited to its sub-folder `top`."""

    def __init__(self, folder: Path, top: Path, connection: aiosqlite.Connection) -> None:
        self._folder, self._top, self._connection = folder, top, connection
        self._prefix = "" if top == folder else f"{top.relative_to(folder).as_posix()}/"

    async def prepare(self) -> None:
        """Makes the tables that are not there yet."""
        for statement in _PREPARE:
            await self._when_free(statement)

    async def refresh(self, now: datetime) -> Refresh:
        """Reads what is new or changed and drops what is gone, one transaction per file.

        A cancelled refresh keeps what it has read. A file is read in a thread, which a cancellation cannot interrupt:
        this coroutine ends at once, the thread before its next passage.

        Raises:
            SourceUnavailable: the folder cannot be listed.
        """
        listing = await documents_in(self._folder, self._top, now)
        known = await self._known()
        changed = tuple(path for path, stamp in listing.files.items() if known.get(path) != stamp)
        gone = tuple(path for path in known if path not in listing.files)
        for path in gone:
            await self._drop(path)
        for path in changed:
            await self._read(path, listing.files[path], now)
        troubles = await self._troubles()
        return Refresh(changed, gone, len(listing.files) - len(troubles), listing.troubles + troubles)

    async def search(self, words: str, limit: int) -> list[Found]:
        """The best passages for an expression of `match_expression`, best first."""
        values = {"words": words, "limit": limit, "prefix": self._prefix}
        return [Found(*row) for row in await self._connection.execute_fetchall(SEARCH, values)]

    async def _read(self, path: str, stamp: Stamp, now: datetime) -> None:
        passages: list[Passage] = []
        problem = ""
        try:
            passages = await _passages(self._folder / path)
        except Unreadable as error:
            problem = str(error)
        except OSError as error:
            # Its permissions can be mended without a change to the file, so it is tried again each time.
            problem, stamp = error.strerror or str(error), _NEVER_READ
        await self._store(path, stamp, passages, problem, now)

    async def _store(self, path: str, stamp: Stamp, passages: Sequence[Passage], problem: str, now: datetime) -> None:
        await self._when_free("BEGIN IMMEDIATE")
        values = (path, *stamp, problem, now.isoformat())
        first = next(iter(await self._connection.execute_fetchall(_STORE, values)))[0] << 32
        await self._drop_passages(first)
        await self._connection.executemany(
            "INSERT INTO passages (rowid, heading, passage) VALUES (?, ?, ?)",
            ((first + at, *passage) for at, passage in enumerate(passages)),
        )
        # No ROLLBACK anywhere: an error closes the connection, and that is one.
        await self._connection.execute("COMMIT")

    async def _drop(self, path: str) -> None:
        await self._when_free("BEGIN IMMEDIATE")
        for row in await self._connection.execute_fetchall("DELETE FROM files WHERE path = ? RETURNING id", (path,)):
            await self._drop_passages(row[0] << 32)
        await self._connection.execute("COMMIT")

    async def _drop_passages(self, first: int) -> None:
        last = first + (1 << 32) - 1
        await self._connection.execute("DELETE FROM passages WHERE rowid BETWEEN ? AND ?", (first, last))

    async def _known(self) -> dict[str, Stamp]:
        rows = await self._connection.execute_fetchall(
            "SELECT path, size, mtime_ns FROM files WHERE substr(path, 1, length(:prefix)) = :prefix",
            {"prefix": self._prefix},
        )
        return {path: Stamp(size, mtime_ns) for path, size, mtime_ns in rows}

    async def _troubles(self) -> tuple[Trouble, ...]:
        rows = await self._connection.execute_fetchall(
            """SELECT path, problem, since FROM files
               WHERE problem != '' AND substr(path, 1, length(:prefix)) = :prefix ORDER BY path""",
            {"prefix": self._prefix},
        )
        return tuple(Trouble(path, problem, datetime.fromisoformat(since)) for path, problem, since in rows)

    async def _when_free(self, statement: str) -> None:
        while True:
            try:
                await self._connection.execute(statement)
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
            await asyncio.sleep(0.02)  # SQLite does not wait in every case, such as when WAL is turned on


async def _passages(path: Path) -> list[Passage]:
    stopped = Event()
    try:
        return await asyncio.to_thread(lambda: list(takewhile(lambda _: not stopped.is_set(), passages_of(path))))
    finally:
        stopped.set()
