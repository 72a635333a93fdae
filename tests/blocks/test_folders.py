"""Documents in folders: written whole or not at all, and only where they may be."""

import asyncio
import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from blocks.errors import DeliveryRefused
from blocks.folders import digest, place_of, stored_digest, write_document


@pytest.fixture(params=["path", "file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place below two folders that do not exist yet, in each way of writing it."""
    root = {"path": str(tmp_path), "file": f"file://{tmp_path}", "memory": f"memory://{uuid4().hex}"}[request.param]
    return f"{root}/reports/2026/october.md"


@pytest.fixture
def other_device() -> Iterator[Path]:
    """A folder that is not on the device of the system's temporary folder."""
    memory = Path("/dev/shm")  # noqa: S108  # a device of its own is what is wanted
    if not memory.is_dir() or memory.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
        pytest.skip("there is no second device here")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


async def test_a_document_is_written_with_its_folders_and_found_again(place: str) -> None:
    assert await stored_digest(place) is None

    await write_document(place, "Größe: 5 €\n")

    with fsspec.open(place, "rb") as file:
        assert file.read() == "Größe: 5 €\n".encode()
    assert await stored_digest(place) == digest("Größe: 5 €\n")


async def test_a_document_takes_the_place_of_an_older_one_whole(place: str) -> None:
    await write_document(place, "old and long " * 1000)
    await write_document(place, "new")

    assert await stored_digest(place) == digest("new")


async def test_a_reader_of_the_old_document_reads_it_to_its_end(other_device: Path) -> None:
    document = other_device / "report.md"
    document.write_text("old")
    with document.open() as reader:
        await write_document(str(document), "new text")

        assert reader.read() == "old", "it was replaced, not written over"
    assert document.read_text() == "new text"


async def test_an_error_while_writing_leaves_the_old_document_and_nothing_else(tmp_path: Path) -> None:
    document = tmp_path / "report.md"
    document.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(DeliveryRefused, match=r"report\.md cannot be written: .*too large"):
            await write_document(str(document), "x" * 20_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert document.read_text() == "old"
    assert list(tmp_path.iterdir()) == [document]


async def test_nobody_ever_sees_a_part_of_a_document(tmp_path: Path) -> None:
    document = tmp_path / "report.md"
    texts = ["a" * 300_000, "b" * 200_000]
    await write_document(str(document), texts[0])
    writers = asyncio.gather(*(write_document(str(document), texts[number % 2]) for number in range(10)))
    seen = set()
    while not writers.done():
        seen.add(document.read_text())
        await asyncio.sleep(0)
    await writers

    assert seen <= set(texts)
    assert list(tmp_path.iterdir()) == [document]


async def test_a_document_has_the_permissions_that_the_umask_gives(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        await write_document(str(tmp_path / "report.md"), "text")
    finally:
        os.umask(umask)

    assert (tmp_path / "report.md").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("where", ["{file}/report.md", "{file}/deeper/report.md", "{folder}", "nothing://report.md"])
async def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, where: str) -> None:
    file, folder = tmp_path / "a-file", tmp_path / "a-folder"
    file.write_text("text")
    folder.mkdir()
    place = where.format(file=file, folder=folder)

    with pytest.raises(DeliveryRefused, match=r"cannot be written: .*mend the folder"):
        await write_document(place, "text")

    assert sorted(tmp_path.rglob("*")) == [file, folder]


async def test_a_protocol_that_only_reads_is_refused() -> None:
    with pytest.raises(DeliveryRefused, match=r"http://127\.0\.0\.1:1/report\.md cannot be written"):
        await write_document("http://127.0.0.1:1/report.md", "text")


@pytest.mark.parametrize("where", ["{tmp_path}/a-folder", "{tmp_path}/a-file/report.md", "nothing://report.md"])
async def test_a_place_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path, where: str) -> None:
    (tmp_path / "a-folder").mkdir()
    (tmp_path / "a-file").write_text("text")

    with pytest.raises(DeliveryRefused, match="cannot be read"):
        await stored_digest(where.format(tmp_path=tmp_path))


@pytest.mark.parametrize(
    ("root", "path", "place"),
    [
        ("/srv/deliveries", "report.md", "/srv/deliveries/report.md"),
        ("/srv/deliveries", "a/b..c/report.md", "/srv/deliveries/a/b..c/report.md"),
        ("s3://bucket/out", "a/report.md", "s3://bucket/out/a/report.md"),
        ("/srv/deliveries", "s3://bucket/report.md", "s3://bucket/report.md"),
        ("/srv/deliveries", "file:///srv/other/report.md", "file:///srv/other/report.md"),
    ],
)
def test_a_path_is_below_the_root_and_a_url_is_its_own_place(root: str, path: str, place: str) -> None:
    assert place_of(root, path) == place


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../out.md", "a/../../out.md", "a/..", "", "file:///srv/../etc/passwd"]
)
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    with pytest.raises(DeliveryRefused, match="leads out of the deliveries folder"):
        place_of("/srv/deliveries", path)
