"""Who we are at a service: what requests carry, how tokens are had and renewed, and what is said where they are not."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import time
from traceback import format_exception
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from blocks.errors import CredentialsRefused, HoldfastError, ServiceUnavailable
from blocks.ledger import Ledger
from blocks.services.call import Answer, Call, Trace
from blocks.services.client import TRIES
from tests.blocks.services.asking import Clock, client_at, send
from tests.servers.scripted_api import Says, ScriptedApi, Streams, TokenDesk, scripted_api

SECRET, REFRESH = "scripted-secret-5b1e", "scripted-refresh-c3f7"  # they open nothing but the scripted server
NEW = Call("POST", "/items", json={"n": 1})
EMAIL = "reports@acme.iam.gserviceaccount.example"
SCOPES = ("https://www.googleapis.example/auth/gmail.readonly", "https://www.googleapis.example/auth/drive")
OAUTH: dict[str, Any] = {"client_id": "holdfast", "client_secret": SECRET, "refresh_token": REFRESH}


@pytest.fixture
def oauth() -> Iterator[ScriptedApi]:
    """An API that takes the tokens which it gives for the refresh token."""
    with scripted_api(TokenDesk(refresh_token=REFRESH, client=("holdfast", SECRET))) as started:
        yield started


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def signed(key: rsa.RSAPrivateKey) -> Iterator[ScriptedApi]:
    """An API that takes the tokens which it gives for what the key has signed."""
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with scripted_api(TokenDesk(public_key=public, issuer=EMAIL)) as started:
        yield started


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> str:
    """The key as GitHub gives it: PKCS #1, for RSA."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption(),
    ).decode()


def account(url: str, key: rsa.RSAPrivateKey, **changed: object) -> str:
    """The JSON that Google gives for a service account, whose key is PKCS #8."""
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    written = {"type": "service_account", "client_email": EMAIL, "private_key_id": "k1", "private_key": private}
    return json.dumps({**written, "token_uri": f"{url}/token", **changed})


def tokens_asked(api: ScriptedApi) -> int:
    """How often a token was asked for."""
    return sum(asked.path.partition("?")[0].endswith(("/token", "/access_tokens")) for asked in api.asked)


def is_told(error: HoldfastError, *secrets: str) -> None:
    """Asserts that it is one line, and that nothing of the secrets is in it or behind it."""
    assert "\n" not in str(error)
    assert (error.__cause__, error.__context__) == (None, None)
    told = "".join(format_exception(error))
    assert not [secret for secret in secrets if secret in told]


# What does not change.


async def test_a_bearer_token_is_carried_by_every_request(api: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(api.url, ledger, token=f"{SECRET}\n") as client:
        await send(client)
        await send(client, NEW)

    assert [asked.headers["authorization"] for asked in api.asked] == [f"Bearer {SECRET}"] * 2


async def test_a_username_with_a_token_is_http_basic(api: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(api.url, ledger, username="ana@acme.example", token=f"{SECRET}:/") as client:
        await send(client)

    written = b64encode(f"ana@acme.example:{SECRET}:/".encode()).decode()
    assert api.asked[0].headers["authorization"] == f"Basic {written}"


async def test_a_token_in_a_header_of_its_own_is_in_no_other(api: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(api.url, ledger, token=SECRET, token_header="X-Api-Key") as client:  # noqa: S106  # its name
        await send(client)

    assert api.asked[0].headers["x-api-key"] == SECRET
    assert "authorization" not in api.asked[0].headers


async def test_who_has_nothing_to_show_shows_nothing(api: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(api.url, ledger) as client:
        await send(client)

    assert "authorization" not in api.asked[0].headers


@pytest.mark.parametrize("fields", [{"token": SECRET}, {"username": "ana", "token": SECRET}])
async def test_a_token_that_cannot_be_renewed_is_refused_after_one_request(
    api: ScriptedApi, ledger: Ledger, fields: dict[str, Any]
) -> None:
    api.usual = Says({"message": "bad credentials"}, 401)
    async with client_at(api.url, ledger, **fields) as client:
        with pytest.raises(CredentialsRefused) as raised:
            await send(client)

    assert str(raised.value) == (
        "service 'crm' answered 401: bad credentials; mend who we are in the Service block 'crm'"
    )
    is_told(raised.value, SECRET)
    assert len(api.asked) == 1


# Refresh tokens.


async def test_a_refresh_token_is_exchanged_once_for_many_calls_at_once(oauth: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", concurrency=10, **OAUTH) as client:
        await asyncio.gather(*(send(client) for _ in range(10)))

    assert tokens_asked(oauth) == 1
    assert oauth.asked[0].form == {"grant_type": "refresh_token", **OAUTH}
    assert "authorization" not in oauth.asked[0].headers
    assert [asked.headers["authorization"] for asked in oauth.asked[1:]] == ["Bearer given-1"] * 10


async def test_a_token_that_is_refused_is_renewed_once_for_many_calls_at_once(
    oauth: ScriptedApi, ledger: Ledger
) -> None:
    trace, held = Trace(), Event()
    refused = Says({"message": "expired"}, 401, held_by=held)
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", concurrency=10, **OAUTH) as client:
        await send(client)
        oauth.on("GET", "/items", *[refused] * 9)
        oauth.on("POST", "/items", refused)
        calls = [asyncio.create_task(send(client, NEW, trace=trace))]
        calls += [asyncio.create_task(send(client)) for _ in range(9)]
        while len(oauth.asked) < 12:
            await asyncio.sleep(0.01)
        held.set()
        answers = await asyncio.gather(*calls)

    assert [answer.body for answer in answers] == [{"ok": True}] * 10
    assert tokens_asked(oauth) == 2
    assert trace.attempts == 1
    first, second = [asked for asked in oauth.asked if asked.method == "POST" and asked.path == "/items"]
    assert first.json == second.json == {"n": 1}
    assert second.headers["authorization"] == "Bearer given-2"


async def test_a_token_is_renewed_before_its_time_is_over(oauth: ScriptedApi, ledger: Ledger) -> None:
    clock = Clock()
    async with client_at(oauth.url, ledger, clock, token_url=f"{oauth.url}/token", **OAUTH) as client:
        await send(client)
        clock.on(3600 - 61)
        await send(client)
        clock.on(2)
        await send(client)

    carried = [asked.headers["authorization"] for asked in oauth.asked if asked.path == "/items"]
    assert carried == ["Bearer given-1", "Bearer given-1", "Bearer given-2"]
    assert tokens_asked(oauth) == 2


async def test_a_new_token_that_is_refused_too_is_not_renewed_again_and_again(
    oauth: ScriptedApi, ledger: Ledger
) -> None:
    refused = Says({"message": "not for this"}, 401)
    oauth.on("GET", "/items", refused, Says({"n": 1}), refused, refused)
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", **OAUTH) as client:
        with pytest.raises(CredentialsRefused, match="answered 401: not for this"):
            await send(client)
        await send(client)
        with pytest.raises(CredentialsRefused, match="answered 401: not for this"):
            await send(client)

    assert tokens_asked(oauth) == 2


@pytest.mark.parametrize(
    ("fields", "why"),
    [({"refresh_token": "another"}, "The token has been revoked"), ({"client_secret": "another"}, "invalid_client")],
)
async def test_a_refresh_that_is_refused_is_told_in_one_line_and_nothing_is_asked(
    oauth: ScriptedApi, ledger: Ledger, fields: dict[str, Any], why: str
) -> None:
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", **{**OAUTH, **fields}) as client:
        with pytest.raises(CredentialsRefused) as raised:
            await send(client)

    assert str(raised.value) == (
        f"the token of service 'crm' could not be renewed: {why}; mend the Service block 'crm'"
    )
    is_told(raised.value, SECRET, REFRESH)
    assert oauth.paths() == ["POST /token"]


@pytest.mark.parametrize(
    "answer",
    [
        Says({"error": "invalid_grant", "error_description": f"{REFRESH} is\nrevoked"}, 400),
        Says({"error": f"no client holdfast:{SECRET}"}, 401),
    ],
)
async def test_a_token_server_that_quotes_what_it_was_given_is_not_quoted(
    oauth: ScriptedApi, ledger: Ledger, answer: Says
) -> None:
    oauth.on("POST", "/token", answer)
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", **OAUTH) as client:
        with pytest.raises(CredentialsRefused) as raised:
            await send(client)

    is_told(raised.value, SECRET, REFRESH)


@pytest.mark.parametrize(
    "answer",
    [
        Says(b"<html>Sign in", headers={"content-type": "text/html"}),
        Says({"token_type": "Bearer"}),
        Says(["given-1"]),
        Says({"access_token": None}),
        Says({"access_token": 5}),
        Says({"access_token": ""}),
        Says(status=302, headers={"Location": "/elsewhere"}),
        Says(status=204),
    ],
)
async def test_an_answer_without_a_token_is_no_token(oauth: ScriptedApi, ledger: Ledger, answer: Says) -> None:
    oauth.on("POST", "/token", answer)
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", **OAUTH) as client:
        with pytest.raises(CredentialsRefused, match=r"could not be renewed: \d+; mend the Service block 'crm'"):
            await send(client)

    assert oauth.paths() == ["POST /token"]


@pytest.mark.parametrize(
    "ends",
    [
        {},
        {"expires_in": None},
        {"expires_in": "soon"},
        {"expires_in": "3600"},
        {"expires_in": 1e400},
        {"expires_at": None},
        {"expires_at": "never"},
        {"expires_at": "2099-01-01T00:00:00"},
        {"expires_at": "2099-01-01T00:00:00Z"},
    ],
)
async def test_a_token_whose_end_cannot_be_read_is_good_until_it_is_refused(
    api: ScriptedApi, ledger: Ledger, ends: dict[str, object]
) -> None:
    api.on("POST", "/token", Says({"access_token": "given-1", **ends}), Says({"access_token": "given-2", **ends}))
    async with client_at(api.url, ledger, token_url=f"{api.url}/token", **OAUTH) as client:
        await send(client)
        await send(client)
        api.on("GET", "/items", Says(status=401))
        await send(client)

    carried = [asked.headers["authorization"] for asked in api.asked if asked.path == "/items"]
    assert carried == [f"Bearer given-{number}" for number in (1, 1, 1, 2)]


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_token_server_that_is_down_for_a_moment_costs_one_more_try(
    oauth: ScriptedApi, ledger: Ledger, status: int
) -> None:
    oauth.on("POST", "/token", Says({"error": "temporarily_unavailable"}, status))
    trace = Trace()
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", **OAUTH) as client:
        answer = await send(client, NEW, trace=trace)

    assert answer.body == {"ok": True}
    assert trace.attempts == 2
    assert oauth.paths() == ["POST /token", "POST /token", "POST /items"]


async def test_a_token_server_that_stays_down_is_the_service_s_failure(oauth: ScriptedApi, ledger: Ledger) -> None:
    oauth.on("POST", "/token", *[Says({"error": f"down: {REFRESH}"}, 503)] * TRIES)
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", **OAUTH) as client:
        with pytest.raises(ServiceUnavailable) as raised:
            await send(client, NEW)

    assert str(raised.value) == "the token of service 'crm' could not be renewed: 503"
    assert raised.value.retryable
    assert not raised.value.may_be_done
    is_told(raised.value, SECRET, REFRESH)
    assert oauth.paths() == ["POST /token"] * TRIES


async def test_a_write_whose_token_did_not_come_was_not_made_and_is_tried_again(
    oauth: ScriptedApi, ledger: Ledger
) -> None:
    oauth.on("POST", "/token", Says({"access_token": "x" * 1000}, cut=True))
    trace = Trace()
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", **OAUTH) as client:
        answer = await send(client, NEW, trace=trace)

    assert answer.body == {"ok": True}
    assert oauth.paths() == ["POST /token", "POST /token", "POST /items"]


async def test_the_answer_with_the_token_is_read_up_to_a_bound(oauth: ScriptedApi, ledger: Ledger) -> None:
    oauth.on("POST", "/token", Streams(60))
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", most_megabytes=1, **OAUTH) as client:
        with pytest.raises(HoldfastError):
            await send(client)

    assert oauth.sent_bytes < 30e6


async def test_an_answer_that_refuses_the_token_is_read_up_to_a_bound(oauth: ScriptedApi, ledger: Ledger) -> None:
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", most_megabytes=1, **OAUTH) as client:
        await send(client)
        oauth.on("GET", "/items", Streams(60, 401))
        (told,) = await asyncio.gather(send(client), return_exceptions=True)

    assert isinstance(told, Answer | HoldfastError)
    assert oauth.sent_bytes < 30e6


async def test_no_token_is_kept_in_the_ledger(oauth: ScriptedApi, ledger: Ledger, tmp_path: Path) -> None:
    oauth.usual = Says({"kept": "yes"}, headers={"ETag": '"a1"'})
    async with client_at(oauth.url, ledger, token_url=f"{oauth.url}/token", **OAUTH) as client:
        await send(client)

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("ledger.db*"))
    assert b'"kept": "yes"' in written
    assert not [secret for secret in (SECRET, REFRESH, "given-1") if secret.encode() in written]


# Service accounts.


async def test_a_service_account_shows_what_it_has_signed(
    signed: ScriptedApi, ledger: Ledger, key: rsa.RSAPrivateKey
) -> None:
    fields: dict[str, Any] = {"preset": "google", "service_account": account(signed.url, key), "scopes": SCOPES}
    async with client_at(signed.url, ledger, **fields) as client:
        await asyncio.gather(*(send(client) for _ in range(5)))

    assert signed.desk is not None
    (claims,) = signed.desk.claims
    assert (claims["iss"], claims["aud"], claims["scope"]) == (EMAIL, f"{signed.url}/token", " ".join(SCOPES))
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(claims["iat"] - time()) < 60
    assert "sub" not in claims
    assert signed.asked[0].form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert tokens_asked(signed) == 1
    assert {asked.headers["authorization"] for asked in signed.asked[1:]} == {"Bearer given-1"}


async def test_a_service_account_that_acts_for_a_person_says_for_whom(
    signed: ScriptedApi, ledger: Ledger, key: rsa.RSAPrivateKey
) -> None:
    fields: dict[str, Any] = {"service_account": account(signed.url, key), "scopes": SCOPES[:1]}
    async with client_at(signed.url, ledger, subject="ana@acme.example", **fields) as client:
        await send(client)
        assert signed.desk is not None
        signed.desk.expire()
        await send(client)

    assert [claims["sub"] for claims in signed.desk.claims] == ["ana@acme.example"] * 2
    assert signed.asked[-1].headers["authorization"] == "Bearer given-2"


async def test_a_token_url_of_the_block_s_own_is_the_audience_too(
    signed: ScriptedApi, ledger: Ledger, key: rsa.RSAPrivateKey
) -> None:
    written = account("http://127.0.0.1:9", key)
    async with client_at(
        signed.url, ledger, service_account=written, scopes=SCOPES, token_url=f"{signed.url}/token"
    ) as client:
        await send(client)

    assert signed.desk is not None
    assert [claims["aud"] for claims in signed.desk.claims] == [f"{signed.url}/token"]


async def test_a_service_account_with_another_s_key_is_refused(signed: ScriptedApi, ledger: Ledger) -> None:
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    written = account(signed.url, another)
    async with client_at(signed.url, ledger, service_account=written, scopes=SCOPES) as client:
        with pytest.raises(
            CredentialsRefused, match="could not be renewed: Could not verify token signature"
        ) as raised:
            await send(client)

    is_told(raised.value, *json.loads(written)["private_key"].splitlines()[1:-1])
    assert signed.paths() == ["POST /token"]


# GitHub's apps.


def as_github(api: ScriptedApi, key: str) -> dict[str, Any]:
    """The fields of a GitHub app's block, which the API knows."""
    assert api.desk is not None
    api.desk.issuer = "31415"
    return {"preset": "github", "app_id": "31415", "installation_id": "2718", "private_key": key}


async def test_a_github_app_has_a_token_for_its_installation(
    signed: ScriptedApi, ledger: Ledger, key: rsa.RSAPrivateKey
) -> None:
    async with client_at(signed.url, ledger, **as_github(signed, pem(key))) as client:
        await asyncio.gather(*(send(client) for _ in range(5)))

    assert signed.desk is not None
    (claims,) = signed.desk.claims
    assert claims["iss"] == "31415"
    assert claims["iat"] <= time() < claims["exp"] <= time() + 600
    assert signed.paths()[0] == "POST /app/installations/2718/access_tokens"
    assert signed.asked[0].headers["accept"] == "application/vnd.github+json"
    assert signed.asked[0].headers["x-github-api-version"] == "2022-11-28"
    assert tokens_asked(signed) == 1
    assert [asked.headers["authorization"] for asked in signed.asked[1:]] == ["Bearer given-1"] * 5


async def test_a_github_app_s_token_is_renewed_when_it_is_over_or_refused(
    signed: ScriptedApi, ledger: Ledger, key: rsa.RSAPrivateKey
) -> None:
    assert signed.desk is not None
    async with client_at(signed.url, ledger, **as_github(signed, pem(key))) as client:
        await send(client)
        signed.desk.expire()
        signed.desk.lasts_seconds = 30
        await send(client)
        await send(client)

    # Refused, over, and over: 30 s are less than what a token must have left.
    carried = [asked.headers["authorization"] for asked in signed.asked if asked.path == "/items"]
    assert carried == [f"Bearer given-{number}" for number in (1, 1, 2, 3)]


async def test_a_github_app_that_github_does_not_know_is_told_its_words(
    signed: ScriptedApi, ledger: Ledger, key: rsa.RSAPrivateKey
) -> None:
    fields = as_github(signed, pem(key)) | {"app_id": "999"}
    async with client_at(signed.url, ledger, **fields) as client:
        with pytest.raises(CredentialsRefused, match="could not be renewed: unknown issuer; mend") as raised:
            await send(client)

    is_told(raised.value, *pem(key).splitlines()[1:-1])


# Keys that cannot be read.


async def refused(url: str, ledger: Ledger, **fields: Any) -> CredentialsRefused:
    """How the block is refused, when it is opened or at its first call."""
    with pytest.raises(CredentialsRefused) as raised:
        async with client_at(url, ledger, **fields) as client:
            await send(client)
    return raised.value


@pytest.mark.parametrize("kind", ["garbage", "cut", "encrypted", "elliptic", "public", "account"])
async def test_a_private_key_that_cannot_be_read_names_the_field_and_nothing_of_it(
    signed: ScriptedApi, ledger: Ledger, key: rsa.RSAPrivateKey, kind: str
) -> None:
    public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    written = {
        "garbage": SECRET,
        "cut": pem(key)[:400],
        "encrypted": pem(key, b"password"),
        "elliptic": pem(ec.generate_private_key(ec.SECP256R1())),
        "public": key.public_key().public_bytes(*public).decode(),
        "account": account(signed.url, key),
    }[kind]

    error = await refused(signed.url, ledger, **as_github(signed, written))

    assert str(error) == (
        "service 'crm' has a private_key that cannot be read; "
        "paste the PEM file that GitHub gave for it into the Service block 'crm'"
    )
    is_told(error, *(line for line in written.splitlines() if line and "-----" not in line))
    assert signed.asked == []


@pytest.mark.parametrize(
    "changed",
    [
        {"private_key": SECRET},
        {"private_key": None},
        {"private_key": 5},
        {"token_uri": "ftp://127.0.0.1/token"},
        {"token_uri": "http://["},
        {"token_uri": 5},
    ],
)
async def test_a_service_account_that_cannot_be_read_names_the_field_and_nothing_of_it(
    signed: ScriptedApi, ledger: Ledger, key: rsa.RSAPrivateKey, changed: dict[str, object]
) -> None:
    written = account(signed.url, key, **changed)

    error = await refused(signed.url, ledger, service_account=written, scopes=SCOPES)

    assert str(error) == (
        "service 'crm' has a service_account that cannot be read; "
        "paste the JSON that Google gave for it into the Service block 'crm'"
    )
    is_told(error, SECRET, *account(signed.url, key).split("\\n")[1:-2])
    assert signed.asked == []


@pytest.mark.parametrize(
    "written", [SECRET, "{}", "[]", "5", '"text"', "{", '{"private_key": "x", "client_email": "y"}']
)
async def test_what_is_no_service_account_is_told_so(signed: ScriptedApi, ledger: Ledger, written: str) -> None:
    error = await refused(signed.url, ledger, service_account=written, scopes=SCOPES)

    assert str(error).startswith("service 'crm' has a service_account that cannot be read; paste the JSON")
    is_told(error, SECRET)
    assert signed.asked == []
