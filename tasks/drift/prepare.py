"""Prepares a saved query for a schema that has changed since its last good answer: as it stands, repaired, or refused.

Each relation that the SQL uses was sampled when the answer was good, and is looked for by its sample.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import DriftRefused, QueryRefused
from blocks.ledger import GoodAnswerRow
from blocks.schemas.reading import read_schema
from blocks.schemas.snapshot import Relation, RelationName, Snapshot
from tasks.drift.asking import Asking
from tasks.drift.ctes import with_rebuilt
from tasks.drift.likeness import name_likeness, nearest_relations
from tasks.drift.rebuild import Rebuild
from tasks.drift.sample import Sample
from tasks.drift.saved import LastGood, Prepared, Saved
from tasks.drift.search import Search, search
from tasks.sql.statement import statement
from tasks.sql.usage import usage


async def prepared(
    connection: AsyncConnection, saved: Saved, now: Snapshot, last: LastGood, since: datetime
) -> Prepared:
    """What to run; `since` is when this schema was first seen.

    Raises:
        DriftRefused: the query uses what has drifted and cannot be rebuilt for sure, or may not be repaired.
    """
    asking, samples = Asking(connection, now.dialect), samples_of(last.answer)
    found = [await search(sample, now, last.sampled_in, asking) for sample in samples]
    reasons = [_refusal(sample, each, now) for sample, each in zip(samples, found, strict=True)]
    if any(reasons):
        raise refused(saved, list(filter(None, reasons)), since, "a guess could give a wrong answer")
    rebuilds = _needed(saved.sql, [each.found[0] for each in found], last.sampled_in, now)
    repairs = tuple(_without_new(each) if each.unchanged else str(each) for each in rebuilds)
    if rebuilds and saved.on_drift == "fail":
        raise refused(saved, repairs, since, "on_drift is fail")
    ctes = {each.old.name: each.select(now.dialect) for each in rebuilds}
    repaired = with_rebuilt(saved.sql, ctes, last.sampled_in)
    if rebuilds and (why := await asking.refusal(statement(repaired, saved.values, explain=True))):
        raise refused(saved, repairs, since, f"so repaired it does not run: {why}")
    doubted = [sample.relation.name for sample, each in zip(samples, found, strict=True) if each.doubt]
    return Prepared(repaired, repairs, tuple(f"{name} has other rows or values than it had" for name in doubted))


async def sampled(connection: AsyncConnection, sql: str, now: Snapshot) -> tuple[Sample, ...]:
    """A sample of each relation that the SQL uses.

    Raises:
        QueryRefused: what it uses cannot be told, or is not there, or the schema is not what it was `now`.
    """
    if await read_schema(connection, now) is not now:
        # Whatever was answered may have been answered after the drift, and must not count as good.
        raise QueryRefused("the schema changed while the query was answered", mend="run again")
    asking, used = Asking(connection, now.dialect), usage(sql, now).relations
    return tuple([await asking.sample(now.by_name[name], columns) for name, columns in used.items()])


def samples_of(answer: GoodAnswerRow) -> tuple[Sample, ...]:
    """The samples that are remembered with the answer."""
    return tuple(Sample.model_validate(each) for each in answer.samples.values())


def refused(saved: Saved, reasons: Sequence[str], since: datetime, why: str) -> DriftRefused:
    """The refusal of a saved query because of drift, for these reasons."""
    return DriftRefused(
        f"source {saved.source!r} has drifted under the saved query {saved}: {'; '.join(reasons)}",
        means=f"seen since {since:%Y-%m-%d %H:%M} UTC, and {why}",
        mend="mend the SQL for the schema as it is now",
    )


def _needed(sql: str, found: Sequence[Rebuild], before: Snapshot, now: Snapshot) -> list[Rebuild]:
    """Those that the SQL needs: what is as it was needs none, unless the SQL would see other columns or another table.

    A new column is seen by `SELECT *` and NATURAL JOIN, and by a name without its table that could now be two columns'.
    Another table is seen where its schema has come before on the search path.
    """
    seen = now.having({**now.by_name, **{each.old.name: _as_now(each) for each in found}}.values())
    try:
        the_same = usage(sql, before) == usage(sql, seen)
    except QueryRefused:
        the_same = False
    return [
        each
        for each in found
        if not each.unchanged or (not the_same and (_as_now(each) != each.old or _is_hidden(each.old.name, now)))
    ]


def _is_hidden(name: RelationName, now: Snapshot) -> bool:
    """Whether the relation's name means another one without its schema, or none."""
    found = now.find(name.name)
    return found is None or found.name != name


def _without_new(found: Rebuild) -> str:
    """The repair of what is as it was: its new columns are hidden, and so is another table of its name."""
    new = [column.name for column in found.parts[0].relation.columns if column.name not in found.old.by_name]
    return f"{found.old.name} is meant as {'.'.join(found.old.name)}" + (f", without {', '.join(new)}" if new else "")


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
