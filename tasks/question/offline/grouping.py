"""The plan of a question with measures: what is measured, by what, and in which order."""

from collections.abc import Sequence

from tasks.question.offline.asked import Measure, Missing, Order
from tasks.question.offline.dating import only_date
from tasks.question.offline.lookup import Lookup
from tasks.question.offline.names import DATES, NUMERIC, Meant, Said, is_date
from tasks.question.offline.plan import Bucket, Figure, Plan, Shown, Sorted, identity, once
from tasks.question.offline.refusals import cannot


def figure(measure: Measure, lookup: Lookup) -> Figure:
    """The measure of a table or a column.

    Raises:
        QuestionRefused: it cannot be taken of it.
    """
    said = measure.said
    if measure.kind == "count":
        if said.relations:
            return Figure("count", lookup.relation(said))
        if not measure.distinct:
            raise cannot(said.words, f"it is a column; write `number of different {said.words}`, or name a table")
        return Figure("count", lookup.column(said), distinct=True)
    meant = lookup.column(said)
    relation, column = meant.relation, meant.one_column
    keys = {*relation.primary_key, *(name for each in relation.foreign_keys for name in each.columns)}
    if measure.kind in ("sum", "avg") and (column.family not in NUMERIC or column.name in keys):
        raise cannot(said.words, f"{meant} is {'a key' if column.name in keys else 'no number'}")
    if measure.kind in ("first", "last") and not is_date(meant):
        raise cannot(said.words, f"{meant} is no date")
    if measure.kind in ("min", "max") and column.family not in (*NUMERIC, *DATES):
        raise cannot(said.words, f"{meant} is neither a number nor a date")
    return Figure(measure.kind, meant)


def _groups_of(made: Plan, lookup: Lookup) -> list[Shown]:
    asked = lookup.asked
    if asked.head is None:
        return once(item for said in asked.groups for item in _grouped(said, made, lookup))
    if asked.groups or asked.measures or asked.limit is None or len(made.figures) != 1:
        raise cannot(asked.head.words, "a ranking has one measure and no further groups")
    found = once(_grouped(asked.head, made, lookup))
    first = found[0]
    if isinstance(first, Meant) and (first.relation.name != made.root.name or (first.column and first.column.nullable)):
        # Rows that belong to no vendor are not one of the top vendors.
        made.conditions.append((Missing(asked.head, negated=True), first))
    return found


def _grouped(said: Said, made: Plan, lookup: Lookup) -> list[Shown]:
    if said.words.lower() in ("month", "year", "day"):
        own = [each for each in said.columns if each.relation.name == made.root.name]
        return [*own[:1]] or [Bucket(only_date(said.words, made.root), said.words.lower())]
    meant = lookup.either(said)
    return [meant] if meant.column else [*identity(meant.relation)]


def group(made: Plan, lookup: Lookup) -> None:
    """Plan the measures of each group, in order of the groups unless something else is said.

    Raises:
        QuestionRefused: what the question groups or orders by is not clear, or does not fit its measures.
    """
    asked = lookup.asked
    if asked.listed or asked.shown or asked.distinct:
        said = [*asked.listed, *asked.shown]
        words = said[0].words if said else "different"
        raise cannot(words, "the question has a measure as well; write `by` or `per` before what it is measured by")
    made.shown = _groups_of(made, lookup)
    if made.shown == _own_identity(made) and any(each.kind == "count" for each in made.figures):
        raise cannot(str(made.root.name), "it is counted and grouped by itself")
    if not made.shown and (asked.orders or asked.limit):
        raise cannot("top or first" if asked.limit else "first", "one number needs no order and no limit")
    made.orders = [_group_order(each, made, lookup) for each in asked.orders]
    if asked.ranked and not made.orders:
        made.orders = [(_latest(made) if asked.of_dates else _only(made.figures), asked.ranked)]
    if asked.of_dates and made.orders[0][0] != _latest(made):
        raise cannot("latest or earliest", "the measure is no date")
    if asked.ranked == "up" and made.orders[0][0] in made.figures:
        _refuse_lowest(made)
    taken = [each for each, _ in made.orders]
    made.orders += [(each, "up") for each in made.shown if each not in taken]


def _own_identity(made: Plan) -> list[Shown]:
    return [*identity(made.root)] if made.root.primary_key else []


def _refuse_lowest(made: Plan) -> None:
    """The fewest of something are often none, and a group with none has no row."""
    other = any(isinstance(each, Meant) and each.relation.name != made.root.name for each in made.shown)
    if other and any(each.kind in ("count", "sum") for each in made.figures):
        raise cannot("lowest or fewest", f"those without any {made.root.name} would be left out")


def _latest(made: Plan) -> Shown | Figure:
    """The only date that the question groups by or measures."""
    dates: list[Shown | Figure] = [each for each in made.shown if isinstance(each, Bucket) or is_date(each)]
    dates += [each for each in made.figures if each.kind != "count" and is_date(each.meant)]
    if len(dates) != 1:
        raise cannot("latest or earliest", "it is not clear of which date; write `ordered by` and a name")
    return dates[0]


def _only(figures: Sequence[Figure]) -> Figure:
    if len(figures) != 1:
        raise cannot("highest or lowest", "the question has several measures; write `ordered by` and one of them")
    return figures[0]


def _group_order(order: Order, made: Plan, lookup: Lookup) -> Sorted:
    said = order.said
    if said is None:
        return _latest(made) if order.of_dates else _only(made.figures), order.direction
    if isinstance(said, Measure):
        wanted = figure(said, lookup)
        if wanted not in made.figures:
            raise cannot(said.said.words, "the question is ordered by another measure than it asks for")
        return wanted, order.direction
    meant = lookup.either(said)
    figures = [each for each in made.figures if each.meant == meant]
    groups = [each for each in made.shown if each == meant or (not meant.column and _is_of(each, meant))]
    if len(figures) + bool(groups) != 1:
        raise cannot(said.words, "the question neither groups by it nor measures it, or does both")
    return (figures or groups)[-1], order.direction


def _is_of(shown: Shown, relation: Meant) -> bool:
    return isinstance(shown, Meant) and shown.relation.name == relation.relation.name
