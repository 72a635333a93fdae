"""Why the offline model cannot answer a question, said so that the person who wrote it can mend it."""

from collections.abc import Iterable

from blocks.errors import QuestionRefused
from tasks.question.offline.names import Meant, Names, Said
from tasks.question.offline.words import MEND, key

_SHOWN = 8
_PLACES = {"city", "country", "region", "state", "town"}


def unknown(word: str, names: Names) -> QuestionRefused:
    """A word that is neither grammar nor a name."""
    near = names.near(word)
    tables = [str(each.name) for each in names.schema.relations]
    more = f" and {len(tables) - _SHOWN} more" if len(tables) > _SHOWN else ""
    known = f"it knows the tables {', '.join(tables[:_SHOWN])}{more}" if tables else "it knows no tables"
    return QuestionRefused(
        f"the offline model does not know what {word!r} means here",
        means=known,
        mend=f"did you mean {' or '.join(near)}? Otherwise {MEND}" if near else MEND,
    )


def no_column(value: str, names: Names) -> QuestionRefused:
    """A value for which no column is said."""
    columns = dict.fromkeys(column.name for each in names.schema.relations for column in each.columns)
    such = " or ".join([each for each in columns if key([each]) in _PLACES][:3]) or "COLUMN"
    return QuestionRefused(
        f"the offline model does not know which column {value!r} is a value of",
        means="it never guesses one",
        mend=f"write where {such} is '{value}'",
    )


def ambiguous(said: Said, meant: Iterable[Meant]) -> QuestionRefused:
    """A name that can mean several things."""
    return QuestionRefused(
        f"{said.words!r} could be {' or '.join(dict.fromkeys(map(str, meant)))}",
        means="the offline model never guesses which",
        mend="write which is meant, such as " + " of ".join(reversed(str(next(iter(meant))).split(".")[-2:])),
    )


def cannot(words: str, reason: str) -> QuestionRefused:
    """Words that are known and cannot be used as they are."""
    return QuestionRefused(f"the offline model cannot use {words!r} here", means=reason, mend=MEND)


def in_quotes(value: str) -> QuestionRefused:
    """A value of which it is not clear where it ends."""
    return QuestionRefused(
        f"it is not clear where the value in {value!r} ends", mend="write the value in quotes, such as 'United States'"
    )
