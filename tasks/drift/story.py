"""What came of drift, told to people: as Markdown, as artifacts in the Prefect UI, and as rows of the ledger."""

from collections.abc import Iterator, Sequence
from typing import get_args
from uuid import UUID

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks.ledger import ExpectationRow
from blocks.words import counted
from tasks.artifacts import artifact_key, show
from tasks.drift.answering import Answering
from tasks.drift.changes import Change
from tasks.drift.discover import Discovery
from tasks.drift.expectations import About
from tasks.drift.saved import Prepared, Saved


def changes_as_markdown(found: Discovery) -> str:
    """What changed in the source since it was last seen, each with its evidence."""
    before = f"{found.before.at:%Y-%m-%d %H:%M} UTC" if found.before else "it was first seen"
    lines = [f"# The schema of {found.source} has changed", "", f"Last seen as it was: {before}.", ""]
    return "\n".join([*lines, *_listed(found.changes)]) + "\n"


def repair_as_markdown(saved: Saved, done: Prepared) -> str:
    """The repair beside the saved SQL, for whoever approves it."""
    parts = [
        f"The schema of {saved.source} has drifted under this query. What it uses is rebuilt:",
        "\n".join(f"- {repair}" for repair in done.repairs),
        "Saved SQL:",
        _sql(saved.sql),
        "SQL that would be run:",
        _repaired(saved, done),
    ]
    return "\n\n".join(parts)


def as_markdown(answering: Answering) -> str:
    """The whole story of one query: what drifted, what was done about it, and with which SQL."""
    found, saved, done = answering.found, answering.saved, answering.prepared
    parts = [f"# Drift in {found.source}", f"Seen since {found.since:%Y-%m-%d %H:%M} UTC."]
    if found.changes:
        parts.append("\n".join(_listed(found.changes)))
    if answering.refusal:
        parts.append(f"**Refused**: {answering.refusal}")
    if done is not None and done.repairs:
        parts += ["## Repaired", "\n".join(f"- {repair}" for repair in done.repairs), _repaired(saved, done)]
    if done is not None and done.doubts:
        parts.append("\n".join(f"- {doubt}, so the answer had to show that it is the same" for doubt in done.doubts))
    parts += ["## Saved SQL", _sql(saved.sql)]
    counts = [_counted(answering, about) for about in get_args(About)]
    if any(counts):
        parts.append(f"Expected of {', of '.join(filter(None, counts))}. Each is in the table beside this.")
    return "\n\n".join(parts) + "\n"


async def write_changes(found: Discovery) -> None:
    """Adds an artifact that lists the source's changes."""
    changes = acreate_markdown_artifact(
        key=artifact_key("schema", found.source),
        markdown=changes_as_markdown(found),
        description=f"{counted(len(found.changes), 'change')} in the schema of {found.source}",
    )
    await show(changes)


async def write_drift(answering: Answering, workflow: str, node: str) -> None:
    """Adds two artifacts: the story of this query, and what was expected of the schema and the answer."""
    query = f"query {node} of {workflow}"
    story = acreate_markdown_artifact(
        key=artifact_key(workflow, node, "drift"), markdown=as_markdown(answering), description=f"Drift under {query}"
    )
    if not answering.checked:  # refused before anything was
        await show(story)
        return
    expected = acreate_table_artifact(
        key=artifact_key(workflow, node, "expectations"),
        table=[each._asdict() for each in answering.checked],
        description=f"What {query} expected",
    )
    await show(story, expected)


async def record_expectations(answering: Answering, run_id: UUID | None = None, node: str = "") -> None:
    """Adds what was expected to the ledger."""
    at, saved = answering.asker.now(), answering.saved
    rows = [
        ExpectationRow(run_id=run_id, node=node, source=saved.source, sql=saved.sql, at=at, **each._asdict())
        for each in answering.checked
    ]
    await answering.asker.ledger.record_expectations(rows)


def _counted(answering: Answering, about: About) -> str:
    met = [each.met for each in answering.checked if each.about == about]
    return f"the {about}: {len(met)}, met {sum(met)}" if met else ""


def _listed(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        why = f" ({change.score:.0%} sure: {'; '.join(change.evidence)})" if change.evidence else ""
        yield f"- {change}{why}"


def _repaired(saved: Saved, done: Prepared) -> str:
    """The repair, with the saved SQL on lines of its own where it is there as it was."""
    rebuilding, saved_sql, rest = done.sql.partition(saved.sql.strip())
    return _sql(f"{rebuilding.rstrip()}\n{saved_sql}{rest}" if saved_sql else done.sql)


def _sql(sql: str) -> str:
    return f"```sql\n{sql.strip()}\n```"
