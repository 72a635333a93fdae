"""What is read of each type of document, and what is said of those that cannot be read."""

from pathlib import Path

import pytest

from tasks.search.extract import MAX_FILE_BYTES, MAX_PASSAGE_CHARACTERS, Passage, Unreadable, has_reader, passages_of
from tests.tasks.search.papers import docx, encrypted_pdf, pdf


def passages(path: Path, content: str | bytes) -> list[Passage]:
    """What is read of a file with this content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(passages_of(path))


def refusal(path: Path, content: bytes) -> str:
    """Why a file with this content is not read."""
    with pytest.raises(Unreadable) as refused:
        passages(path, content)
    return str(refused.value)


def test_markdown_is_cut_at_headings_and_each_passage_names_all_headings_above_it(tmp_path: Path) -> None:
    content = (
        "before\n\n# Vendors #\nintro\n\n## Acme C#\nlate\n\nagain late\n\nPrices\n---\nhigh\n\nOthers\n===\nfine\n"
    )

    assert passages(tmp_path / "a.md", content) == [
        Passage("", "before"),
        Passage("Vendors", "intro"),
        Passage("Vendors > Acme C#", "late\n\nagain late"),
        Passage("Vendors > Prices", "high"),
        Passage("Others", "fine"),
    ]


def test_a_hash_in_a_block_of_code_is_no_heading(tmp_path: Path) -> None:
    content = "# Setup\n````sh\n```\n# a comment\n````\n```inline``` code\n# Use\ndone\n"

    assert passages(tmp_path / "a.md", content) == [
        Passage("Setup", "````sh\n```\n# a comment\n````\n```inline``` code"),
        Passage("Use", "done"),
    ]


def test_a_rule_below_a_list_or_a_table_is_no_heading(tmp_path: Path) -> None:
    assert passages(tmp_path / "a.md", "- item\n---\n| a |\n---\n") == [Passage("", "- item\n---\n| a |\n---")]


def test_text_is_cut_at_paragraphs_and_no_passage_is_longer_than_the_limit(tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(2000))
    sentence = "A short paragraph."

    found = passages(tmp_path / "a.txt", f"{sentence}\r\n\r\n{words}\r\n \r\n{sentence}{'x' * 5000}")

    assert found[0].text == sentence
    assert max(len(passage.text) for passage in found) <= MAX_PASSAGE_CHARACTERS
    text = " ".join(passage.text for passage in found)
    assert words in text
    assert text.count("x") == 5000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_of_any_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    assert passages(tmp_path / "a.txt", "Müller, 30 €".encode(encoding)) == [Passage("", "Müller, 30 €")]


def test_a_pdf_is_cut_at_pages(tmp_path: Path) -> None:
    assert passages(tmp_path / "a.pdf", pdf("Contract with Acme", "", "Penalty for late delivery")) == [
        Passage("page 1", "Contract with Acme"),
        Passage("page 3", "Penalty for late delivery"),
    ]


def test_a_docx_is_cut_at_headings_and_its_tables_are_read_in_their_place(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    docx(path, (1, "Vendors"), (0, "Intro."), (2, "Acme"), [["month", "late"], ["May", "7"]], (0, "After."))

    assert list(passages_of(path)) == [
        Passage("Vendors", "Intro."),
        Passage("Vendors > Acme", "month | late\nMay | 7\n\nAfter."),
    ]


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.pdf", pdf("Some text")[:200]).startswith("it is damaged (")
    assert refusal(tmp_path / "a.pdf", b"").startswith("it is damaged (")
    assert refusal(tmp_path / "a.pdf", encrypted_pdf("hidden")) == "it is encrypted"
    assert "text recognition" in refusal(tmp_path / "a.pdf", pdf(""))
    assert refusal(tmp_path / "a.docx", b"no zip").startswith("it is damaged (")
    assert refusal(tmp_path / "a.docx", bytes.fromhex("d0cf11e0a1b11ae1")).startswith("it is encrypted")
    assert refusal(tmp_path / "a.txt", b"\x7fELF\0\0") == "it is not text"


def test_a_file_over_the_limit_is_not_opened(tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)

    with pytest.raises(Unreadable, match="larger than 50 MB"):
        passages_of(large)


def test_a_file_that_is_not_there_is_an_error_of_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        passages_of(tmp_path / "none.md")


def test_only_documents_have_a_reader() -> None:
    names = ["a.md", "a.TXT", "a.pdf", "a.docx", "a.csv", "md", ".hidden.md", "~$open.docx"]

    assert [name for name in names if has_reader(name)] == ["a.md", "a.TXT", "a.pdf", "a.docx"]
