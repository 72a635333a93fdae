"""Reading a list to its end, and saying where it stopped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
from pydantic import JsonValue

from blocks.errors import HoldfastError, RequestRefused, ServiceLimited, ServiceUnavailable
from blocks.services.call import Answer, Call
from blocks.services.presets import APIS, Preset
from tasks.request.paging import Wanted, read_list

FIRST = Call("GET", "/items", params={"size": 2})


def wanted(preset: Preset = "rest", *, pick: str | None = None, limit: int = 1000, all_pages: bool = True) -> Wanted:
    return Wanted(APIS[preset], pick, limit, all_pages)


@dataclass
class Service:
    """Answers calls one after another with its pages; one that is an error is raised."""

    pages: list[JsonValue | HoldfastError]
    not_modified: frozenset[int] = frozenset()
    calls: list[Call] = field(default_factory=list)

    async def ask(self, call: Call) -> Answer:
        number = len(self.calls)
        self.calls.append(call)
        page = self.pages[number]
        if isinstance(page, HoldfastError):
            raise page
        return Answer(200, {}, page, not_modified=number in self.not_modified)


def token_pages(*sizes: int) -> list[JsonValue | HoldfastError]:
    """Pages of so many rows, each of which but the last names the next."""
    numbers = iter(range(1, sum(sizes) + 1))
    pages: list[JsonValue | HoldfastError] = []
    for at, size in enumerate(sizes, start=1):
        rows: list[JsonValue] = [next(numbers) for _ in range(size)]
        pages.append({"items": rows} | ({"nextPageToken": f"t{at + 1}"} if at < len(sizes) else {}))
    return pages


def jira_pages(total: int, size: int) -> list[JsonValue | HoldfastError]:
    return [
        {
            "startAt": start,
            "maxResults": size,
            "total": total,
            "isLast": start + size >= total,
            "values": list(range(start + 1, min(start + size, total) + 1)),
        }
        for start in range(0, total, size)
    ]


def replaced(pages: list[JsonValue | HoldfastError], at: int, error: HoldfastError) -> Service:
    return Service([*pages[:at], error, *pages[at + 1 :]])


async def test_all_pages_are_read_in_order() -> None:
    service = Service(token_pages(2, 2, 1))

    listing = await read_list(service.ask, FIRST, wanted())

    assert listing.rows == [1, 2, 3, 4, 5]
    assert (listing.pages, listing.unchanged, listing.stopped) == (3, 0, "")
    assert listing.first == service.pages[0]
    assert [call.params.get("pageToken") for call in service.calls] == [None, "t2", "t3"]


async def test_links_are_followed_to_the_last_page() -> None:
    pages: Mapping[str, Answer] = {
        "/items": Answer(200, {}, [1, 2], "https://api.example.com/items?page=2"),
        "https://api.example.com/items?page=2": Answer(200, {}, [3], ""),
    }

    async def ask(call: Call) -> Answer:
        return pages[call.path]

    listing = await read_list(ask, FIRST, wanted("github"))

    assert (listing.rows, listing.pages, listing.stopped) == ([1, 2, 3], 2, "")


async def test_pages_in_the_middle_may_be_empty() -> None:
    listing = await read_list(Service(token_pages(2, 0, 1)).ask, FIRST, wanted())

    assert (listing.rows, listing.pages, listing.stopped) == ([1, 2, 3], 3, "")


async def test_an_empty_list_is_read_to_its_end() -> None:
    listing = await read_list(Service(token_pages(0)).ask, FIRST, wanted())

    assert (listing.rows, listing.pages, listing.stopped) == ([], 1, "")


async def test_what_is_picked_is_read_of_every_page() -> None:
    pages: list[JsonValue | HoldfastError] = [
        {"data": {"ids": [1]}, "nextPageToken": "t2"},
        {"data": {"ids": [2]}},
    ]

    assert (await read_list(Service(pages).ask, FIRST, wanted(pick="data.ids"))).rows == [1, 2]


async def test_pages_that_had_not_changed_are_counted() -> None:
    service = Service(token_pages(1, 1, 1), not_modified=frozenset({0, 2}))

    assert (await read_list(service.ask, FIRST, wanted())).unchanged == 2


async def test_a_search_by_post_goes_on_in_its_body() -> None:
    service = Service(
        [{"total": 3, "results": [1, 2], "paging": {"next": {"after": "2"}}}, {"total": 3, "results": [3]}]
    )
    call = Call("POST", "/crm/v3/objects/contacts/search", json={"limit": 2}, only_reads=True)

    listing = await read_list(service.ask, call, wanted("hubspot"))

    assert listing.rows == [1, 2, 3]
    assert [call.json for call in service.calls] == [{"limit": 2}, {"limit": 2, "after": "2"}]


@pytest.mark.parametrize(("limit", "pages"), [(1, 1), (2, 1), (3, 2), (4, 2)])
async def test_no_more_rows_are_read_than_are_wanted_and_the_gap_says_so(limit: int, pages: int) -> None:
    service = Service(token_pages(2, 2, 1))

    listing = await read_list(service.ask, FIRST, wanted(limit=limit))

    assert listing.rows == [1, 2, 3, 4, 5][:limit]
    assert len(service.calls) == pages
    rows = "1 row" if limit == 1 else f"{limit} rows"
    assert listing.stopped == f"only the first {rows} were read, at page {pages}"


@pytest.mark.parametrize("limit", [5, 6])
async def test_a_list_that_is_as_long_as_is_wanted_has_no_gap(limit: int) -> None:
    listing = await read_list(Service(token_pages(2, 2, 1)).ask, FIRST, wanted(limit=limit))

    assert (len(listing.rows), listing.stopped) == (5, "")


async def test_a_last_page_with_more_than_is_wanted_leaves_a_gap() -> None:
    listing = await read_list(Service(token_pages(5)).ask, FIRST, wanted(limit=3))

    assert listing.rows == [1, 2, 3]
    assert listing.stopped == "only the first 3 rows were read, at page 1"


async def test_the_first_page_alone_can_be_wanted() -> None:
    service = Service(token_pages(2, 2))

    listing = await read_list(service.ask, FIRST, wanted(all_pages=False))

    assert (listing.rows, listing.pages, listing.stopped) == ([1, 2], 1, "")
    assert len(service.calls) == 1


@pytest.mark.parametrize(
    "error",
    [
        ServiceUnavailable("service 'crm' answered 503"),
        ServiceLimited("service 'crm' is at its limit", means="that is longer than the node can wait"),
        RequestRefused("service 'crm' answered 410: the token is over"),
    ],
)
async def test_a_page_that_fails_keeps_those_before_it_and_the_gap_says_which_and_why(error: HoldfastError) -> None:
    service = replaced(token_pages(2, 2, 1), 1, error)

    listing = await read_list(service.ask, FIRST, wanted())

    assert (listing.rows, listing.pages) == ([1, 2], 1)
    assert listing.stopped == f"stopped at page 2: {error}"


async def test_where_the_api_says_how_many_there_are_the_gap_says_of_how_many_pages() -> None:
    pages = jira_pages(total=9, size=2)

    failed = await read_list(replaced(pages, 1, ServiceUnavailable("it is down")).ask, FIRST, wanted("jira"))
    cut = await read_list(Service(pages).ask, FIRST, wanted("jira", limit=4))

    assert failed.stopped == "stopped at page 2 of 5: it is down"
    assert cut.stopped == "only the first 4 rows were read, at page 2 of 5"


@pytest.mark.parametrize("total", [1, "9", None, True, -1])
async def test_a_total_that_cannot_be_meant_is_left_out(total: JsonValue) -> None:
    first: JsonValue = {"startAt": 0, "total": total, "isLast": False, "values": [1, 2]}

    listing = await read_list(Service([first, ServiceUnavailable("it is down")]).ask, FIRST, wanted("jira"))

    assert listing.stopped == "stopped at page 2: it is down"


async def test_a_first_page_that_fails_is_raised() -> None:
    error = ServiceUnavailable("service 'crm' answered 503")

    with pytest.raises(ServiceUnavailable) as raised:
        await read_list(Service([error]).ask, FIRST, wanted())
    assert raised.value is error


def always(token: str) -> Callable[[int], JsonValue]:
    return lambda number: {"items": [number], "nextPageToken": token}


@pytest.mark.parametrize(
    ("page", "pages"),
    [
        (always("same"), 2),
        (lambda number: {"items": [number], "nextPageToken": f"t{number % 3}"}, 4),
    ],
)
async def test_an_address_that_repeats_is_not_asked_again(page: Callable[[int], JsonValue], pages: int) -> None:
    asked: list[Call] = []

    async def ask(call: Call) -> Answer:
        asked.append(call)
        assert len(asked) < 10
        return Answer(200, {}, page(len(asked)))

    listing = await read_list(ask, FIRST, wanted())

    assert listing.stopped == f"stopped at page {pages + 1}: its address is that of an earlier page"
    assert listing.rows == list(range(1, pages + 1))


async def test_a_page_that_links_to_itself_is_not_asked_again() -> None:
    url = "https://api.example.com/items?page=2"

    async def ask(call: Call) -> Answer:
        return Answer(200, {}, [call.path], url)

    listing = await read_list(ask, FIRST, wanted("github"))

    assert listing.rows == ["/items", url]
    assert listing.stopped == "stopped at page 3: its address is that of an earlier page"
