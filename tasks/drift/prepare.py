"""Prepares a saved query for a schema that has changed since its last good answer: as it stands, repaired, or refused.

Each relation that the SQL uses was sampled when the answer was good, and is looked for by its sample.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import DriftRefused, QueryRefused
from blocks.schemas.snapshot import Relation, RelationName, Snapshot
from tasks.drift.ctes import with_rebuilt
from tasks.drift.likeness import name_likeness, nearest_relations
from tasks.drift.rebuild import Rebuild
from tasks.drift.sample import Sample
from tasks.drift.saved import LastGood, Prepared, Saved
from tasks.drift.search import Asking, Search, search
from tasks.query.statement import statement
from tasks.query.usage import usage


async def prepared(
    connection: AsyncConnection, saved: Saved, now: Snapshot, last: LastGood, since: datetime
) -> Prepared:
    """What to run; `since` is when this schema was first seen.

    Raises:
        DriftRefused: the query uses what has drifted and cannot be rebuilt for sure, or may not be repaired.
    """
    asking, samples = Asking(connection, now.dialect), samples_of(last)
    found = [await search(sample, now, last.sampled_in, asking) for sample in samples]
    reasons = [_refusal(sample, each, now) for sample, each in zip(samples, found, strict=True)]
    if any(reasons):
        raise refused(saved, list(filter(None, reasons)), since, "a guess could give a wrong answer")
    rebuilds = _needed(saved.sql, [each.found[0] for each in found], now)
    repairs = tuple(map(str, rebuilds))
    if rebuilds and saved.on_drift == "fail":
        raise refused(saved, repairs, since, "on_drift is fail")
    ctes = {each.old.name: each.select(now.dialect) for each in rebuilds}
    repaired = with_rebuilt(saved.sql, now.dialect, ctes, _search_path(ctes, now))
    if rebuilds and (why := await asking.refusal(statement(f"EXPLAIN {repaired}", saved.values))):
        raise refused(saved, repairs, since, f"so repaired it does not run: {why}")
    return Prepared(repaired, repairs)


async def sampled(connection: AsyncConnection, sql: str, now: Snapshot) -> tuple[Sample, ...]:
    """A sample of each relation that the SQL uses.

    Raises:
        QueryRefused: what it uses cannot be told, or is not there.
    """
    asking, used = Asking(connection, now.dialect), usage(sql, now).relations
    return tuple([await asking.sample(now.by_name[name], columns) for name, columns in used.items()])


def samples_of(last: LastGood) -> tuple[Sample, ...]:
    """The samples that are remembered with the answer."""
    return tuple(Sample.model_validate(each) for each in last.answer.samples.values())


def refused(saved: Saved, reasons: Sequence[str], since: datetime, why: str) -> DriftRefused:
    """The refusal of a saved query because of drift, for these reasons."""
    return DriftRefused(
        f"source {saved.source!r} has drifted under the saved query {saved}: {'; '.join(reasons)}",
        means=f"seen since {since:%Y-%m-%d %H:%M} UTC, and {why}",
        mend="mend the SQL for the schema as it is now",
    )


def _needed(sql: str, found: Sequence[Rebuild], now: Snapshot) -> list[Rebuild]:
    """Those that the SQL needs: what is as it was needs none, unless it has other columns now that the SQL would see.

    A new column is seen by `SELECT *` and NATURAL JOIN, and by a name without its table that could now be two columns'.
    """
    before, seen = now.having(each.old for each in found), now.having(_as_now(each) for each in found)
    try:
        the_same = usage(sql, before) == usage(sql, seen)
    except QueryRefused:
        the_same = False
    return [each for each in found if not each.unchanged or (not the_same and _as_now(each) != each.old)]


def _as_now(found: Rebuild) -> Relation:
    """The relation as the SQL would see it: rebuilt, or as it is now."""
    return found.parts[0].relation if found.unchanged else found.old


def _refusal(sample: Sample, found: Search, now: Snapshot) -> str:
    """Why the relation is not known again; empty where it is."""
    name = sample.relation.name
    if len(found.found) == 1:
        return ""
    if found.found:
        return f"{name} could be {' or '.join(map(str, found.found))}"
    why = f" ({'; '.join(found.reasons)})" if found.reasons else ""
    same = now.by_name.get(name)
    if same is None:
        nearest = nearest_relations(sample.relation, now.relations)
        return f"{name} is gone{_nearest([*map(str, nearest)])}{why}"
    gone = [column for column in sample.used if column not in same.by_name]
    if gone:
        return f"{name} has no column {', '.join(gone)}{_nearest(_new_columns(sample.relation, same, gone[0]))}{why}"
    return f"{name} has other values than it had in {', '.join(sample.used)}{why}"


def _new_columns(old: Relation, new: Relation, gone: str) -> list[str]:
    """The columns that the relation did not have, the one whose name is likest first."""
    added = [column.name for column in new.columns if column.name not in old.by_name]
    return sorted(added, key=lambda each: -name_likeness(gone, each))[:3]


def _nearest(names: Sequence[str]) -> str:
    return f", nearest: {', '.join(names)}" if names else ""


def _search_path(ctes: Mapping[RelationName, str], now: Snapshot) -> tuple[str, ...]:
    """Without the schemas in which an unchanged relation has a CTE's name, and would be meant instead."""
    rebuilt, names = {name.schema for name in ctes}, {name.name for name in ctes}
    hidden = {relation.name.schema for relation in now.relations if relation.name.name in names}
    return tuple(schema for schema in now.search_path if schema in rebuilt or schema not in hidden)
