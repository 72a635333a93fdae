"""The words of questions that the offline model knows, and where it is in a question."""

from collections.abc import Iterable, Mapping

from tasks.question.asked import Compared, Direction, Kind, When
from tasks.question.words import Token

ARTICLES = frozenset({"the", "a", "an"})
FILLERS = ARTICLES | frozenset(
    [
        "of",
        "our",
        "all",
        "please",
        "is",
        "are",
        "was",
        "were",
        "there",
        "do",
        "does",
        "did",
        "we",
        "have",
        "has",
        "their",
        "its",
        "that",
        "which",
        "what",
    ]
)
"""Words that change nothing about what is asked."""
LEADS = frozenset({"list", "show", "give me", "display", "show me", "list me", "tell me"})
TOPS: Mapping[str, Direction] = {"top": "down", "bottom": "up"}
SUPERLATIVES: Mapping[str, Direction] = dict.fromkeys(
    ("highest", "largest", "biggest", "greatest", "most", "latest", "newest", "most recent"), "down"
) | dict.fromkeys(("lowest", "smallest", "least", "fewest", "earliest", "oldest"), "up")
OF_DATES = frozenset({"latest", "newest", "most recent", "earliest", "oldest"})
DIRECTIONS: Mapping[str, Direction] = {
    "descending": "down",
    "desc": "down",
    "ascending": "up",
    "asc": "up",
    "in descending order": "down",
    "in ascending order": "up",
} | {f"{word} first": direction for word, direction in SUPERLATIVES.items()}
ORDERED = frozenset(f"{word} by" for word in ("ordered", "sorted", "order", "sort", "ranked"))
COUNTS = frozenset(
    {"how many", "number of", "the number of", "count of", "total number of", "count"}  # `of` belongs to it
)
AGGREGATES: Mapping[str, Kind] = {
    "total": "sum",
    "sum": "sum",
    "sum of": "sum",
    "total of": "sum",
    "average": "avg",
    "average of": "avg",
    "mean": "avg",
    "mean of": "avg",
    "avg": "avg",
    "minimum": "min",
    "lowest": "min",
    "smallest": "min",
    "min": "min",
    "maximum": "max",
    "highest": "max",
    "largest": "max",
    "biggest": "max",
    "greatest": "max",
    "max": "max",
    "latest": "last",
    "newest": "last",
    "most recent": "last",
    "earliest": "first",
    "oldest": "first",
}
DISTINCT = frozenset({"different", "distinct", "unique"})
GROUPS = frozenset(
    {"per", "by", "by each", "for each", "of each", "for every", "of every", "in each", "in every", "each", "every"}
    | {"grouped by", "group by", "broken down by"}
)
UNITS = frozenset({"month", "year", "day"})
"""Parts of a date that one can group by."""
WHERE = frozenset(
    {"where", "with", "having", "whose", "that have", "which have", "who have", "that has", "which has", "and with"}
    | {"and where", "that are", "which are", "who are", "that is", "which is", "are", "is", "were", "was"}
)
WITHOUT = frozenset({"without", "with no", "have no", "has no", "having no", "that have no", "which have no"})
IS = frozenset({"is", "are", "was", "were", "equals", "is equal to", "equal to", "="})
NOT = frozenset({"not", "is not", "are not", "was not", "were not", "!=", "<>", "isn't", "aren't"})
NULL = frozenset({"null", "missing"})
COMPARED: Mapping[str, Compared] = (
    dict.fromkeys(
        (">", "over", "above", "exceeding")
        + tuple(f"{word} than" for word in ("more", "greater", "larger", "bigger", "higher")),
        ">",
    )
    | dict.fromkeys(("<", "under", "below", *(f"{word} than" for word in ("less", "fewer", "lower", "smaller"))), "<")
    | dict.fromkeys((">=", "at least", "no less than", "not less than"), ">=")
    | dict.fromkeys(("<=", "at most", "no more than", "not more than"), "<=")
)
WHEN: Mapping[str, When] = {
    "in": "in",
    "on": "in",
    "during": "in",
    "for": "in",
    "=": "in",
    "is": "in",
    "since": "since",
    "from": "since",
    ">=": "since",
    "after": "after",
    ">": "after",
    "before": "before",
    "<": "before",
    "until": "until",
    "till": "until",
    "through": "until",
    "up to": "until",
    "<=": "until",
}
PLACES = frozenset({"in", "of", "for", "from", "on", "with"})
"""Words before a relation that only say where something is."""
NUMBERS = {
    word: at
    for at, word in enumerate(["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], start=2)
}

_PHRASES: tuple[Iterable[str], ...] = (
    (FILLERS, LEADS, TOPS, SUPERLATIVES, DIRECTIONS, ORDERED, COUNTS, AGGREGATES, DISTINCT, GROUPS, WHERE, WITHOUT)
    + (IS, NOT, NULL, COMPARED, WHEN, PLACES, NUMBERS)
    + (("and", "or", "between", "to", "first", "no", "not", "limit", "me", "than", "more", "less", "last", "only"),)
)
KNOWN = frozenset(word for phrases in _PHRASES for phrase in phrases for word in phrase.split())
"""Every word of the grammar, which can only be a value in quotes."""
_LENGTH = max(len(phrase.split()) for phrases in _PHRASES for phrase in phrases)


class Cursor:
    """A place in a question."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens, self.place = tokens, 0

    @property
    def done(self) -> bool:
        return self.place >= len(self.tokens)

    def ahead(self, steps: int = 0) -> Token | None:
        """The next token, or one after it."""
        at = self.place + steps
        return self.tokens[at] if at < len(self.tokens) else None

    def peek(self, phrases: Iterable[str], steps: int = 0) -> str:
        """The longest of the phrases that is next; empty for none."""
        known = frozenset(phrases)
        here = [token.lower for token in self.tokens[self.place + steps : self.place + steps + _LENGTH]]
        while here:
            if all(here) and " ".join(here) in known:
                return " ".join(here)
            here.pop()
        return ""

    def take(self, phrases: Iterable[str]) -> str:
        """The same, and the cursor is after it."""
        found = self.peek(phrases)
        self.place += len(found.split())
        return found

    def skip_articles(self) -> None:
        while self.take(ARTICLES):
            pass
