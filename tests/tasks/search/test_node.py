"""The settings of a search node."""

import pytest
from pydantic import ValidationError

from tasks.outcome import Outcome
from tasks.search.node import SearchNode


def test_a_search_degrades_after_fifteen_seconds_with_an_empty_table() -> None:
    node = SearchNode(id="find", source="docs", query="late {{ vendor }}")

    assert (node.timeout_seconds, node.degrades) == (15, True)
    assert list(node.templates()) == [("query", "late {{ vendor }}")]
    table = Outcome(**node.empty()).table
    assert table is not None
    assert (table.names, table.rows) == (("path", "heading", "passage", "score"), ())


@pytest.mark.parametrize("under", ["/etc", "../other", "contracts/../../other"])
def test_a_folder_outside_of_the_collection_is_refused(under: str) -> None:
    with pytest.raises(ValidationError, match="leads out of the collection"):
        SearchNode(id="find", source="docs", query="late", under=under)


@pytest.mark.parametrize("limit", [0, 101])
def test_a_limit_out_of_bounds_is_refused(limit: int) -> None:
    with pytest.raises(ValidationError, match="limit"):
        SearchNode(id="find", source="docs", query="late", limit=limit)
