"""The measures of a question, and what its limit ranks by: `total amount`, `top 5 vendors by number of invoices`."""

from blocks.errors import QuestionRefused
from tasks.question.offline.asked import Kind, Measure, Order
from tasks.question.offline.grammar import AGGREGATES, COUNTS, DISTINCT, OF_DATES, SUPERLATIVES
from tasks.question.offline.names import Said
from tasks.question.offline.refusals import ambiguous, cannot, unknown
from tasks.question.offline.state import State


def measure(state: State) -> bool:
    """Read a measure, or what a limit ranks by."""
    began = state.cursor.place
    state.cursor.take(("with", "have", "has", "having"))
    if (ranked := _ranked_by(state)) is not None:
        state.asked.orders.append(ranked)
        return True
    state.cursor.place = began
    state.cursor.skip_articles()
    measured = _measures(state)
    if not measured:
        state.cursor.place = began
        return False
    state.asked.measures.extend(measured)
    state.joint = False
    return True


def one_measure(state: State) -> Measure | None:
    """The only measure that is next."""
    began = state.cursor.place
    state.cursor.skip_articles()
    measured = _measures(state)
    if len(measured) != 1:
        state.cursor.place = began
        return None
    return measured[0]


def _ranked_by(state: State) -> Order | None:
    """The order of `by total amount`, `with the most invoices` or `with the highest amount` after a limit."""
    asked = state.asked
    if asked.limit is None or asked.head is None or asked.orders:
        return None
    if asked.ranked is not None:
        target = (one_measure(state) or state.said()) if state.cursor.take(("by", "by the")) else None
        return Order(target, asked.ranked) if target else None
    state.cursor.skip_articles()
    if not (word := state.cursor.take(SUPERLATIVES)):
        return None
    ranked = one_measure(state) or state.said()
    if isinstance(ranked, Said) and ranked.relations and word in ("most", "fewest", "least"):
        ranked = Measure("count", ranked)
    if ranked is None:
        return None
    asked.ranked, asked.of_dates = SUPERLATIVES[word], word in OF_DATES
    return Order(ranked, asked.ranked)


def _measures(state: State) -> list[Measure]:
    """The measures that are next: one, or two of one column as in `minimum and maximum amount`."""
    cursor = state.cursor
    if _is_longer_name(state):
        return []
    if word := cursor.take(COUNTS):
        distinct = bool(cursor.take(DISTINCT))
        while state.take_flag():
            pass
        said = state.a_said(word)
        state.asked.conditions.extend(state.conditions(said))
        return [Measure("count", said, distinct)]
    kinds: list[Kind] = []
    words: list[str] = []
    while word := cursor.take(AGGREGATES):
        kinds.append(AGGREGATES[word])
        words.append(word)
        if not (cursor.peek(("and",)) and cursor.peek(AGGREGATES, 1)):
            break
        cursor.place += 1
    if not kinds:
        return []
    said_or_none = state.said()
    if said_or_none is None or not said_or_none.columns:
        raise _no_column(state, words, said_or_none)
    # `lowest invoice date` is of a date although its word is of numbers; plan says whether it can be.
    return [Measure(kind, said_or_none) for kind in kinds]


def _is_longer_name(state: State) -> bool:
    """Whether the words are a name that begins with a measure's word, such as a column `total_amount`.

    Raises:
        QuestionRefused: they could be a measure as well.
    """
    cursor, names = state.cursor, state.names
    count = len((cursor.peek(AGGREGATES) or cursor.peek(COUNTS)).split())
    found = names.at(cursor.tokens, cursor.place) if count else None
    if not found or found[0] <= count:
        return False
    rest = names.at(cursor.tokens, cursor.place + count)
    if rest and count + rest[0] == found[0]:
        raise ambiguous(found[1], (*found[1].can_mean, *rest[1].can_mean))
    return True


def _no_column(state: State, words: list[str], said: Said | None) -> QuestionRefused:
    cursor, shown = state.cursor, " and ".join(words)
    if said is not None:
        return cannot(shown, f"{said.words!r} is a table; say which of its columns, or `number of {said.words}`")
    if cursor.peek(COUNTS) or cursor.peek(AGGREGATES):
        return cannot(shown, f"it is followed by {cursor.peek((*COUNTS, *AGGREGATES))!r}, and it measures columns only")
    if state.names.at(cursor.tokens, cursor.place - len(words[-1].split())):
        return cannot(shown, f"it could be the column of that name; write `sum of {shown}`")
    token = cursor.ahead()
    if token is None or token.kind != "word" or cursor.is_known():
        return cannot(shown, "no name of a column follows it")
    return unknown(token.text, state.names)
