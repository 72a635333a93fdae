"""A team's provider as a block saved on a real Prefect server: which one is found, and what a broken one says."""

from collections.abc import Mapping
from traceback import format_exception
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentCreate
from pydantic import ValidationError

from blocks.errors import OperatorError
from blocks.models.opening import DEFAULT_BLOCK, find_providers, open_models
from blocks.models.provider import ModelProvider
from tests.blocks.models.asking import provider_at

KEY = "sk-saved-5521c0de"


def a_team() -> str:
    return f"models-{uuid4().hex[:8]}"


async def save(name: str, *, overwrite: bool = False, **fields: object) -> None:
    await provider_at("http://127.0.0.1:9/v1", KEY, **fields).save(name, overwrite=overwrite)


async def save_broken(name: str, **changes: object) -> None:
    """Saves values that the block itself refuses, as Prefect's API lets any client do."""
    valid = {"api_key": KEY, "fast": "a", "standard": "b", "frontier": "c", **changes}
    data = {field: value for field, value in valid.items() if value is not None}
    await ModelProvider.register_type_and_schema()
    async with get_client() as client:
        block_type = await client.read_block_type_by_slug(ModelProvider.get_block_type_slug())
        schema = await client.read_block_schema_by_checksum(ModelProvider._calculate_schema_checksum())
        document = BlockDocumentCreate(name=name, data=data, block_type_id=block_type.id, block_schema_id=schema.id)
        await client.create_block_document(document)


@pytest.mark.usefixtures("prefect_api")
async def test_a_team_s_own_block_goes_before_the_default_and_without_either_there_is_none() -> None:
    team, other = a_team(), a_team()
    await save(team, fast="the-team-s")
    await save(DEFAULT_BLOCK, fast="everybody-s")
    try:
        (own,), (shared,) = await open_models(team), await open_models(other)
    finally:
        await ModelProvider.delete(DEFAULT_BLOCK)
    none = await open_models(other)

    assert (own.provider, own.model("fast")) == (team, "the-team-s")
    assert (shared.provider, shared.model("fast")) == (DEFAULT_BLOCK, "everybody-s")
    assert none == ()


@pytest.mark.usefixtures("prefect_api")
async def test_a_saved_block_comes_back_whole_and_hides_its_key_from_whoever_prints_it() -> None:
    team = a_team()
    await save(team, request_timeout_seconds=7.5)
    ((name, provider),) = await find_providers(team)

    assert name == team
    assert provider.api_key.get_secret_value() == KEY
    assert (provider.base_url, provider.request_timeout_seconds) == ("http://127.0.0.1:9/v1", 7.5)
    assert KEY not in f"{provider!r} {provider} {provider.model_dump_json()}"


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"fast": None}, "fast"),
        ({"fast": "", "base_url": "ftp://models"}, "base_url, fast"),
        ({"base_url": "http://127.0.0.1:port/v1"}, "base_url"),
        ({"request_timeout_seconds": 0}, "request_timeout_seconds"),
        ({"api_key": None, "frontier": KEY, "standard": [KEY]}, "api_key, standard"),
    ],
)
async def test_a_broken_block_says_what_to_mend_and_never_its_key(changes: Mapping[str, object], wrong: str) -> None:
    team = a_team()
    await save_broken(team, **changes)
    with pytest.raises(OperatorError) as raised:
        await open_models(team)

    assert str(raised.value) == (
        f"model provider block {team!r} cannot be used; wrong or missing: {wrong}; mend the block in Prefect"
    )
    assert KEY not in "".join(format_exception(raised.value))


@pytest.mark.parametrize(
    "url",
    ["ftp://models/v1", "models.example.com/v1", "http:///v1", "http://a:99999/v1", "http://a:x/v1", "http://a b/v1"],
)
def test_an_address_that_cannot_be_called_is_refused_before_a_run_needs_it(url: str) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        provider_at(url, KEY)


def test_an_address_that_was_pasted_with_a_line_break_is_that_address() -> None:
    assert provider_at(" http://127.0.0.1:9/v1\n", KEY).base_url == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize("empty", ["", "  "])
def test_no_address_means_openai_s_own(empty: str) -> None:
    assert provider_at(empty, KEY).base_url is None


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"preset": "openai"}, "https://api.openai.com/v1"),
        ({"preset": "openrouter"}, "https://openrouter.ai/api/v1"),
        ({"preset": "ollama", "api_key": ""}, "http://localhost:11434/v1"),
        ({"preset": "vllm", "api_key": ""}, "http://localhost:8000/v1"),
        (
            {"preset": "azure", "base_url": "https://x.openai.azure.com/openai/v1"},
            "https://x.openai.azure.com/openai/v1",
        ),
    ],
)
def test_a_preset_knows_its_address_where_it_can(fields: Mapping[str, object], address: str) -> None:
    assert provider_at("", KEY, **fields).address == address


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"preset": "azure"}, "base_url"),
        ({"preset": "compatible"}, "base_url"),
        ({"preset": "openai", "api_key": " "}, "api_key"),
        ({"preset": "openrouter", "api_key": ""}, "api_key"),
        ({"preset": "bedrock"}, "preset"),
        ({"prices": {"m": {"sent": -1, "answered": 1}}}, "prices"),
        ({"max_concurrency": 0}, "max_concurrency"),
    ],
)
def test_what_a_preset_cannot_do_without_is_asked_for(fields: Mapping[str, object], wrong: str) -> None:
    with pytest.raises(ValidationError) as raised:
        provider_at("", KEY, **fields)

    assert wrong in {str(error["loc"][0]) for error in raised.value.errors()}


@pytest.mark.usefixtures("prefect_api")
async def test_fallbacks_are_asked_in_their_order_and_are_the_team_s_own() -> None:
    team = a_team()
    second, third = f"{team}-b", f"{team}-c"
    await save(team, fallbacks=[second, third])
    await save(second, team=team, fast="b")
    await save(third, team=team, fast="c")

    assert [client.provider for client in await open_models(team)] == [team, second, third]
    assert [client.model("fast") for client in await open_models(team)] == ["gpt-4.1-nano", "b", "c"]


@pytest.mark.usefixtures("prefect_api")
async def test_no_key_of_one_team_serves_another() -> None:
    mine, theirs = a_team(), a_team()
    await save(theirs)
    await save(mine, fallbacks=[theirs])
    with pytest.raises(
        OperatorError, match=f"block '{theirs}' belongs to team '{theirs}' and does not serve team '{mine}'"
    ):
        await open_models(mine)
    await save(mine, team=theirs, overwrite=True)
    with pytest.raises(
        OperatorError, match=f"block '{mine}' belongs to team '{theirs}' and does not serve team '{mine}'"
    ):
        await open_models(mine)


@pytest.mark.usefixtures("prefect_api")
async def test_a_fallback_that_is_not_saved_is_said_before_it_is_needed() -> None:
    team = a_team()
    await save(team, fallbacks=["nowhere"])

    with pytest.raises(OperatorError, match=f"block '{team}' falls back on 'nowhere', which is not saved"):
        await open_models(team)


def test_a_fingerprint_tells_keys_apart_and_has_nothing_of_them() -> None:
    one, other = provider_at("", "sk-one-abcdef"), provider_at("", "sk-other-abcdef")

    assert one.key_fingerprint == provider_at("", "sk-one-abcdef\n").key_fingerprint != other.key_fingerprint
    assert len(one.key_fingerprint) == 12
    assert "abcdef" not in one.key_fingerprint


def test_a_program_that_forgets_a_field_does_not_print_the_key() -> None:
    with pytest.raises(ValidationError) as raised:
        ModelProvider.model_validate({"api_key": KEY, "fast": "a"})

    assert KEY not in str(raised.value)
