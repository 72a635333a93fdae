"""The conditions of a question: `with amount over 100`, `status open`, `paid in 2026-10`, `without paid date`."""

from collections.abc import Collection

from tasks.question.offline.asked import Compare, Condition, During, Flag, Missing, Value, When
from tasks.question.offline.grammar import (
    COMPARED,
    IS,
    KNOWN,
    NO_VALUES,
    NOT,
    NULL,
    WHEN,
    WHEN_ALONE,
    WHEN_EQUAL,
    Cursor,
)
from tasks.question.offline.names import Names, Said, is_date
from tasks.question.offline.periods import Period, period_at
from tasks.question.offline.refusals import cannot, in_quotes
from tasks.question.offline.words import singular


def condition(cursor: Cursor, names: Names, said: Said, *, loose: bool = True) -> tuple[Condition, ...]:
    """What is said about the name that was just read, and the cursor after it; nothing if no condition follows.

    A loose one is of a bare word, as in `status open`.

    Raises:
        QuestionRefused: a condition begins and is not understood.
    """
    if not said.columns:
        return _named(cursor, names, said)
    began = cursor.place
    negated = bool(cursor.take(NOT))
    verb = negated or bool(cursor.take(IS))
    negated = negated or bool(verb and cursor.take(NOT))
    if verb and cursor.take(NULL):
        return (Missing(said, negated=negated),)
    found = () if negated else dated(cursor, said, equals=verb) or _between(cursor, said)
    if not found:
        compared = cursor.take(COMPARED)
        values = _values(cursor, names, said, verb=verb, loose=loose or verb or bool(compared))
        if values:
            if negated and (compared or len(values) > 1):
                raise cannot("not", "it can only say that a column is not one value")
            found = (Compare(said, "<>" if negated else COMPARED.get(compared, "="), values),)
        elif compared:
            raise cannot(compared, f"no number or date follows it, after {said.words!r}")
    if not found:
        cursor.place = began
    return found


def dated(cursor: Cursor, said: Said | None, *, equals: bool = False) -> tuple[During, ...]:
    """The period that a column, or the relation's only date, is said to be in; nothing if none is said."""
    began = cursor.place
    whens = _words_for(said)
    if (
        "in" in whens
        and cursor.take(("between",))
        and (first := _period(cursor))
        and cursor.take(("and",))
        and (last := _period(cursor))
    ):
        return _through(said, first, last)
    cursor.place = began
    when = cursor.take(whens)
    cursor.skip_articles()
    if (when or equals) and (first := _period(cursor)):
        if when == "from" and cursor.peek(("to", "until", "through")):
            cursor.place += 1
            if last := _period(cursor):
                return _through(said, first, last)
            raise cannot("to", "no date follows it")
        return (During(said, WHEN.get(when, "in"), first),)
    cursor.place = began
    return ()


def _words_for(said: Said | None) -> Collection[str]:
    """The words for a time that can be of the name; `discount in 2026` says nothing of the discount."""
    if said is None:
        return WHEN_ALONE
    return WHEN if any(is_date(each) for each in said.columns) else WHEN_EQUAL


def flag(said: Said, *, expected: bool) -> Flag | None:
    """The condition that a yes or no column is, or is not; none for a name that can mean anything else."""
    if said.columns and all(each.column and each.column.family == "boolean" for each in said.can_mean):
        return Flag(said, expected)
    return None


def value_at(cursor: Cursor, names: Names) -> Value | None:
    """The value that is next, and the cursor after it: a number, something in quotes, or words that mean nothing else.

    Raises:
        QuestionRefused: it cannot be said where the value ends.
    """
    token = cursor.ahead()
    if token is None or token.kind in ("sign", "other"):
        return None
    if token.kind in ("quoted", "number"):
        cursor.place += 1
        return Value(token.text, "quoted" if token.kind == "quoted" else "number")
    if token.kind == "date":
        cursor.place += 1
        return Value(token.text, "quoted")
    words: list[str] = []
    while (token := cursor.ahead()) and token.kind == "word" and (not words or token.text[:1].isupper()):
        if token.lower in KNOWN | NO_VALUES or names.at(cursor.tokens, cursor.place):
            if words:
                raise in_quotes(" ".join([*words, token.text]))
            return None
        words.append(token.text)
        cursor.place += 1
        if not words[0][:1].isupper():
            break
    if words and (more := _may_go_on(cursor)):
        raise in_quotes(" ".join([*words, *more]))
    return Value(" ".join(words), "word") if words else None


def _may_go_on(cursor: Cursor) -> list[str]:
    """The next words where they may belong to a value's: a number, or a name's second half as in `Bank of America`."""
    one, two = cursor.ahead(), cursor.ahead(1)
    if one is None or one.kind not in ("word", "number", "date", "quoted"):
        return []
    if one.kind != "word" or one.text[:1].isupper():
        return [one.text]
    between = one.lower in ("of", "and", "the", "for", "in", "on", "to")
    return [one.text, two.text] if between and two and two.kind == "word" and two.text[:1].isupper() else []


def _named(cursor: Cursor, names: Names, said: Said) -> tuple[Compare, ...]:
    """The row that a table's name is followed by the name of: `vendor Acme`, `vendors 'Acme' or 'Able'`."""
    token = cursor.ahead()
    if token is None or token.kind not in ("word", "quoted"):
        return ()
    name = said.words.split()[-1]
    # Capitals say that it is a name, unless all words of the question have them.
    if token.kind == "word" and (
        not token.text[:1].isupper() or cursor.has_headline_capitals() or name.lower() != singular(name.lower())
    ):
        return ()
    values = _values(cursor, names, said, verb=False, loose=True)
    return (Compare(said, "=", values),) if values else ()


def _values(cursor: Cursor, names: Names, said: Said, *, verb: bool, loose: bool) -> tuple[Value, ...]:
    began = cursor.place
    if verb:
        cursor.take(("in",))
    first = value_at(cursor, names)
    if first is None or (not loose and first.kind == "word"):
        cursor.place = began
        return ()
    values = [first]
    while cursor.take(("or",)):
        if (value := value_at(cursor, names)) is None:
            raise cannot("or", f"no other value of {said.words!r} follows it")
        values.append(value)
    return tuple(values)


def _between(cursor: Cursor, said: Said) -> tuple[Compare, ...]:
    began = cursor.place
    if cursor.take(("between",)):
        first = cursor.ahead()
        last = cursor.ahead(2)
        if first and last and first.kind == last.kind == "number" and cursor.peek(("and",), 1):
            cursor.place += 3
            if float(first.text) > float(last.text):
                raise cannot(last.text, f"it is less than {first.text}")
            low, high = Value(first.text, "number"), Value(last.text, "number")
            return Compare(said, ">=", (low,)), Compare(said, "<=", (high,))
        raise cannot("between", "two numbers or two dates must follow it, with `and` between them")
    cursor.place = began
    return ()


def _period(cursor: Cursor) -> Period | None:
    found = period_at(cursor.tokens, cursor.place)
    if found is None:
        return None
    cursor.place += found[0]
    return found[1]


def _through(said: Said | None, first: Period, last: Period) -> tuple[During, ...]:
    if last.ends <= first.begins:
        raise cannot(str(last.begins), f"it is before {first.begins}")
    since: When = "since"
    return During(said, since, first), During(said, "until", last)
