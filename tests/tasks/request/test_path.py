"""A path is filled in so that no value adds to it."""

from urllib.parse import unquote

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import JsonValue

from blocks.errors import InputRefused
from tasks.outcome import Outcome, Scope
from tasks.templates import render_path


def path(text: str, value: JsonValue) -> str:
    return render_path(text, Scope(inputs={"key": value}))


def sent(rendered: str) -> str:
    """The path as a request carries it."""
    return httpx.URL(f"https://api.example.com{rendered}").raw_path.decode()


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("A-1", "A-1"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("a?b=c&d", "a%3Fb%3Dc%26d"),
        ("a#b", "a%23b"),
        ("../../admin", "..%2F..%2Fadmin"),
        ("...", "..."),
        ("v1..v2", "v1..v2"),
        ("a\\b", "a%5Cb"),
        ("100%", "100%25"),
        ("%2e%2e", "%252e%252e"),
        ("ü", "%C3%BC"),
        ("a\r\nb", "a%0D%0Ab"),
        (5, "5"),
        (1.5, "1.5"),
    ],
)
def test_a_value_is_quoted(value: JsonValue, quoted: str) -> None:
    assert path("/items/{{ key }}/comments", value) == f"/items/{quoted}/comments"


def test_what_the_definition_says_is_left_as_it_is() -> None:
    text = "/a/b?x=1#y/{% if key %}c/d{% endif %}"

    assert path(text, "yes") == "/a/b?x=1#y/c/d"
    assert path("/plain/../%41?x", "yes") == "/plain/../%41?x"


def test_a_value_of_a_node_or_an_expression_is_quoted_too() -> None:
    scope = Scope(inputs={"key": "a/b"}, outcomes={"find-it": Outcome(fields={"id": "c?d"})})

    assert render_path("/{{ find_it.id }}/{{ key ~ '/' }}/{{ key | upper }}", scope) == "/c%3Fd/a%2Fb%2F/A%2FB"


@pytest.mark.parametrize("text", ["/items/{{ nobody }}", "/items/{{ key.nothing }}", "/items/{{ nobody.id }}"])
def test_a_name_without_a_value_is_refused(text: str) -> None:
    with pytest.raises(InputRefused, match="cannot be filled in"):
        path(text, "A-1")


@pytest.mark.parametrize("value", ["", None])
def test_a_value_that_is_nothing_is_refused(value: JsonValue) -> None:
    with pytest.raises(InputRefused):
        path("/items/{{ key }}", value)


@pytest.mark.parametrize("value", [".", ".."])
@pytest.mark.parametrize(
    "text", ["/items/{{ key }}", "/items/{{ key }}/comments", "/items/{{ key }}{{ key }}/comments"]
)
def test_a_value_that_would_be_another_folder_is_refused(text: str, value: str) -> None:
    with pytest.raises(InputRefused, match="is no part of a path"):
        path(text, value)


@given(st.text(st.characters(codec="utf-8"), min_size=1) | st.text("./%", min_size=1))
def test_any_other_value_is_one_segment_of_the_path_that_is_sent(value: str) -> None:
    assume(value not in (".", ".."))

    segments = sent(path("/items/{{ key }}/comments", value)).split("/")

    assert [unquote(segment) for segment in segments] == ["", "items", value, "comments"]
