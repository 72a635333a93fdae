"""From what a question asks for to a plan in one schema: first the table that is counted or listed, then the rest."""

from collections.abc import Sequence

from blocks.errors import QuestionRefused
from blocks.schemas.snapshot import Relation, Snapshot
from tasks.question.offline.asked import Asked, Compare, Condition, During, Measure
from tasks.question.offline.dating import period_column
from tasks.question.offline.grouping import figure, group
from tasks.question.offline.joins import connecting, path
from tasks.question.offline.listing import list_rows
from tasks.question.offline.lookup import Lookup, apart
from tasks.question.offline.names import Meant
from tasks.question.offline.plan import Bucket, Figure, Plan, is_named
from tasks.question.offline.refusals import cannot


def plan(asked: Asked, schema: Snapshot) -> Plan:
    """The question in this schema.

    Raises:
        QuestionRefused: a name is not clear, or the parts of the question do not fit together.
    """
    lookup = Lookup(asked, schema)
    ranked = [each.said for each in asked.orders if isinstance(each.said, Measure)] if asked.head else []
    figures = [figure(each, lookup) for each in [*asked.measures, *ranked]]
    root = _paired(_root_of(figures), lookup) if figures else _listed_root(lookup)
    lookup.settle(root)
    made = Plan(root, figures=figures, limit=asked.limit)
    made.conditions = [(each, _condition_on(each, root, lookup)) for each in asked.conditions]
    _refuse_contradictions(made)
    if figures:
        group(made, lookup)
    else:
        list_rows(made, lookup)
    _refuse_idle(made, lookup)
    made.links = list(dict.fromkeys(link for links in lookup.links.values() for link in links))
    return made


def _root_of(figures: Sequence[Figure]) -> Relation:
    first = figures[0].meant.relation
    for each in figures[1:]:
        if each.meant.relation.name != first.name:
            raise QuestionRefused(
                f"the question measures both {first.name} and {each.meant.relation.name}",
                means="the offline model measures one table at a time",
                mend="ask two questions, or write sql instead",
            )
    return first


def _paired(measured: Relation, lookup: Lookup) -> Relation:
    """The relation itself, or the one that pairs its rows with those it is grouped by, as of tracks and playlists."""
    asked = lookup.asked
    for said in [*asked.groups, *([asked.head] if asked.head else [])]:
        groups = [each.relation for each in said.relations if len(said.can_mean) == 1]
        for group_by in groups:
            if path(measured, group_by, lookup.schema) is None:
                found = connecting(measured, group_by, lookup.schema)
                return found[0] if len(found) == 1 else measured
    return measured


def _listed_root(lookup: Lookup) -> Relation:
    """The table whose rows are listed: the one that is named, or the one that has the named columns of the others."""
    asked = lookup.asked
    listed = [*asked.listed, *([asked.head] if asked.head and asked.head.relations else [])]
    if len(listed) > 1:
        raise cannot(" and ".join(each.words for each in listed), "it lists one table at a time")
    if listed:
        return lookup.relation(listed[0]).relation
    shown = [*asked.shown, *([asked.head] if asked.head else [])]
    if not shown:
        raise cannot(_words_of(asked), "it is not said what to count, add up or list of it")
    found = {each.relation.name: each.relation for each in map(lookup.column, shown)}
    found |= {each.relation.name: each.relation for each in map(lookup.relation, asked.subjects)}
    tables = list(found.values())
    roots = [one for one in tables if all(path(one, other, lookup.schema) is not None for other in tables)]
    if len(roots) != 1:
        raise (
            apart(tables[0], tables[-1], lookup.schema)
            if not roots
            else cannot(_words_of(asked), f"rows of {' or '.join(str(each.name) for each in roots)} could be meant")
        )
    return roots[0]


def _condition_on(condition: Condition, root: Relation, lookup: Lookup) -> Meant:
    """The column that the condition is on."""
    if isinstance(condition, During):
        return lookup.column(condition.said) if condition.said else period_column(condition, root)
    if isinstance(condition, Compare):
        meant = lookup.either(condition.said)
        return meant if meant.column else is_named(meant.relation, condition)
    return lookup.column(condition.said)


def _refuse_contradictions(made: Plan) -> None:
    """`country is Germany and country is France` means one or the other, which it does not say."""
    exact = [meant for each, meant in made.conditions if isinstance(each, Compare) and each.compared == "="]
    if twice := next((each for each in exact if exact.count(each) > 1), None):
        raise cannot(str(twice), "no row has two values of it; write `or` between them")


def _refuse_idle(made: Plan, lookup: Lookup) -> None:
    """A table that is named and changes nothing was meant for something."""
    meant = [each.meant for each in made.figures] + [each for _, each in made.conditions]
    meant += [each.meant if isinstance(each, Bucket) else each for each in made.shown]
    meant += [each for each, _ in made.orders if isinstance(each, Meant)]
    used = {made.root.name, *(each.relation.name for each in meant)}
    for said in lookup.asked.subjects:
        if lookup.relation(said).relation.name not in used:
            raise cannot(said.words, f"it is not said what {made.root.name} has to do with it")


def _words_of(asked: Asked) -> str:
    said = [*asked.subjects, *asked.groups, *(each.said for each in asked.conditions if each.said)]
    return said[0].words if said else "the question"
