"""The words, numbers, dates and quoted values of a question, and names in a form in which spellings compare equal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from blocks.errors import QuestionRefused
from tasks.drift.likeness import name_words

MEND = "write it with the names of tables and columns, write sql instead, or save a Model Provider block"

_TOKEN = re.compile(
    r"""
      (?<!\w)'(?P<single>(?:[^']|'')*)'(?!\w)
    | (?<!\w)"(?P<double>[^"]*)"(?!\w)
    | (?<!\w)“(?P<curly>[^”]*)”(?!\w)
    | (?<![\w-])(?P<date>\d{4}-\d\d(?:-\d\d)?)(?![\w%-]|\.\d)
    | (?<![\w.-])(?P<number>-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?![\w%-]|[.,]\d)
    | (?P<word>[^\W\d]\w*(?:[.&-]\w+|['\u2019]\w\w+|(?<=\b[A-Z])['\u2019]\w+)*(?:['\u2019]s\b)?)
    | (?P<sign><=|>=|<>|!=|[=<>,])
    | (?P<other>\S+)
    """,
    re.VERBOSE,
)
_QUOTED = ("single", "double", "curly")


@dataclass(frozen=True)
class Token:
    """One piece of a question; a quoted value without its quotes."""

    kind: Literal["word", "number", "date", "quoted", "sign", "other"]
    text: str

    @property
    def lower(self) -> str:
        """What grammar compares; empty for a quoted value, which is never grammar."""
        return "" if self.kind == "quoted" else self.text.casefold()


def tokens(question: str) -> tuple[Token, ...]:
    """The question in pieces, without the sign at its end.

    Raises:
        QuestionRefused: it is empty, or has characters that cannot be printed.
    """
    if unprintable := next((char for char in question if not char.isprintable() and not char.isspace()), ""):
        raise QuestionRefused(f"the question contains {unprintable!r}", means="that is no text", mend="take it out")
    found = tuple(_token(match) for match in _TOKEN.finditer(question.strip().rstrip("?!. ")))
    if not found:
        raise QuestionRefused("the question is empty", mend="write what the node shall find out")
    return found


def _token(match: re.Match[str]) -> Token:
    kind, text = match.lastgroup or "other", match[match.lastgroup or 0]
    if kind in _QUOTED:
        return Token("quoted", text.replace("''", "'") if kind == "single" else text)
    if kind == "word":
        return Token("word", re.sub(r"['\u2019]s$", "", text))
    if kind == "number" and re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", text):
        raise QuestionRefused(f"{text} could be {text.replace('.', '')}", mend="write it without thousands separators")
    if kind == "number":
        return Token("number", text.replace(",", ""))
    return Token("date" if kind == "date" else "sign" if kind == "sign" else "other", text)


def parts(name: str) -> list[str]:
    """The words of a name, each in the singular."""
    # Letters that are not ASCII are no separators, as they would be in name_words.
    return [singular(each) for each in (name_words(name) if name.isascii() else name.casefold().split())]


def key(words: Sequence[str]) -> str:
    """One key for `PurchaseOrders`, `purchase_orders` and `purchase order`."""
    return "".join(part for word in words for part in parts(word))


def singular(word: str) -> str:
    """The word without its plural ending; the same is done to names, so it need not be English."""
    if len(word) <= 2 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    # `statuses` and `warehouses` end alike; `warehouse` loses its e as well.
    return re.sub(r"(?<=us)es?$", "", word.removesuffix("s"))


def plural(word: str) -> str:
    """The word with a plural ending, for the name of a column that counts."""
    if word != singular(word):
        return word
    if word.endswith("y") and not word.endswith(("ay", "ey", "oy", "uy")):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
