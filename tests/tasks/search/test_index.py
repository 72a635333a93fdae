"""The index: it reads only what changed, keeps what it read, and is shared."""

import asyncio
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blocks.errors import SourceUnavailable
from tasks.search.index import SEARCH, Found, Refresh, index_file, match_expression, open_index

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def refreshed(folder: Path, home: Path, *, under: str = "", now: datetime = NOW) -> Refresh:
    """What one refresh of the folder's index did."""
    async with open_index(folder, home, under) as index:
        return await index.refresh(now)


async def found(folder: Path, home: Path, query: str, *, under: str = "", limit: int = 10) -> list[Found]:
    """What the index finds, without bringing it up to date."""
    async with open_index(folder, home, under) as index:
        return await index.search(match_expression(query), limit)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    (folder / "contracts").mkdir(parents=True)
    (folder / "acme.md").write_text("# Acme\nDeliveries were late in May.\n")
    (folder / "contracts" / "bolt.txt").write_text("Bolt delivers on time.")
    return folder


async def test_an_unchanged_file_is_not_read_again(folder: Path, home: Path) -> None:
    first = await refreshed(folder, home)
    second = await refreshed(folder, home)
    (folder / "acme.md").write_text("# Acme\nDeliveries were on time in June.\n")
    third = await refreshed(folder, home)

    assert first.read == ("acme.md", "contracts/bolt.txt")
    assert second.read == ()
    assert third.read == ("acme.md",)
    assert [passage.passage for passage in await found(folder, home, "May June")] == [
        "Deliveries were on time in June."
    ]


async def test_two_thousand_files_are_read_once(tmp_path: Path, home: Path) -> None:
    for number in range(2000):
        (tmp_path / f"note{number}.txt").write_text(f"vendor{number} was late")

    first = await refreshed(tmp_path, home)
    second = await refreshed(tmp_path, home)

    assert (len(first.read), first.indexed) == (2000, 2000)
    assert (second.read, second.dropped, second.indexed) == ((), (), 2000)
    assert [passage.path for passage in await found(tmp_path, home, "vendor1234")] == ["note1234.txt"]


async def test_a_removed_file_is_found_no_more(folder: Path, home: Path) -> None:
    await refreshed(folder, home)
    (folder / "acme.md").unlink()

    refresh = await refreshed(folder, home)

    assert (refresh.dropped, refresh.indexed) == (("acme.md",), 1)
    assert await found(folder, home, "Acme late May") == []


async def test_a_sub_folder_is_read_and_searched_alone(folder: Path, home: Path) -> None:
    (folder / "contracts-old").mkdir()
    (folder / "contracts-old" / "old.txt").write_text("Bolt delivers never.")

    part = await refreshed(folder, home, under="contracts")
    whole = await refreshed(folder, home)

    assert part.read == ("contracts/bolt.txt",)
    assert whole.read == ("acme.md", "contracts-old/old.txt")
    paths = [passage.path for passage in await found(folder, home, "delivers", under="contracts/")]
    assert paths == ["contracts/bolt.txt"]


async def test_links_are_not_followed_out_of_the_folder(folder: Path, home: Path, tmp_path: Path) -> None:
    outside = tmp_path / "private"
    outside.mkdir()
    (outside / "salaries.md").write_text("# Salaries\n")
    (folder / "linked.md").symlink_to(outside / "salaries.md")
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    (folder / "loop").symlink_to(folder, target_is_directory=True)

    assert (await refreshed(folder, home)).read == ("acme.md", "contracts/bolt.txt")
    with pytest.raises(SourceUnavailable, match="no folder 'linked' inside"):
        await refreshed(folder, home, under="linked")


async def test_headings_count_more_than_text_and_words_are_found_in_other_forms(folder: Path, home: Path) -> None:
    (folder / "other.md").write_text("# Résumé\nAcme was late, and its deliveries with it.\n")
    await refreshed(folder, home)

    assert [passage.path for passage in await found(folder, home, "ACME")] == ["acme.md", "other.md"]
    assert {passage.path for passage in await found(folder, home, "delivery")} == {"acme.md", "other.md"}
    assert [passage.path for passage in await found(folder, home, "resume", limit=1)] == ["other.md"]


async def test_a_search_asks_the_index_and_scans_no_text(folder: Path, home: Path) -> None:
    await refreshed(folder, home)

    with sqlite3.connect(index_file(folder, home)) as database:
        values = {"words": '"late"', "prefix": "", "limit": 5}
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {SEARCH}", values)]
    database.close()

    assert [step for step in plan if "passages" in step] == [
        "SCAN passages VIRTUAL TABLE INDEX 0:M2",  # by MATCH
        "SCAN passages VIRTUAL TABLE INDEX 0:=",  # by row id
    ]
    assert "SEARCH files USING INTEGER PRIMARY KEY (rowid=?)" in plan


async def test_an_unreadable_file_is_tried_once_and_keeps_its_time(folder: Path, home: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"no pdf")

    first = await refreshed(folder, home)
    second = await refreshed(folder, home, now=NOW + timedelta(days=1))

    assert "broken.pdf" in first.read
    assert second.read == ()
    assert second.indexed == 2
    (trouble,) = second.troubles
    assert (trouble.path, trouble.since) == ("broken.pdf", NOW)
    assert "damaged" in trouble.reason


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_what_may_not_be_read_is_read_once_it_may(folder: Path, home: Path) -> None:
    for part in ("acme.md", "contracts"):
        (folder / part).chmod(0)

    first = await refreshed(folder, home)
    (folder / "acme.md").chmod(0o600)
    (folder / "contracts").chmod(0o700)
    second = await refreshed(folder, home)

    assert {trouble.path for trouble in first.troubles} == {"acme.md", "contracts"}
    assert second.read == ("acme.md", "contracts/bolt.txt")
    assert second.troubles == ()


async def test_a_name_that_is_no_text_is_a_trouble(folder: Path, home: Path) -> None:
    (folder / os.fsdecode(b"caf\xe9.txt")).write_text("coffee")

    refresh = await refreshed(folder, home)

    assert [(trouble.path, trouble.reason) for trouble in refresh.troubles] == [
        ("caf\ufffd.txt", "its name is not UTF-8")
    ]


async def test_two_at_once_build_one_index(tmp_path: Path, home: Path) -> None:
    for number in range(150):
        (tmp_path / f"note{number}.txt").write_text(f"vendor{number} was late")

    refreshes = await asyncio.gather(*(refreshed(tmp_path, home) for _ in range(3)))

    assert [refresh.indexed for refresh in refreshes] == [150, 150, 150]
    assert (await refreshed(tmp_path, home)).read == ()
    assert len(await found(tmp_path, home, "late", limit=500)) == 150


async def test_a_cancelled_refresh_keeps_what_it_read(tmp_path: Path, home: Path) -> None:
    for number in range(1000):
        (tmp_path / f"note{number}.txt").write_text(f"vendor{number} was late")
    reading = asyncio.create_task(refreshed(tmp_path, home))
    async with open_index(tmp_path, home) as index:
        while not await index.search('"late"', 1):
            await asyncio.sleep(0)

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    rest = await refreshed(tmp_path, home)
    assert 0 < len(rest.read) < 1000
    assert rest.indexed == 1000


async def test_a_refresh_that_waits_for_another_writer_can_be_cancelled(folder: Path, home: Path) -> None:
    async with open_index(folder, home):
        pass
    other = sqlite3.connect(index_file(folder, home), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(refreshed(folder, home), 0.3)

    assert loop.time() - began < 2
    other.close()
    assert (await refreshed(folder, home)).indexed == 2


async def test_a_damaged_index_says_what_to_do(folder: Path, home: Path) -> None:
    file = index_file(folder, home)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no database" * 100)

    with pytest.raises(SourceUnavailable, match="delete it and run again"):
        await refreshed(folder, home)


async def test_a_home_that_cannot_hold_an_index_is_said_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SourceUnavailable, match="cannot be used"):
        await refreshed(folder, tmp_path / "file")
