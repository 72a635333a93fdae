"""Prepares a saved query for its database as it is now: as it stands, repaired, or refused.

The first good answer is remembered with a sample of each relation that the SQL uses. While the schema's fingerprint
stays the same, the SQL runs as it stands. Where it has changed, each of these relations is looked for by its sample.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import DriftRefused, QueryRefused
from blocks.ledger import GoodAnswerRow
from blocks.schemas.snapshot import Relation, RelationName, Snapshot
from tasks.drift.ctes import with_rebuilt
from tasks.drift.likeness import name_likeness, nearest_relations
from tasks.drift.rebuild import Rebuild
from tasks.drift.sample import Sample
from tasks.drift.search import Asking, Search, search
from tasks.query.guard import parameter_names
from tasks.query.usage import usage

OnDrift = Literal["repair", "fail"]
SAMPLED_EVERY = timedelta(days=1)
"""A sample that is older is taken anew with the next good answer, because data change."""


@dataclass(frozen=True)
class Saved:
    """A saved query: its source, its SQL, and what drift means for it."""

    source: str
    sql: str
    on_drift: OnDrift = "repair"

    def __str__(self) -> str:
        line = " ".join(self.sql.split())
        return f"{line[:60]!r}..." if len(line) > 60 else repr(line)


@dataclass(frozen=True)
class LastGood:
    """A saved query's last good answer, and the schema in which its samples were taken."""

    answer: GoodAnswerRow
    sampled_in: Snapshot


@dataclass(frozen=True)
class Prepared:
    """The SQL to run, and what it stands on."""

    sql: str
    """The saved SQL, or its repair."""
    samples: tuple[Sample, ...]
    """Of the relations that it uses, before any drift."""
    repairs: tuple[str, ...] = ()
    """What was rebuilt, in words; empty where the SQL runs as it stands."""
    sampled: tuple[str, datetime] | None = None
    """The fingerprint of the schema in which the samples were taken, and when; None: this one, just now."""


async def prepared(
    connection: AsyncConnection, saved: Saved, now: Snapshot, last: LastGood | None, since: datetime
) -> Prepared:
    """What to run; `last` is what is remembered of the last good answer, `since` when this schema was first seen.

    Raises:
        DriftRefused: the query uses what has drifted and cannot be rebuilt for sure, or may not be repaired.
        QueryRefused: it was never answered before, and names what is not there.
    """
    asking = Asking(connection, now.dialect)
    if last is None or last.answer.database != now.database:
        return Prepared(saved.sql, await _samples(saved.sql, now, asking))
    known = last.answer
    samples = tuple(Sample.model_validate(each) for each in known.samples.values())
    sampled = (known.sampled_fingerprint, known.sampled_at)
    if known.fingerprint == now.fingerprint:
        repairs = ("as it was for this schema before",) if known.repaired_sql else ()
        return Prepared(known.repaired_sql or saved.sql, samples, repairs, sampled)
    found = [await search(sample, now, last.sampled_in, asking) for sample in samples]
    reasons = [_refusal(sample, each, now) for sample, each in zip(samples, found, strict=True)]
    if any(reasons):
        raise _refused(saved, list(filter(None, reasons)), since, "a guess could give a wrong answer")
    rebuilds = _needed(saved.sql, [each.found[0] for each in found], now)
    if rebuilds and saved.on_drift == "fail":
        raise _refused(saved, list(map(str, rebuilds)), since, "on_drift is fail")
    ctes = {each.old.name: each.select(now.dialect) for each in rebuilds}
    repaired = with_rebuilt(saved.sql, now.dialect, ctes, _search_path(ctes, now))
    # Without values for its parameters a statement cannot be explained; such a one is refused when it is run.
    if rebuilds and not parameter_names(repaired) and (why := await asking.refusal(repaired)):
        raise _refused(saved, [*map(str, rebuilds)], since, f"so repaired it does not run: {why}")
    return Prepared(repaired, samples, tuple(map(str, rebuilds)), sampled)


async def remembered(
    connection: AsyncConnection, saved: Saved, now: Snapshot, done: Prepared, at: datetime
) -> GoodAnswerRow:
    """What the good answer was taken from; a sample of a schema that has not drifted is renewed once a day."""
    samples, (sampled_fingerprint, sampled_at) = done.samples, done.sampled or (now.fingerprint, at)
    if not done.repairs and at - sampled_at >= SAMPLED_EVERY:
        samples = await _samples(saved.sql, now, Asking(connection, now.dialect))
        sampled_fingerprint, sampled_at = now.fingerprint, at
    return GoodAnswerRow(
        source=saved.source,
        sql=saved.sql,
        database=now.database,
        fingerprint=now.fingerprint,
        samples={_path(each.relation.name): each.model_dump(mode="json") for each in samples},
        repaired_sql=done.sql if done.repairs else None,
        sampled_fingerprint=sampled_fingerprint,
        sampled_at=sampled_at,
        at=at,
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


async def _samples(sql: str, now: Snapshot, asking: Asking) -> tuple[Sample, ...]:
    used = usage(sql, now).relations
    return tuple([await asking.sample(now.by_name[name], columns) for name, columns in used.items()])


def _refused(saved: Saved, reasons: Sequence[str], since: datetime, why: str) -> DriftRefused:
    return DriftRefused(
        f"source {saved.source!r} has drifted under the saved query {saved}: {'; '.join(reasons)}",
        means=f"seen since {since:%Y-%m-%d %H:%M} UTC, and {why}",
        mend="mend the SQL for the schema as it is now",
    )


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


def _path(name: RelationName) -> str:
    return f"{name.schema}.{name.name}"
