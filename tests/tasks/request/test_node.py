"""The settings of a request node."""

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.outcome import Outcome, Table
from tasks.request.node import RequestNode


def request(**settings: Any) -> RequestNode:
    return RequestNode(id="ask", service="crm", **settings)


def refusal(**settings: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        request(**settings)
    [problem] = refused.value.errors()
    return str(problem["msg"])


@pytest.mark.parametrize("name", ["get", "post", "put", "patch", "delete"])
def test_the_one_path_that_is_written_says_the_method(name: str) -> None:
    node = request(**{name: "/items"})

    assert (node.method, node.path) == (name.upper(), "/items")


def test_a_request_without_a_method_is_refused() -> None:
    assert "write one of get, post, put, patch and delete, not none" in refusal()


def test_a_request_with_two_methods_is_refused_with_both() -> None:
    assert "not get and delete" in refusal(get="/items", delete="/items")


@pytest.mark.parametrize("path", ["", "items", "https://other.example.com/items", "{{ path }}"])
def test_a_path_begins_with_a_slash(path: str) -> None:
    assert "pattern" in refusal(get=path)


@pytest.mark.parametrize("body", [{"name": "x"}, [], "", 0, False])
def test_a_get_with_a_body_is_refused(body: Any) -> None:
    assert "a get has no body" in refusal(get="/items", body=body)


@pytest.mark.parametrize("name", ["get", "put", "patch", "delete"])
def test_only_a_post_can_be_said_to_read(name: str) -> None:
    assert "only_reads is for a post" in refusal(**{name: "/items"}, only_reads=True)


@pytest.mark.parametrize("expression", ["items[", " ", "{a: b", "'", "!" * 5000])
def test_an_expression_that_is_no_jmespath_is_refused(expression: str) -> None:
    assert "is no JMESPath" in refusal(get="/items", pick=expression)
    assert "is no JMESPath" in refusal(get="/items", fields={"total": expression})


@pytest.mark.parametrize("expression", ["no_such_function(@)", "items[::0]"])
def test_an_expression_that_can_never_find_anything_is_refused(expression: str) -> None:
    assert "is no JMESPath" in refusal(get="/items", pick=expression)


def test_an_expression_that_is_empty_is_refused() -> None:
    assert "at least 1 character" in refusal(get="/items", pick="")


@pytest.mark.parametrize("name", ["text", "rows", "gaps", "status"])
def test_a_field_cannot_have_a_name_that_templates_keep(name: str) -> None:
    assert f"fields has '{name}', which templates keep for themselves" in refusal(get="/items", fields={name: "total"})


@pytest.mark.parametrize(
    ("limit", "bound"), [(0, "greater than or equal to 1"), (100_001, "less than or equal to 100000")]
)
def test_a_limit_out_of_bounds_is_refused(limit: int, bound: str) -> None:
    assert bound in refusal(get="/items", limit=limit)


@pytest.mark.parametrize(
    ("settings", "writes"),
    [
        ({"get": "/items"}, False),
        ({"post": "/search", "only_reads": True}, False),
        ({"post": "/items"}, True),
        ({"put": "/items/1"}, True),
        ({"patch": "/items/1"}, True),
        ({"delete": "/items/1"}, True),
    ],
)
def test_what_reads_degrades_with_a_table_and_what_writes_fails_with_a_status(
    settings: dict[str, Any], writes: bool
) -> None:
    node = request(**settings)

    assert node.writes_outside == writes
    assert node.degrades == (not writes)
    assert node.produces_now() == frozenset({"fields" if writes else "table"})
    assert node.field_names() == (frozenset({"status"}) if writes else frozenset())


@pytest.mark.parametrize("settings", [{"get": "/items"}, {"post": "/items"}])
def test_what_a_failure_means_can_be_said_of_each(settings: dict[str, Any]) -> None:
    assert request(**settings, on_failure="degrade").degrades
    assert not request(**settings, on_failure="fail").degrades


def test_fields_are_produced_beside_the_table() -> None:
    node = request(get="/items", fields={"total": "total", "newest": "items[0].id"})

    assert node.produces_now() == frozenset({"table", "fields"})
    assert node.field_names() == frozenset({"total", "newest"})


def test_a_read_that_failed_has_an_empty_table_and_fields_without_values() -> None:
    outcome = Outcome(**request(get="/items", fields={"total": "total"}).empty())

    assert outcome.table == Table(columns=())
    assert outcome.fields == {"total": None}


def test_a_write_that_failed_has_nothing() -> None:
    assert Outcome(**request(post="/items").empty()) == Outcome()


def test_every_text_of_the_path_the_parameters_and_the_body_is_a_template() -> None:
    node = request(
        post="/items/{{ month }}",
        when="month != ''",
        params={"q": "{{ q }}", "size": 5, "all": True, "tag": ["a", "{{ tag }}", 3]},
        body={"name": "{{ name }}", "lines": [{"text": "{{ line }}", "at": 1}, ["{{ deep }}"], None], "open": False},
    )

    assert list(node.templates()) == [
        ("when", "{{ month != '' }}"),
        ("post", "/items/{{ month }}"),
        ("params.q", "{{ q }}"),
        ("params.tag", "a"),
        ("params.tag", "{{ tag }}"),
        ("body.name", "{{ name }}"),
        ("body.lines[0].text", "{{ line }}"),
        ("body.lines[1][0]", "{{ deep }}"),
    ]


def test_a_body_that_is_one_text_is_a_template() -> None:
    assert ("body", "{{ text }}") in list(request(post="/items", body="{{ text }}").templates())


def test_numbers_and_truths_stay_what_they_are() -> None:
    node = request(get="/items", params={"size": 5, "all": True, "ratio": 0.5, "text": "5", "ids": [1, "2"]})

    assert repr(dict(node.params)) == "{'size': 5, 'all': True, 'ratio': 0.5, 'text': '5', 'ids': [1, '2']}"
