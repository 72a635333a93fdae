"""Which column a period, or a word such as `latest`, is of, where the question does not name one."""

from blocks.errors import QuestionRefused
from blocks.schemas.snapshot import Relation
from tasks.question.offline.asked import During
from tasks.question.offline.names import DATES, Meant, is_date, is_month
from tasks.question.offline.refusals import cannot


def period_column(during: During, root: Relation) -> Meant:
    """The column that the period is of: a text column called month, or the root's only date.

    Raises:
        QuestionRefused: there is none, or there are several.
    """
    for each in during.after.relations if during.after else ():
        if each.relation.name != root.name and _has_dates(each.relation):
            raise cannot(str(during.period.begins), f"it could be of {root.name} or {each}; write which date")
    chosen = _month_or_date(during, root)
    # In `without paid date in 2026-10`, it could be either.
    said = [each for each in during.after.columns if is_date(each)] if during.after else []
    if said and chosen not in said:
        raise cannot(str(during.period.begins), f"it could be of {chosen} or {said[0]}; write which date")
    return chosen


def _month_or_date(during: During, root: Relation) -> Meant:
    months = [each for each in root.columns if is_month(each)]
    if during.period.unit != "day" and len(months) == 1:
        return Meant(root, months[0])
    return only_date(str(during.period.begins), root)


def only_date(words: str, root: Relation) -> Meant:
    """The root's only date.

    Raises:
        QuestionRefused: there is none, or there are several.
    """
    dates = [Meant(root, each) for each in root.columns if each.family in DATES]
    if not dates:
        raise cannot(words, f"{root.name} has no date")
    if len(dates) > 1:
        raise QuestionRefused(
            f"{words!r} could be of {' or '.join(map(str, dates))}",
            means="the offline model never guesses which",
            mend="write which date is meant",
        )
    return dates[0]


def _has_dates(relation: Relation) -> bool:
    return any(is_date(Meant(relation, each)) for each in relation.columns)
