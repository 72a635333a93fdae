"""The words of questions that the offline model knows, and where it is in a question."""

from collections.abc import Iterable, Mapping

from tasks.question.offline.asked import Compared, Direction, Kind, When
from tasks.question.offline.words import Token

ARTICLES = frozenset({"the", "a", "an"})
FILLERS = ARTICLES | {"of", "our", "all", "please", "is", "are", "was", "were", "there", "do", "does", "did"}
FILLERS |= {"we", "have", "has", "their", "its", "that", "which", "what"}
"""Words that change nothing about what is asked."""
LEADS = frozenset({"list", "show", "give me", "display", "show me", "list me", "tell me"})
TOPS: Mapping[str, Direction] = {"top": "down", "bottom": "up"}
_HIGHEST = ("highest", "largest", "biggest", "greatest", "most", "latest", "newest", "most recent")
_LOWEST = ("lowest", "smallest", "least", "fewest", "earliest")
_ENDS: tuple[tuple[tuple[str, ...], Direction], ...] = ((_HIGHEST, "down"), (_LOWEST, "up"))
SUPERLATIVES: Mapping[str, Direction] = {word: direction for words, direction in _ENDS for word in words}
OF_DATES = frozenset({"latest", "newest", "most recent", "earliest"})
"""Those of a date. What the oldest employee is depends on which date is meant."""
DIRECTIONS: Mapping[str, Direction] = {
    **{word: "down" for word in ("descending", "desc", "in descending order")},
    **{word: "up" for word in ("ascending", "asc", "in ascending order")},
    **{f"{word} first": direction for word, direction in SUPERLATIVES.items()},
}
ORDERED = frozenset(f"{word} by" for word in ("ordered", "sorted", "order", "sort", "ranked"))
COUNTS = frozenset({"how many", "number of", "count of", "total number of", "count"})
_MEASURED: Mapping[Kind, tuple[str, ...]] = {
    "sum": ("total", "sum", "sum of", "total of"),
    "avg": ("average", "average of", "mean", "mean of", "avg"),
    "min": ("minimum", "lowest", "smallest", "min"),
    "max": ("maximum", "highest", "largest", "biggest", "greatest", "max"),
    "last": ("latest", "newest", "most recent"),
    "first": ("earliest", "oldest"),
}
AGGREGATES: Mapping[str, Kind] = {word: kind for kind, words in _MEASURED.items() for word in words}
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
WITHOUT = frozenset(
    {"without", "and without", "and no", "with no", "have no", "has no", "having no", "that have no", "which have no"}
)
IS = frozenset({"is", "are", "was", "were", "equals", "is equal to", "equal to", "="})
NOT = frozenset({"not", "is not", "are not", "was not", "were not", "!=", "<>", "isn't", "aren't"})
NULL = frozenset({"null", "missing"})
_TESTS: Mapping[Compared, tuple[str, ...]] = {
    ">": (">", "over", "above", "exceeding", "more than", "greater than", "larger than", "bigger than", "higher than"),
    "<": ("<", "under", "below", "less than", "fewer than", "lower than", "smaller than"),
    ">=": (">=", "at least", "no less than", "not less than"),
    "<=": ("<=", "at most", "no more than", "not more than"),
}
COMPARED: Mapping[str, Compared] = {word: compared for compared, words in _TESTS.items() for word in words}
_TIMES: Mapping[When, tuple[str, ...]] = {
    "in": ("in", "on", "during", "for", "=", "is"),
    "since": ("since", "from", ">="),
    "after": ("after", ">"),
    "before": ("before", "<"),
    "until": ("until", "till", "through", "up to", "<="),
}
WHEN: Mapping[str, When] = {word: when for when, words in _TIMES.items() for word in words}
WHEN_ALONE = frozenset(WHEN) - {"=", "is", "<", ">", "<=", ">=", "up to"}
"""Those that can stand without the name of a date: `> 2000` is of a number, and so may `up to 2000` be."""
WHEN_EQUAL = frozenset({"=", "<", ">", "<=", ">="})
"""Those that compare a number as well, which 2000 may be."""
PLACES = frozenset({"in", "of", "for", "from", "on"})
"""Words before a relation that only say where something is."""
NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
NO_VALUES = frozenset(
    {"empty", "blank", "unknown", "none", "nothing", "any", "anything", "other", "than", "more", "less", "between"}
    | {"contains", "containing", "starts", "starting", "begins", "ends", "ending", "like", "matching", "within"}
    | {"except", "excluding", "unlike", "outside", "wise", "alphabetically", "only", "but", "also", "both", "either"}
    | {"today", "yesterday", "tomorrow", "now", "last", "this", "next", "previous", "current", "recent", "equal"}
    | {"it", "them", "they", "so", "as", "if", "then", "who", "whom", "when", "how", "why", "very", "too", "least"}
)
"""Words that say something of a value, and are none without quotes."""

_PHRASES: tuple[Iterable[str], ...] = (
    *(FILLERS, LEADS, TOPS, SUPERLATIVES, DIRECTIONS, ORDERED, COUNTS, AGGREGATES, DISTINCT, GROUPS, UNITS, WHERE),
    *(WITHOUT, IS, NOT, NULL, COMPARED, WHEN, PLACES, NUMBERS),
    ("and", "or", "between", "to", "first", "no", "not", "limit", "me"),
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

    def is_known(self) -> bool:
        """Whether the next word is one of the grammar."""
        token = self.ahead()
        return token is not None and token.lower in KNOWN

    def has_headline_capitals(self) -> bool:
        """Whether words of the grammar have capitals, so that capitals say nothing."""
        return any(each.lower in KNOWN and each.text[:1].isupper() for each in self.tokens[1:])

    def skip_articles(self) -> None:
        while self.take(ARTICLES):
            pass
