"""A question read word by word; each word is accounted for, or the question is refused."""

from collections.abc import Callable

from blocks.errors import QuestionRefused
from tasks.question.asked import Asked, Kind, Measure, Missing, Order
from tasks.question.conditions import condition, dated, flag, value_at
from tasks.question.grammar import (
    AGGREGATES,
    COUNTS,
    DIRECTIONS,
    DISTINCT,
    FILLERS,
    GROUPS,
    IS,
    LEADS,
    NOT,
    NUMBERS,
    OF_DATES,
    ORDERED,
    PLACES,
    SUPERLATIVES,
    TOPS,
    UNITS,
    WHERE,
    WITHOUT,
    Cursor,
)
from tasks.question.names import Names, Said
from tasks.question.refusals import ambiguous, cannot, no_column, unknown
from tasks.question.words import tokens


def read(question: str, names: Names) -> Asked:
    """What the question asks for.

    Raises:
        QuestionRefused: a word of it is not known, or cannot be used where it is.
    """
    reader = _Reader(question, names)
    reader.cursor.take(LEADS)
    while not reader.cursor.done:
        reader.step()
    return reader.asked


class _Reader:
    """A question while it is read."""

    def __init__(self, question: str, names: Names) -> None:
        self.cursor, self.names, self.asked = Cursor(tokens(question)), names, Asked()
        self.joint = True
        """Whether a name may follow: at the beginning, or after a comma, `and` or `of`."""

    def step(self) -> None:
        """Account for the next words.

        Raises:
            QuestionRefused: they cannot be.
        """
        rules: tuple[Callable[[], bool], ...] = (
            *(self._separator, self._order, self._limit, self._measure, self._group, self._without, self._participle),
            *(self._where, self._period, self._place, self._flag, self._name, self._filler),
        )
        if not any(rule() for rule in rules):
            token = self.cursor.ahead()
            assert token is not None  # noqa: S101 - step is called while there is one
            if token.kind in ("quoted", "number", "date"):
                raise no_column(token.text)
            raise unknown(token.text, self.names)

    def _separator(self) -> bool:
        """A comma or `and` between two things."""
        if not self.cursor.take((",", "and", ", and")):
            return False
        self.joint = True
        if self.cursor.done:
            raise cannot("and", "nothing follows it")
        return True

    def _said(self) -> Said | None:
        """The name that is next, without its article, and of which table it is if `of` one follows."""
        began = self.cursor.place
        self.cursor.skip_articles()
        found = self.names.at(self.cursor.tokens, self.cursor.place)
        if found is None:
            self.cursor.place = began
            return None
        self.cursor.place += found[0]
        return self._of_its_table(found[1])

    def _of_its_table(self, said: Said) -> Said:
        began = self.cursor.place
        if self.cursor.take(("of", "of the", "of our", "of all", "of all the")) and said.columns:
            following = self.names.at(self.cursor.tokens, self.cursor.place)
            tables = [each.relation.name for each in following[1].relations] if following else []
            held = tuple(each for each in said.columns if each.relation.name in tables)
            if following and held and len(tables) == len(following[1].can_mean):
                # The table is read again as what it is, with what is said of it.
                self.cursor.place = began
                return Said(said.words, held)
        self.cursor.place = began
        return said

    def _order(self) -> bool:
        began = self.cursor.place
        if self.cursor.take(ORDERED):
            while True:
                target = self._measured() or self._said()
                if target is None:
                    raise cannot("ordered by", "no name of a column follows it")
                self.asked.orders.append(Order(target, DIRECTIONS.get(self.cursor.take(DIRECTIONS), "up")))
                after = self.cursor.place
                if not (self.cursor.take((",", "and")) and (self._measured() or self._said())):
                    self.cursor.place = after
                    return True
                self.cursor.place = after + 1
        word = self.cursor.take(DIRECTIONS)
        if word.endswith(" first"):
            self.asked.orders.append(Order(None, DIRECTIONS[word], of_dates=word.removesuffix(" first") in OF_DATES))
            return True
        self.cursor.place = began
        return False

    def _limit(self) -> bool:
        """`top 5`, `first 10`, `the 3 largest`, `limit 10`, or a number before what is listed."""
        began = self.cursor.place
        end = self.cursor.take(TOPS)
        starts = end or self.cursor.take(("first", "limit", "limit to"))
        if not starts:
            self.cursor.skip_articles()
        number = self._number()
        ranked = TOPS.get(end)
        if number and not end and (word := self.cursor.take(SUPERLATIVES)):
            ranked = SUPERLATIVES[word]
        head = self._head() if number else None
        if not number or not (starts or ranked or head):
            self.cursor.place = began
            return False
        if self.asked.limit is not None:
            raise cannot(str(number), "there are two limits")
        self.asked.limit, self.asked.ranked, self.asked.head = number, ranked, head
        return True

    def _head(self) -> Said | None:
        while self._flag():
            pass
        head = self._said()
        if head is None:
            return None
        self.joint = False
        self.asked.conditions.extend(condition(self.cursor, self.names, head))
        return head

    def _number(self) -> int:
        token = self.cursor.ahead()
        number = NUMBERS.get(token.lower, 0) if token else 0
        if token and token.kind == "number" and token.text.isascii() and token.text.isdecimal() and len(token.text) < 8:
            number = int(token.text)
        self.cursor.place += 1 if number else 0
        return number

    def _measure(self) -> bool:
        """A measure, or what a limit ranks by: `top 5 vendors with the most invoices`."""
        began = self.cursor.place
        self.cursor.take(("with", "have", "has", "having"))
        ranked = self._ranked_by()
        if ranked is not None:
            self.asked.orders.append(ranked)
            return True
        self.cursor.place = began
        self.cursor.skip_articles()
        measured = self._measures()
        if not measured:
            self.cursor.place = began
        self.asked.measures.extend(measured)
        self.joint = self.joint and not measured
        return bool(measured)

    def _ranked_by(self) -> Order | None:
        """The order of `by total amount`, `with the most invoices` or `with the highest amount` after a limit."""
        asked = self.asked
        if asked.limit is None or asked.head is None or asked.orders:
            return None
        if asked.ranked and self.cursor.take(("by", "by the")):
            target = self._measured() or self._said()
            return Order(target, asked.ranked) if target else None
        self.cursor.skip_articles()
        word = self.cursor.take(SUPERLATIVES)
        if not word or asked.ranked:
            return None
        target = self._measured()
        if target is None and (said := self._said()):
            target = Measure("count", said) if said.relations and word in ("most", "fewest", "least") else None
            asked.ranked = SUPERLATIVES[word]
            return Order(target or said, asked.ranked)
        asked.ranked = SUPERLATIVES[word]
        return Order(target, asked.ranked) if target else None

    def _measured(self) -> Measure | None:
        """The one measure that is next."""
        began = self.cursor.place
        self.cursor.skip_articles()
        measured = self._measures()
        if len(measured) != 1:
            self.cursor.place = began
            return None
        return measured[0]

    def _measures(self) -> list[Measure]:
        """The measures that are next: one, or two of one column as in `minimum and maximum amount`."""
        if self._is_longer_name():
            return []
        if word := self.cursor.take(COUNTS):
            distinct = bool(self.cursor.take(DISTINCT))
            while self._flag():
                pass
            if (said := self._said()) is None:
                raise self._no_name(word)
            self.asked.conditions.extend(condition(self.cursor, self.names, said))
            return [Measure("count", said, distinct)]
        kinds: list[Kind] = []
        words: list[str] = []
        while word := self.cursor.take(AGGREGATES):
            kinds.append(AGGREGATES[word])
            words.append(word)
            if not (self.cursor.peek(("and",)) and self.cursor.peek(AGGREGATES, 1)):
                break
            self.cursor.place += 1
        if not kinds:
            return []
        said = self._said()
        if said is None or not said.columns:
            raise self._no_name(" and ".join(words), said)
        return [Measure(kind, said) for kind in kinds]

    def _is_longer_name(self) -> bool:
        """Whether the words are a name that begins with a measure's word, such as a column `total_amount`.

        Raises:
            QuestionRefused: they could be a measure as well.
        """
        word = self.cursor.peek(AGGREGATES) or self.cursor.peek(COUNTS)
        found = self.names.at(self.cursor.tokens, self.cursor.place) if word else None
        if not found or found[0] <= len(word.split()):
            return False
        rest = self.names.at(self.cursor.tokens, self.cursor.place + len(word.split()))
        if rest and len(word.split()) + rest[0] == found[0]:
            raise ambiguous(found[1], (*found[1].can_mean, *rest[1].can_mean))
        return True

    def _no_name(self, word: str, said: Said | None = None) -> QuestionRefused:
        token = self.cursor.ahead()
        if said is not None:
            return cannot(word, f"{said.words!r} is a table; say which of its columns, or `number of {said.words}`")
        if self.names.at(self.cursor.tokens, self.cursor.place - len(word.split())):
            return cannot(word, f"it could be the column of that name; write `sum of {word}` or `list {word}`")
        if token is None or token.lower in AGGREGATES or token.lower in FILLERS or token.kind != "word":
            return cannot(word, "no name of a column or table follows it")
        return unknown(token.text, self.names)

    def _group(self) -> bool:
        if not (word := self.cursor.take(GROUPS)):
            return False
        if (said := self._grouped()) is None:
            token = self.cursor.ahead()
            raise unknown(token.text, self.names) if token and token.kind == "word" else cannot(word, "no name follows")
        while said is not None:
            self.asked.groups.append(said)
            after = self.cursor.place
            said = None
            if self.cursor.take((",", "and", ", and")):
                self.cursor.take(GROUPS)
                said = None if self.cursor.peek((*AGGREGATES, *COUNTS, *WHERE, *WITHOUT)) else self._grouped()
            if said is None:
                self.cursor.place = after
        self.joint = False
        return True

    def _grouped(self) -> Said | None:
        self.cursor.skip_articles()
        if (said := self._said()) is not None:
            return said
        unit = self.cursor.take(UNITS)
        return Said(unit, ()) if unit else None

    def _without(self) -> bool:
        if not (word := self.cursor.take(WITHOUT)):
            return False
        if (said := self._said()) is None:
            token = self.cursor.ahead()
            raise unknown(token.text, self.names) if token and token.kind == "word" else cannot(word, "no name follows")
        self.asked.conditions.append(Missing(said))
        self.joint = False
        return True

    def _participle(self) -> bool:
        """`shipped in 1997`, where there is a ShippedDate."""
        token = self.cursor.ahead()
        if token is None or token.kind != "word" or self.names.at(self.cursor.tokens, self.cursor.place):
            return False
        if not (meant := self.names.dates(token.text)):
            return False
        self.cursor.place += 1
        found = dated(self.cursor, Said(token.text, meant))
        if not found:
            column = meant[0].column.name if meant[0].column else ""
            raise cannot(token.text, f"no date follows it; write a condition, or `without {column}`")
        self.asked.conditions.extend(found)
        self.joint = False
        return True

    def _where(self) -> bool:
        """A condition after `where` or `with`, or after `that are`; two or more with `and`."""
        began = self.cursor.place
        word = self.cursor.take(WHERE)
        bare = word in IS
        if not word:
            return False
        negated = bool(self.cursor.take(NOT))
        if (said := self._said()) is None:
            self.cursor.place = began
            return self._hopeless(word)
        if found := flag(said, expected=not negated):
            follows = condition(self.cursor, self.names, said)
            self.asked.conditions.extend(follows if follows and not negated else (found,))
        elif not negated and (conditions := condition(self.cursor, self.names, said)):
            self.asked.conditions.extend(conditions)
        elif bare and not negated:
            self.cursor.place = began
            return False
        else:
            raise cannot(f"{word} {said.words}", f"no condition follows; write such as {said.words} is 'this'")
        self.joint = False
        return True

    def _hopeless(self, word: str) -> bool:
        """What follows `where` is no name: none but words such as `is` may stand there."""
        if self.cursor.peek(("the",), len(word.split())) or self.cursor.peek(SUPERLATIVES, len(word.split())):
            raise cannot(word, "it has no number; write such as `top 1 vendors by total amount`")
        if word in IS or word in PLACES:
            return False
        token = self.cursor.ahead(len(word.split()))
        raise unknown(token.text, self.names) if token and token.kind == "word" else cannot(word, "no name follows it")

    def _period(self) -> bool:
        found = dated(self.cursor, None)
        self.asked.conditions.extend(found)
        return bool(found)

    def _place(self) -> bool:
        """`in the city of Berlin`, `of vendor Acme`, `in invoices`; a value alone is refused."""
        began = self.cursor.place
        if not (word := self.cursor.take(PLACES)):
            return False
        self.cursor.skip_articles()
        if self.cursor.take(("our", "all", "all our", "all the")) and not word:
            return False
        said = self._said()
        if said is None:
            return self._no_place(word, began)
        self.cursor.take(("of",)) if word == "in" and said.columns and not said.relations else None
        if conditions := condition(self.cursor, self.names, said):
            self.asked.conditions.extend(conditions)
        elif said.relations:
            self.asked.subjects.append(said)
        elif word == "of":
            self._show(said)
        else:
            raise cannot(f"{word} {said.words}", f"no value follows it, such as {word} {said.words} 'this'")
        self.joint = False
        return True

    def _no_place(self, word: str, began: int) -> bool:
        value = value_at(self.cursor, self.names)
        if value is not None and word != "of" and (value.kind == "quoted" or value.text[:1].isupper()):
            raise no_column(value.text)
        self.cursor.place = began
        if word == "of":
            return False
        token = self.cursor.ahead(1)
        raise unknown(token.text, self.names) if token and token.kind == "word" else cannot(word, "no name follows it")

    def _flag(self) -> bool:
        """`preferred` or `not preferred` before a table."""
        began = self.cursor.place
        expected = not self.cursor.take(("not",))
        said = self._said()
        found = flag(said, expected=expected) if said else None
        following = self.names.at(self.cursor.tokens, self.cursor.place)
        if found and following and following[1].relations:
            self.asked.conditions.append(found)
            return True
        self.cursor.place = began
        return False

    def _name(self) -> bool:
        """A table or column, perhaps with a condition: `status open`, `vendor is 'Able'`."""
        if self.cursor.take(DISTINCT):
            self.asked.distinct = True
            return True
        if (said := self._said()) is None:
            return False
        if conditions := condition(self.cursor, self.names, said):
            self.asked.conditions.extend(conditions)
            # `list invoices with status open` has its table; `list vendor Able` has it in the condition.
            if self.joint and said.relations:
                self.asked.listed.append(said)
        elif said.relations and self.joint:
            self.asked.listed.append(said)
        else:
            self._show(said)
        self.joint = False
        return True

    def _show(self, said: Said) -> None:
        if not self.joint:
            raise cannot(said.words, "it is not said what to do with it; write `and` or a comma before it")
        self.asked.shown.append(said)

    def _filler(self) -> bool:
        return bool(self.cursor.take(FILLERS))
