"""The plan of a question that lists rows: which columns, and in which order."""

from tasks.question.offline.asked import Measure, Order
from tasks.question.offline.dating import only_date
from tasks.question.offline.lookup import Lookup
from tasks.question.offline.names import DATES, NUMERIC, Meant, is_date
from tasks.question.offline.plan import Plan, Shown, Sorted, identity, once
from tasks.question.offline.refusals import cannot


def list_rows(made: Plan, lookup: Lookup) -> None:
    """Plan the rows that are listed, in order of their key unless something else is said.

    Raises:
        QuestionRefused: what is listed or what it is ordered by is not clear.
    """
    asked = lookup.asked
    if asked.groups:
        raise cannot(f"by {asked.groups[0].words}", "the question has no measure; write `ordered by`, or say a measure")
    whole = bool(asked.listed or (asked.head and asked.head.relations))
    head = [asked.head] if asked.head and not asked.head.relations else []
    shown: list[Shown] = [lookup.column(each) for each in (*head, *asked.shown)]
    # A table of rows cannot hold pictures and the like.
    columns = [Meant(made.root, each) for each in made.root.columns if each.family != "binary"]
    made.shown = once([*identity(made.root), *shown] if whole and shown else shown or columns)
    if not made.shown:
        raise cannot(str(made.root.name), "it has no columns that can be listed")
    made.distinct = asked.distinct and bool(shown) and not whole
    made.orders = [_list_order(each, made, lookup) for each in asked.orders]
    if asked.ranked and not made.orders:
        latest = asked.of_dates and whole
        made.orders = [(only_date("latest", made.root) if latest else _rankable(_only_shown(made)), asked.ranked)]
    if asked.of_dates and not (isinstance(first := made.orders[0][0], Meant) and is_date(first)):
        raise cannot("latest or earliest", f"{first} is no date")
    _order_the_rest(made)


def _list_order(order: Order, made: Plan, lookup: Lookup) -> Sorted:
    if isinstance(order.said, Measure):
        raise cannot(order.said.said.words, "the question lists rows; say `by` or `per` what it is measured")
    if order.said is not None:
        meant = lookup.column(order.said)
        return _rankable(meant) if lookup.asked.ranked else meant, order.direction
    if order.of_dates:
        return only_date("latest or earliest", made.root), order.direction
    return _rankable(_only_shown(made)), order.direction


def _only_shown(made: Plan) -> Shown:
    if len(made.shown) != 1:
        raise cannot("highest or largest", "it is not said of which column; write `by` and a column")
    return made.shown[0]


def _rankable(shown: Shown) -> Shown:
    """The column, whose values have a highest and a lowest one."""
    if not isinstance(shown, Meant) or shown.column is None or shown.column.family not in (*NUMERIC, *DATES):
        raise cannot("highest or lowest", f"{shown} is neither a number nor a date")
    return shown


def _order_the_rest(made: Plan) -> None:
    """So that the same rows come in the same order; where no key says so, a limit needs every column for it."""
    keys: list[Shown] = [Meant(made.root, made.root.by_name[each]) for each in made.root.primary_key]
    taken = [each for each, _ in made.orders]
    if made.distinct:
        if any(each not in made.shown for each in taken):
            raise cannot("different", "rows that differ can only be ordered by what is shown")
        keys = made.shown
    elif not keys and made.limit:
        keys = made.shown
    made.orders += [(each, "up") for each in keys if each not in taken]
