"""The Service block: how its fields say who we are, what it refuses, and whom it shares its limits with."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from blocks.services.limits import Quota
from blocks.services.presets import APIS, Preset
from blocks.services.service import Auth, Service

SITE = "https://api.example.com"
TOKEN = "hush-hush-1"  # noqa: S105  # nobody's
BLANK = " \n "
SECRETS: dict[str, str] = {
    "token": TOKEN,
    "client_secret": "hush-hush-2",
    "refresh_token": "hush-hush-3",
    "service_account": '{"private_key": "hush-hush-4"}',
    "private_key": "-----BEGIN KEY-----\nhush-hush-5\n-----END KEY-----",
}
OTHERS = {
    "username": "ada",
    "token_header": "X-Api-Key",
    "client_id": "client-1",
    "app_id": "12",
    "installation_id": "34",
}
WAYS: dict[Auth, tuple[str, ...]] = {
    "none": (),
    "bearer": ("token",),
    "basic": ("username", "token"),
    "header": ("token_header", "token"),
    "refresh token": ("client_id", "client_secret", "refresh_token"),
    "service account": ("service_account",),
    "github app": ("app_id", "installation_id", "private_key"),
}


def service(*given: str, **changed: Any) -> Service:
    """A service with those fields filled in."""
    values = {"base_url": SITE, "token_url": f"{SITE}/token", **{name: (SECRETS | OTHERS)[name] for name in given}}
    return Service(**(values | changed))


def refusal(*given: str, **changed: Any) -> str:
    """What is said of a service that is refused, for people."""
    with pytest.raises(ValidationError) as refused:
        service(*given, **changed)
    assert "hush" not in str(refused.value)
    [problem] = refused.value.errors(include_input=False)
    assert "\n" not in problem["msg"]
    return str(problem["msg"])


@pytest.mark.parametrize(("auth", "given"), WAYS.items())
def test_who_we_are_is_said_by_what_is_filled_in(auth: Auth, given: tuple[str, ...]) -> None:
    assert service(*given).auth == auth


@given(st.sets(st.sampled_from(sorted(SECRETS | OTHERS))).filter(lambda given: given not in map(set, WAYS.values())))
def test_what_is_incomplete_or_doubled_is_refused_in_one_line_that_quotes_no_secret(given: set[str]) -> None:
    said = refusal(*given)

    assert "fill in what goes together, and nothing beside it: token; username and token;" in said


def test_a_secret_of_spaces_is_none() -> None:
    assert service(token=BLANK).auth == "none"


@pytest.mark.parametrize("ending", ["\n", "\r\n", " "])
def test_what_was_pasted_with_a_line_break_at_its_end_is_used_without_it(ending: str) -> None:
    assert service(token=TOKEN + ending).token == SecretStr(TOKEN)


@pytest.mark.parametrize(
    "amiss", ["hush\nhush", "hush\r\nX-Other: 1", "hush\thush", "hush-ü", "hush\x00", "hush-\u200b"]
)
@pytest.mark.parametrize("name", ["token", "client_secret", "refresh_token"])
def test_a_secret_that_http_does_not_allow_is_refused(name: str, amiss: str) -> None:
    assert "characters that HTTP does not allow" in refusal(**{name: amiss})


@pytest.mark.parametrize("name", ["private_key", "service_account"])
def test_a_key_may_have_lines_but_nothing_that_is_not_ascii(name: str) -> None:
    given = ("app_id", "installation_id") if name == "private_key" else ()

    assert getattr(service(*given, **{name: "hush\nhush"}), name) == SecretStr("hush\nhush")
    assert "characters that HTTP does not allow" in refusal(*given, **{name: "hush\nhüsh"})


@pytest.mark.parametrize("header", ["X Key", "X-Key\r\nX-Other", "X-Key\n", "X:Key", "Schlüssel"])
def test_a_header_that_is_no_name_is_refused(header: str) -> None:
    assert "pattern" in refusal("token", token_header=header)


@pytest.mark.parametrize("preset", ["rest", "jira"])
def test_an_api_that_may_be_anywhere_needs_an_address(preset: Preset) -> None:
    assert "write it" in refusal(preset=preset, base_url="")


@pytest.mark.parametrize("preset", ["slack", "google", "github", "hubspot"])
def test_an_api_of_one_place_needs_no_address(preset: Preset) -> None:
    assert Service(preset=preset).address == APIS[preset].base_url


def test_an_address_of_ones_own_stands_before_that_of_the_preset() -> None:
    assert (
        service(preset="github", base_url="https://git.example.com/api/v3/").address == "https://git.example.com/api/v3"
    )


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("https://api.example.com/", "https://api.example.com"),
        (" https://api.example.com/v2/ ", "https://api.example.com/v2"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/api", "http://[::1]:8080/api"),
    ],
)
def test_an_address_is_kept_without_its_last_slash(written: str, address: str) -> None:
    assert service(base_url=written).address == address


@pytest.mark.parametrize(
    "written",
    [
        "api.example.com",
        "//api.example.com",
        "ftp://api.example.com",
        "file:///etc/passwd",
        "https://",
        "https://:80",
        "https://api.example.com:0",
        "https://api.example.com:99999",
        "https://api.example.com:port",
        "https://[::1",
        "https://api.example.com/a b",
        "https://api.example.com/\x07",
    ],
)
def test_an_address_that_cannot_be_asked_is_refused(written: str) -> None:
    assert refusal(base_url=written)


@pytest.mark.parametrize("written", ["https://api.example.com?version=2", "https://api.example.com/v2#items"])
def test_an_address_to_which_no_path_can_be_added_is_refused(written: str) -> None:
    assert refusal(base_url=written)


@pytest.mark.parametrize("written", ["https://ada:hush@api.example.com", "https://hush@api.example.com"])
def test_an_address_with_a_password_is_refused_without_it(written: str) -> None:
    assert "write username and token instead" in refusal(base_url=written)


@pytest.mark.parametrize("only", [{"requests": 5}, {"per_seconds": 1.0}])
def test_half_of_a_quota_is_refused(only: dict[str, float]) -> None:
    assert "requests and per_seconds go together" in refusal(**only)


def test_a_quota_is_the_blocks_own_where_it_has_one() -> None:
    assert service().own_quota is None
    assert service(requests=5, per_seconds=0.5).own_quota == Quota(5, 0.5)


def test_a_refresh_token_needs_a_place_to_be_exchanged_at() -> None:
    assert "write token_url" in refusal(*WAYS["refresh token"], token_url="")
    assert service(*WAYS["refresh token"], preset="google", token_url="").auth == "refresh token"


def test_the_same_secret_at_the_same_host_shares_its_limits() -> None:
    one = service("token", base_url=f"{SITE}/v1", requests=5, per_seconds=1)

    assert one.credential == service("token", base_url=f"{SITE}/v2", concurrency=9).credential


def test_another_host_or_another_secret_shares_nothing() -> None:
    blocks = [
        service("token"),
        service("token", base_url="https://other.example.com"),
        service(token=TOKEN + "0"),
        service("username", "token"),
        service("token", username="grace"),
        service(*WAYS["refresh token"]),
        service(*WAYS["service account"]),
        service(*WAYS["service account"], subject="ada@example.com"),
        service(*WAYS["github app"]),
        service(*WAYS["github app"], installation_id="35"),
        service(),
    ]

    assert len({block.credential for block in blocks}) == len(blocks)


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P"])), st.text("xyz", min_size=6))
def test_a_credential_is_the_host_with_a_digest_and_no_part_of_the_secret(token: str, username: str) -> None:
    credential = service(token=f"hush-{token}", username=username).credential

    host, _, digest = credential.partition("#")
    assert host == "api.example.com"
    assert len(digest) == 12
    assert "hush" not in credential
    assert username not in credential


def test_a_service_shows_none_of_its_secrets() -> None:
    shown = [service(*given) for given in WAYS.values()]

    assert "hush" not in repr(shown)
    assert "hush" not in "".join(map(str, shown))
