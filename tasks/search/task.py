"""Searches a document collection and returns the best passages as a table."""

from collections.abc import Sequence
from textwrap import shorten

from blocks.documents import open_collection
from blocks.words import counted
from tasks.context import current_run
from tasks.node_task import node_task
from tasks.outcome import Gap, Outcome, Scope, Table
from tasks.search.index import Found, Refresh, match_expression, open_index
from tasks.search.node import COLUMNS, SearchNode
from tasks.templates import render


@node_task
async def search_documents(node: SearchNode, scope: Scope) -> Outcome:
    """The passages that match best, after the index has read what is new; a file that cannot be read is a gap.

    When it is cancelled, a running search stops in the database, and the index keeps every file that it had read: the
    next try goes on from there. The file being read is in a thread, which ends before its next passage.

    Raises:
        QueryRefused: the query has no word, or too many.
        InputRefused: the query's template asks for something that this run does not have.
        SourceUnknown, SourceUnavailable: the collection, its sub-folder or the index cannot be opened.
    """
    run = current_run()
    query = render(node.query, scope)
    words = match_expression(query)
    folder = await open_collection(node.source, run.sources)
    async with open_index(folder, run.settings.home, node.under or "") as index:
        refresh = await index.refresh(run.now())
        found = await index.search(words, node.limit)
    asked = repr(shorten(query, 120, placeholder=" ..."))
    gaps = [
        Gap(node=node.id, reason=f"file {path} could not be read: {reason}", since=since)
        for path, reason, since in refresh.troubles
    ]
    if not found:
        reason = f"no passage matches {asked} in {counted(refresh.indexed, 'document')}"
        gaps.append(Gap(node=node.id, reason=reason, since=run.now()))
    return Outcome(
        table=Table(columns=COLUMNS, rows=tuple(found)),
        confidence=1.0 if found else 0.0,
        gaps=(*scope.gaps, *gaps),
        evidence=(_evidence(found, refresh, asked),),
    )


def _evidence(found: Sequence[Found], refresh: Refresh, asked: str) -> str:
    documents = len({passage.path for passage in found})
    return (
        f"{counted(len(found), 'passage')} from {counted(documents, 'document')} "
        f"({refresh.indexed} indexed) for {asked}"
    )
