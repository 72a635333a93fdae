"""Finding the folder of a document collection, by override or by saved block."""

from pathlib import Path

import pytest

from blocks.documents import DocumentCollection, open_collection
from blocks.errors import SourceUnknown
from blocks.saved import is_saved


async def test_an_override_is_a_path_or_a_file_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "our documents"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    places = [str(folder), folder.as_uri(), "our documents", "~/our documents"]
    assert [await open_collection("docs", {"docs": place}) for place in places] == [folder.resolve()] * 4


async def test_a_collection_behind_a_symlink_is_opened_at_its_own_place(tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(tmp_path, target_is_directory=True)

    assert await open_collection("docs", {"docs": str(tmp_path / "linked")}) == tmp_path.resolve()


@pytest.mark.parametrize("place", ["s3://bucket/docs", "file://server/docs", "sqlite:///finance.db"])
async def test_what_is_no_folder_of_this_machine_is_unknown(place: str) -> None:
    with pytest.raises(SourceUnknown, match="write a path, or file:///folder"):
        await open_collection("docs", {"docs": place})


async def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnknown, match="is no folder that can be read"):
        await open_collection("docs", {"docs": str(tmp_path / "gone")})


async def test_a_file_is_not_a_collection(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("text")

    with pytest.raises(SourceUnknown, match="is a file, not a folder"):
        await open_collection("docs", {"docs": str(tmp_path / "a.md")})


@pytest.mark.usefixtures("prefect_api")
async def test_a_saved_block_is_found_by_name_and_an_override_goes_first(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "given").mkdir()
    await DocumentCollection(folder=str(tmp_path / "saved")).asave("docs")

    assert await is_saved(DocumentCollection, "docs")
    assert await open_collection("docs", {}) == tmp_path.resolve() / "saved"
    assert await open_collection("docs", {"docs": str(tmp_path / "given")}) == tmp_path.resolve() / "given"


@pytest.mark.usefixtures("prefect_api")
async def test_a_name_without_block_is_unknown_and_says_how_to_give_it() -> None:
    assert not await is_saved(DocumentCollection, "nowhere")
    with pytest.raises(SourceUnknown, match="run with --source nowhere=FOLDER"):
        await open_collection("nowhere", {})
