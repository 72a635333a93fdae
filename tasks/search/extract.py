"""The text of documents, as passages: a heading and at most about 1,200 characters below it.

Markdown and DOCX are cut at headings, then paragraphs; PDF at pages; text at paragraphs. Headers, footers, footnotes
and text in images are not read. Reading is slow and blocks, so call it in a thread.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

MAX_PASSAGE_CHARACTERS = 1200
MAX_FILE_BYTES = 50 * 1024 * 1024
# What a DOCX may unpack to; a larger one is a bomb, not a document.
_MAX_UNPACKED_BYTES = 8 * MAX_FILE_BYTES
# The parsers promise no set of exceptions for damaged files ("broken PDF files might cause other Exceptions", pypdf).
_PARSER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


class Passage(NamedTuple):
    """A piece of a document. The heading is the whole trail, `Vendors > Acme`, or `page 3`, or empty."""

    heading: str
    text: str


class Block(NamedTuple):
    """A part of a document in order: a heading of level 1 and up, or at level 0 text."""

    level: int
    text: str


class Unreadable(Exception):
    """The file's content cannot be read, now or later, unless it changes."""


def passages_of(path: Path) -> Iterator[Passage]:
    """The file's passages, in order, read as they are asked for.

    Raises:
        Unreadable: it is damaged, encrypted, without text, or over 50 MB.
        OSError: the file system refused; the content may be well.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise Unreadable(f"it is larger than {MAX_FILE_BYTES // 1024**2} MB")
    return packed(_READERS[path.suffix.lower()](path))


def has_reader(name: str) -> bool:
    """Whether files of this name are read: by its ending, and not hidden or a lock file of Word (`~$report.docx`)."""
    return Path(name).suffix.lower() in _READERS and not name.startswith((".", "~$"))


def packed(blocks: Iterable[Block]) -> Iterator[Passage]:
    """Passages of the blocks: neighbours under one heading share a passage until it is full."""
    trail: list[Block] = []
    held: list[str] = []
    for block in blocks:
        if block.level:
            yield from _passage(trail, held)
            title = " ".join(block.text.split())
            trail = [above for above in trail if above.level < block.level] + [Block(block.level, title)]
            held = []
            continue
        for piece in _pieces(_clean(block.text)):
            if held and sum(map(len, held)) + len(piece) > MAX_PASSAGE_CHARACTERS:
                yield from _passage(trail, held)
                held = []
            held.append(piece)
    yield from _passage(trail, held)


def _passage(trail: list[Block], held: list[str]) -> Iterator[Passage]:
    if held:
        yield Passage(_clean(" > ".join(block.text for block in trail if block.text)), "\n\n".join(held))


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces of at most the limit, cut at the end of a line, a sentence or a word where there is one."""
    start = 0
    while start < len(text):
        end = start + MAX_PASSAGE_CHARACTERS
        if end < len(text):
            cuts = (text.rfind(mark, start + MAX_PASSAGE_CHARACTERS // 2, end) for mark in ("\n", ". ", " "))
            end = next((cut + 1 for cut in cuts if cut > 0), end)
        if piece := text[start:end].strip():
            yield piece
        start = end


def _clean(text: str) -> str:
    # Neither a NUL nor half a surrogate pair, which pypdf can give, survives SQLite and JSON.
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def _decoded(path: Path) -> str:
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = raw.decode("utf-16", "replace")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("cp1252", "replace")  # what older Windows programs write
    if "\0" in text:
        raise Unreadable("it is not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _text_blocks(path: Path) -> Iterator[Block]:
    yield from _paragraphs(_decoded(path))


def _paragraphs(text: str) -> Iterator[Block]:
    for paragraph in re.split(r"\n[ \t]*\n", text):
        yield Block(0, paragraph)


def _markdown_blocks(path: Path) -> Iterator[Block]:
    lines: list[str] = []
    fence = ""
    for line in _decoded(path).split("\n"):
        bare = line.strip()
        if fence:
            lines.append(line)
            fence = "" if bare.startswith(fence) and not bare.strip(fence[0]) else fence
            continue
        fence = _fence(bare)
        if heading := _atx(bare):
            yield from (*_paragraphs("\n".join(lines)), heading)
            lines = []
        elif heading := _underlined(lines, bare):
            yield from (*_paragraphs("\n".join(lines[:-1])), heading)
            lines = []
        else:
            lines.append(line)
    yield from _paragraphs("\n".join(lines))


def _fence(bare: str) -> str:
    """The marks with which the line opens a block of code; empty when it opens none."""
    rest = bare.lstrip(bare[:1]) if bare.startswith(("```", "~~~")) else bare
    return "" if "`" in rest else bare[: len(bare) - len(rest)]


def _atx(bare: str) -> Block | None:
    """The heading of a line such as `## Acme ##`."""
    level = len(bare) - len(bare.lstrip("#"))
    if not 1 <= level <= 6 or bare[level : level + 1] not in ("", " ", "\t"):
        return None
    title = bare[level:]
    closed = title.rstrip("#")
    return Block(level, closed if closed.endswith((" ", "\t")) else title)


def _underlined(lines: list[str], bare: str) -> Block | None:
    """The heading that `===` or `---` makes of the one line of text above it."""
    if not (bare and (not bare.strip("=") or (len(bare) >= 3 and not bare.strip("-")))):
        return None
    alone = len(lines) == 1 or (len(lines) > 1 and not lines[-2].strip())
    title = lines[-1].strip() if alone else ""
    return Block(1 if bare[0] == "=" else 2, title) if title and title[0] not in "-*+>|" else None


def _pdf_blocks(path: Path) -> Iterator[Block]:
    import logging

    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

    # It warns about every oddity of a file that it then reads well, to the terminal if nobody listens.
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    # Read whole, so that an OSError is the file system's and never the parser's.
    file = BytesIO(path.read_bytes())
    with _damage_explained(PyPdfError, DependencyError):
        found = False
        try:
            for number, page in enumerate(PdfReader(file).pages, start=1):
                text = page.extract_text().translate(_LIGATURES)
                found = found or bool(text.strip())
                yield from (Block(1, f"page {number}"), Block(0, text))
        except FileNotDecryptedError as error:
            raise Unreadable("it is encrypted") from error
        if not found:
            raise Unreadable("it holds no text; a scanned document must go through text recognition first")


def _docx_blocks(path: Path) -> Iterator[Block]:
    from docx import Document
    from docx.exceptions import PythonDocxError
    from docx.opc.exceptions import OpcError
    from docx.text.paragraph import Paragraph

    content = path.read_bytes()
    file = BytesIO(content)
    with _damage_explained(PythonDocxError, OpcError):
        if content.startswith(_OLE):
            raise Unreadable("it is encrypted, or written by an old Word")
        with zipfile.ZipFile(file) as parts:
            if sum(part.file_size for part in parts.infolist()) > _MAX_UNPACKED_BYTES:
                raise Unreadable(f"it unpacks to more than {_MAX_UNPACKED_BYTES // 1024**2} MB")
        for part in Document(file).iter_inner_content():
            if isinstance(part, Paragraph):
                yield Block(_level(part.style.name if part.style else ""), part.text)
            else:
                rows = (" | ".join(cell.text.strip() for cell in row.cells) for row in part.rows)
                yield Block(0, "\n".join(rows))


def _level(style: str | None) -> int:
    """The level of a paragraph style, which python-docx names in English whatever Word's language."""
    name, _, number = (style or "").partition(" ")
    if name == "Title":
        return 1
    return int(number) + 1 if name == "Heading" and number.isdecimal() else 0


@contextmanager
def _damage_explained(*library_errors: type[Exception]) -> Iterator[None]:
    errors: tuple[type[Exception], ...] = (*library_errors, *_PARSER_ERRORS)
    try:
        yield
    except errors as error:
        reason = _clean(next(iter(str(error).splitlines()), "")) or type(error).__name__
        raise Unreadable(f"it is damaged ({reason[:200]})") from error


_READERS: dict[str, Callable[[Path], Iterator[Block]]] = {
    ".md": _markdown_blocks,
    ".txt": _text_blocks,
    ".pdf": _pdf_blocks,
    ".docx": _docx_blocks,
}
