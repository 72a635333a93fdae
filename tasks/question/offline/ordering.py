"""The order and the limit of a question: `ordered by amount descending`, `highest first`, `top 5 vendors`."""

from tasks.question.offline.asked import Measure, Order
from tasks.question.offline.grammar import DIRECTIONS, NUMBERS, OF_DATES, ORDERED, SUPERLATIVES, TOPS
from tasks.question.offline.measuring import one_measure
from tasks.question.offline.names import Said
from tasks.question.offline.refusals import cannot
from tasks.question.offline.state import State


def order(state: State) -> bool:
    """Read `ordered by amount descending and name`, or `highest first`."""
    cursor = state.cursor
    if word := cursor.take(ORDERED):
        target: Measure | Said | None = one_measure(state) or state.a_said(word)
        while target is not None:
            cursor.place += 1 if cursor.peek((",",)) and cursor.peek(DIRECTIONS, 1) else 0
            state.asked.orders.append(Order(target, DIRECTIONS.get(cursor.take(DIRECTIONS), "up")))
            after = cursor.place
            target = (one_measure(state) or state.said()) if cursor.take((",", "and")) else None
            cursor.place = after if target is None else cursor.place
        return True
    word = cursor.peek(DIRECTIONS)
    if not word.endswith(" first"):
        return False
    cursor.take(DIRECTIONS)
    state.asked.orders.append(Order(None, DIRECTIONS[word], of_dates=word.removesuffix(" first") in OF_DATES))
    return True


def limit(state: State) -> bool:
    """Read `top 5`, `first 10`, `the 3 largest`, `limit 10`, or a number before what is listed."""
    cursor, asked = state.cursor, state.asked
    began = cursor.place
    end = cursor.take(TOPS)
    starts = end or cursor.take(("first", "the first", "limit", "limit to"))
    cursor.skip_articles()
    end = end or cursor.take(TOPS)
    number = _number(state)
    word = cursor.take(SUPERLATIVES) if number and not end else ""
    ranked = TOPS.get(end) or SUPERLATIVES.get(word)
    head = _head(state) if number else None
    if not number or not (starts or ranked or head):
        cursor.place = began
        return False
    if asked.limit is not None:
        raise cannot(str(number), "there are two limits")
    asked.limit, asked.ranked, asked.of_dates, asked.head = number, ranked, word in OF_DATES, head
    return True


def _head(state: State) -> Said | None:
    while state.take_flag():
        pass
    head = state.said()
    if head is None:
        return None
    state.joint = False
    state.asked.conditions.extend(state.conditions(head))
    return head


def _number(state: State) -> int:
    token = state.cursor.ahead()
    number = NUMBERS.get(token.lower, 0) if token else 0
    if token and token.kind == "number" and token.text.isascii() and token.text.isdecimal() and len(token.text) < 8:
        number = int(token.text)
    state.cursor.place += 1 if number else 0
    return number
