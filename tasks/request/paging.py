"""Reads a list to its end, page by page, and says where it stopped and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil

from pydantic import JsonValue

from blocks.errors import HoldfastError
from blocks.services.call import Answer, Call
from blocks.services.presets import Api
from blocks.services.reading import found
from blocks.words import counted
from tasks.request.calling import Ask
from tasks.request.shape import rows_of


@dataclass
class Listing:
    """What was read of a list."""

    rows: list[JsonValue] = field(default_factory=list)
    first: JsonValue = None
    """The first page's body."""
    pages: int = 0
    unchanged: int = 0
    """Pages that were as they had been kept."""
    stopped: str = ""
    """Why there is more than was read; empty: there is not."""


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a list."""

    api: Api
    pick: str | None
    limit: int
    all_pages: bool


async def read_list(ask: Ask, first: Call, wanted: Wanted) -> Listing:
    """The rows of all pages, as many as are wanted; a page that fails after the first ends the list.

    Raises:
        HoldfastError: the first page cannot be read.
    """
    listing, call, asked, total = Listing(), first, set[str](), None
    while True:
        try:
            answer = await ask(call)
        except HoldfastError as error:
            if not listing.pages:
                raise
            listing.stopped = f"stopped at {_page(listing, total)}: {error}"
            return listing
        rows = rows_of(answer.body, wanted.api, wanted.pick)
        if not listing.pages:
            listing.first, total = answer.body, _pages(answer.body, wanted.api, len(rows))
        listing.rows += rows
        listing.pages += 1
        listing.unchanged += answer.not_modified
        following = next_call(wanted.api, call, answer)
        if len(listing.rows) > wanted.limit or (following and len(listing.rows) == wanted.limit):
            del listing.rows[wanted.limit :]
            listing.stopped = f"only the first {counted(wanted.limit, 'row')} were read, at {_page(listing, total, -1)}"
            return listing
        if following is None or not wanted.all_pages:
            return listing
        asked.add(repr(call))
        if repr(following) in asked:
            listing.stopped = f"stopped at {_page(listing, total)}: its address is that of an earlier page"
            return listing
        call = following


def next_call(api: Api, call: Call, answer: Answer) -> Call | None:
    """What asks for the page after this one; None: there is none."""
    for way in api.paging:
        if not way.more:
            if answer.next_url:
                return replace(call, path=answer.next_url, params={})
            continue
        more = found(way.more, answer.body)
        if isinstance(more, str | int | float) and more and more is not True:
            if isinstance(call.json, Mapping):  # a search by POST has its place in the list in its body
                return replace(call, json={**call.json, way.parameter: more})
            return replace(call, params={**call.params, way.parameter: more})
    return None


def _pages(body: JsonValue, api: Api, size: int) -> int | None:
    totals = [found(way.total, body) for way in api.paging if way.total]
    total = next((total for total in totals if isinstance(total, int)), None)
    return ceil(total / size) if total is not None and size else None


def _page(listing: Listing, total: int | None, ahead: int = 0) -> str:
    at = listing.pages + 1 + ahead
    return f"page {at} of {total}" if total and total >= at else f"page {at}"
