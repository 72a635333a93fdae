"""A question read word by word; each word is accounted for, or the question is refused."""

from collections.abc import Callable

from blocks.errors import QuestionRefused
from tasks.question.offline.asked import Asked, During, Missing
from tasks.question.offline.conditions import dated, flag, value_at
from tasks.question.offline.grammar import (
    AGGREGATES,
    COUNTS,
    DISTINCT,
    FILLERS,
    GROUPS,
    IS,
    LEADS,
    NOT,
    PLACES,
    SUPERLATIVES,
    UNITS,
    WHERE,
    WITHOUT,
)
from tasks.question.offline.measuring import measure
from tasks.question.offline.names import Names, Said
from tasks.question.offline.ordering import limit, order
from tasks.question.offline.refusals import cannot, no_column, unknown
from tasks.question.offline.state import State
from tasks.question.offline.words import Token


def read(question: str, names: Names) -> Asked:
    """What the question asks for.

    Raises:
        QuestionRefused: a word of it is not known, or cannot be used where it is.
    """
    state = State(question, names)
    state.cursor.take(LEADS)
    while (token := state.cursor.ahead()) is not None:
        if not any(rule(state) for rule in _RULES):
            raise _stuck(state, token)
    return state.asked


def _stuck(state: State, token: Token) -> QuestionRefused:
    if token.kind == "date":
        return cannot(token.text, f"it is not said what of that date; write such as `in {token.text}`")
    if token.kind == "number":
        return cannot(token.text, "it is not said of what; write such as `with COLUMN over 5`, or `top 5` and `by`")
    if token.kind == "quoted":
        return no_column(token.text, state.names)
    if state.cursor.is_known():
        return cannot(token.text, "it is not clear what it belongs to")
    return unknown(token.text, state.names)


def _separator(state: State) -> bool:
    """A comma or `and` between two things."""
    if not state.cursor.take((",", "and", ", and")):
        return False
    if state.cursor.done:
        raise cannot("and", "nothing follows it")
    state.joint = True
    return True


def _group(state: State) -> bool:
    """`per vendor and month`."""
    cursor = state.cursor
    if not (word := cursor.take(GROUPS)):
        return False
    group: Said | None = _unit_or_name(state) or state.a_said(word)
    while group is not None:
        state.asked.groups.append(group)
        after, group = cursor.place, None
        if cursor.take((",", "and", ", and")):
            cursor.take(GROUPS)
            group = None if cursor.peek((*AGGREGATES, *COUNTS, *WHERE, *WITHOUT)) else _unit_or_name(state)
        cursor.place = after if group is None else cursor.place
    state.joint = False
    return True


def _unit_or_name(state: State) -> Said | None:
    if (said := state.said()) is not None:
        return said
    state.cursor.skip_articles()
    unit = state.cursor.take(UNITS)
    return Said(unit, ()) if unit else None


def _without(state: State) -> bool:
    """`without paid date`."""
    if not (word := state.cursor.take(WITHOUT)):
        return False
    state.asked.conditions.append(Missing(state.a_said(word)))
    state.joint = False
    return True


def _participle(state: State) -> bool:
    """`shipped in 1997`, where there is a ShippedDate."""
    cursor = state.cursor
    token = cursor.ahead()
    if token is None or token.kind != "word" or state.names.at(cursor.tokens, cursor.place):
        return False
    if not (meant := state.names.dates(token.text)):
        return False
    cursor.place += 1
    if not (found := dated(cursor, Said(token.text, meant))):
        names = " or ".join(dict.fromkeys(each.column.name for each in meant if each.column))
        raise cannot(token.text, f"no date follows it; it is not certain that those have a {names}, and others not")
    state.asked.conditions.extend(found)
    state.joint = False
    return True


def _where(state: State) -> bool:
    """A condition after `where` or `with`, or after `that are`."""
    cursor = state.cursor
    began = cursor.place
    if not (word := cursor.take(WHERE)):
        return False
    negated = bool(cursor.take(NOT))
    said = state.said()
    if said is None:
        if word in IS:
            cursor.place = began
            return False
        raise _no_condition(state, word)
    found = () if negated else state.conditions(said)
    if not found and (one := flag(said, expected=not negated)):
        found = (one,)
    if not found and word in IS and not negated:
        cursor.place = began
        return False
    if not found:
        raise cannot(f"{word} {said.words}", f"no condition follows; write such as {said.words} is 'this'")
    state.asked.conditions.extend(found)
    state.joint, state.conditional = False, True
    return True


def _no_condition(state: State, word: str) -> QuestionRefused:
    state.cursor.skip_articles()
    token = state.cursor.ahead()
    if state.cursor.peek(SUPERLATIVES):
        return cannot(f"{word} the {state.cursor.peek(SUPERLATIVES)}", "it needs a number, such as top 1 and `by`")
    if token is None or token.kind != "word" or state.cursor.is_known():
        return cannot(word, "no name of a column follows it")
    return unknown(token.text, state.names)


def _period(state: State) -> bool:
    """`in 2026-10`, which is of the rows that are counted or listed, or of the table that was just said."""
    found = dated(state.cursor, None)
    state.asked.conditions.extend(During(None, each.when, each.period, after=state.last) for each in found)
    return bool(found)


def _place(state: State) -> bool:
    """`in the city of Berlin`, `of vendor Acme`, `in invoices`; a value alone is refused."""
    cursor = state.cursor
    began = cursor.place
    if not (word := cursor.take(PLACES)):
        return False
    while cursor.take(("the", "our", "all")):
        pass
    said = state.said()
    if said is None:
        return _no_place(state, word, began)
    if word == "of" and not said.columns:
        # In `the name and city of vendors`, both are of vendors.
        state.asked.shown = [each.within(said) for each in state.asked.shown]
    if word == "in" and said.columns and not said.relations:
        cursor.take(("of",))
    if conditions := state.conditions(said):
        state.asked.conditions.extend(conditions)
    elif said.relations:
        state.asked.subjects.append(said)
    else:
        raise cannot(f"{word} {said.words}", f"no value follows it, such as {word} {said.words} 'this'")
    state.joint = False
    return True


def _no_place(state: State, word: str, began: int) -> bool:
    if word == "of":
        state.cursor.place = began
        return False
    value = value_at(state.cursor, state.names)
    if value is not None and (value.kind == "quoted" or value.text[:1].isupper()):
        raise no_column(value.text, state.names)
    state.cursor.place = began + 1
    raise _no_condition(state, word)


def _name(state: State) -> bool:
    """A table or column, perhaps with a condition: `invoices status open`, `vendor is 'Able'`."""
    if state.cursor.take(DISTINCT):
        state.asked.distinct = True
        return True
    if (said := state.said()) is None:
        return False
    conditions = state.conditions(said, loose=not state.joint or state.conditional)
    state.asked.conditions.extend(conditions)
    if conditions and not state.joint and state.asked.shown and not state.conditional:
        raise cannot(said.words, "it is not said that this is a condition; write `where` before it")
    if said.relations and state.joint:
        state.asked.listed.append(said)
    elif not conditions and not state.joint:
        raise cannot(said.words, "it is not said what to do with it; write `and` or a comma before it")
    elif not conditions:
        state.asked.shown.append(said)
    state.joint = False
    return True


def _filler(state: State) -> bool:
    return bool(state.cursor.take(FILLERS))


_RULES: tuple[Callable[[State], bool], ...] = (
    *(_without, _separator, order, limit, measure, _group, _participle, _where, _period, _place),
    *(State.take_flag, _name, _filler),
)
"""In this order: what begins with more words first."""
