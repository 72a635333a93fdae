"""What an answer means: its body, its words, and whose fault it is."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from blocks.errors import CredentialsRefused, HoldfastError, RequestRefused, ServiceUnavailable
from blocks.services.presets import APIS, Api
from blocks.services.reading import failure_of, found, is_refusal, json_of, read_bounded

REST = APIS["rest"]
LOGIN_PAGE = b"""<!DOCTYPE html>
<html><head><title>Sign in</title><style>p { color: red }</style><script>if (a < b) { go() }</script></head>
<body><!-- not seen --><h1>Welcome &amp; hello</h1>
<p>Please <b>sign in</b>.</p></body></html>
"""
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def failure(status: int, body: JsonValue = None, *, is_json: bool = True) -> HoldfastError | None:
    return failure_of(REST, "crm", status, body, is_json=is_json)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207])
def test_an_answer_of_the_200s_is_well(status: int) -> None:
    assert failure(status, {"id": 1}) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRefused),
        (401, CredentialsRefused),
        (403, CredentialsRefused),
        (404, RequestRefused),
        (405, RequestRefused),
        (408, ServiceUnavailable),
        (409, RequestRefused),
        (410, RequestRefused),
        (422, RequestRefused),
        (423, ServiceUnavailable),
        (425, ServiceUnavailable),
        (477, ServiceUnavailable),
        (500, ServiceUnavailable),
        (502, ServiceUnavailable),
        (503, ServiceUnavailable),
        (529, ServiceUnavailable),
    ],
)
def test_a_status_says_who_must_act(status: int, kind: type[HoldfastError]) -> None:
    error = failure(status, {"message": "it is so"})

    assert type(error) is kind
    assert str(error).startswith(f"service 'crm' answered {status}: it is so")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_an_answer_without_a_body_is_said_by_its_status_alone(status: int) -> None:
    error = failure(status)

    assert error is not None
    assert error.what == f"service 'crm' answered {status}"


def test_who_is_not_known_and_who_may_not_are_told_different_things() -> None:
    assert "mend who we are in the Service block 'crm'" in str(failure(401))
    assert "give who we are there the right to it" in str(failure(403))


def test_words_that_are_long_or_of_many_lines_become_one_short_line() -> None:
    error = failure(400, {"message": "first\n\n  second " + "x" * 1000})

    assert error is not None
    assert error.what.startswith("service 'crm' answered 400: first second xxx")
    assert len(error.what) < 350


@pytest.mark.parametrize(
    "body", [[], {}, "words", 5, True, {"message": ""}, {"message": None}, {"error": {}}, [{"message": "in a list"}]]
)
def test_a_body_without_words_is_no_trouble(body: JsonValue) -> None:
    error = failure(400, body)

    assert error is not None
    assert error.what == "service 'crm' answered 400"


def test_html_where_json_was_due_is_refused_with_the_words_that_a_person_sees() -> None:
    body, is_json = json_of(LOGIN_PAGE, "text/html; charset=utf-8")

    assert (body, is_json) == ("Sign in Welcome & hello Please sign in .", False)
    error = failure(200, body, is_json=is_json)
    assert isinstance(error, RequestRefused)
    assert "no JSON: 'Sign in Welcome & hello Please sign in .'" in error.what
    assert "look at the address and the path" in str(error)


def test_html_is_known_also_where_its_kind_is_not_said() -> None:
    assert json_of(LOGIN_PAGE, "") == json_of(LOGIN_PAGE, "text/html")


def test_html_of_a_server_that_is_down_is_said_in_its_words() -> None:
    body, is_json = json_of(b"<html><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>", "text/html")

    error = failure(502, body, is_json=is_json)

    assert isinstance(error, ServiceUnavailable)
    assert error.what == "service 'crm' answered 502: 502 Bad Gateway nginx"


@pytest.mark.parametrize("content", [b"<p>Down for R&D", b"<p>Closed: Tom&Jerry"])
def test_words_of_html_that_ends_early_are_seen(content: bytes) -> None:
    assert json_of(content, "text/html") == (content.decode().removeprefix("<p>"), False)


def test_only_the_first_words_of_a_text_are_kept() -> None:
    body, is_json = json_of(b"no such page " * 100, "text/plain")

    assert not is_json
    assert str(body).startswith("no such page no such")
    assert len(str(body)) <= 84


@pytest.mark.parametrize("content", [b"", b"  \r\n"])
def test_an_empty_body_is_nothing_and_well(content: bytes) -> None:
    assert json_of(content, "application/json") == (None, True)
    assert failure(204) is None


@given(JSON)
def test_json_is_read_as_it_was_written(value: JsonValue) -> None:
    assert json_of(json.dumps(value).encode(), "application/json") == (value, True)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b" {} "])
def test_json_in_another_encoding_of_unicode_is_read(content: bytes) -> None:
    assert json_of(content, "application/json") == ({}, True)


@pytest.mark.parametrize("content", [b"{", b"{'a': 1}", b"\xff\xfe\xfd", b"[1, 2", b"1" * 5000])
def test_what_is_nearly_json_is_none(content: bytes) -> None:
    assert json_of(content, "application/json")[1] is False


@pytest.mark.parametrize("content", [b'{"rate": NaN}', b'{"rate": Infinity}', b"[-Infinity]", b'{"rate": 1e999}'])
def test_a_number_that_json_does_not_have_gets_into_no_outcome(content: bytes) -> None:
    body, is_json = json_of(content, "application/json")

    assert not is_json or json.dumps(body, allow_nan=False)


def test_half_of_a_character_gets_into_no_outcome() -> None:
    body, is_json = json_of(b'{"name": "\\ud83d"}', "application/json")

    assert not is_json or json.dumps(body, ensure_ascii=False).encode()


def test_json_that_is_nested_too_deeply_is_none() -> None:
    assert json_of(b"[" * 100_000, "application/json")[1] is False


@pytest.mark.parametrize("expression", ["", "a[", "no_such_function(@)", "sum(@)", "items[::0]"])
def test_an_expression_that_does_not_fit_finds_nothing(expression: str) -> None:
    assert found(expression, {"items": ["a"]}) is None


@given(st.sampled_from(list(APIS.values())), st.sampled_from([200, 302, 400, 403, 429, 500]), JSON)
def test_no_body_is_so_odd_that_it_cannot_be_judged(api: Api, status: int, body: JsonValue) -> None:
    error = failure_of(api, "crm", status, body, is_json=True)

    assert is_refusal(api, status, {}, body) == (status == 429)
    assert error is not None or status < 400
    assert error is None or status >= 300 or api.failed
    assert "\n" not in str(error)


async def read(content: bytes, most_bytes: int) -> bytes:
    return await read_bounded(httpx.Response(200, content=content), most_bytes)


async def test_a_body_is_read_up_to_its_bound() -> None:
    assert await read(b"abcdef", 6) == b"abcdef"


async def test_a_body_beyond_its_bound_is_refused() -> None:
    with pytest.raises(RequestRefused, match=r"longer than 5e-06 MB.*raise most_megabytes"):
        await read(b"abcdef", 5)
