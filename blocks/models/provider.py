"""The block that holds a team's key and its choice of models; edited in the Prefect UI."""

from urllib.parse import urlsplit

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, ValidationError, field_validator

from blocks.errors import OperatorError
from blocks.models.calls import ModelClient, Tier

DEFAULT_BLOCK = "default"
"""The block that serves teams without one of their own."""


class ModelProvider(Block):
    """An OpenAI-compatible provider of models, with a team's own key."""

    # A refusal that quotes what it was given would quote the key.
    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Model Provider"
    _block_type_slug = "model-provider"
    _description = "An OpenAI-compatible provider of models: key, address, and the model of each tier."

    api_key: SecretStr
    base_url: str | None = Field(default=None, description="Where the API is, up to /v1; empty: OpenAI's own.")
    fast: str = Field(min_length=1, description="The model for classification, routing and extraction.")
    standard: str = Field(min_length=1, description="The model for SQL and tool use.")
    frontier: str = Field(min_length=1, description="The model for the final synthesis.")
    request_timeout_seconds: float = Field(default=60.0, gt=0, description="How long one HTTP request may take.")

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        # A pasted address often ends in a line break.
        address = (value or "").strip()
        if not address:
            return None
        url = urlsplit(address)
        if url.scheme not in ("http", "https") or not url.hostname or url.port == 0:  # a port that is none raises
            raise ValueError("write http:// or https://, a host, and the path up to /v1")
        if not address.isprintable() or " " in address:
            raise ValueError("it has a space or a control character in it")
        return address

    def model(self, tier: Tier) -> str:
        """The model of that tier."""
        return {"fast": self.fast, "standard": self.standard, "frontier": self.frontier}[tier]


async def open_model(team: str) -> ModelClient | None:
    """The client of the saved block named after the team, else of the one named `default`; None: there is neither.

    None means that the offline model is to answer.

    Raises:
        OperatorError: the block is there and its values cannot be used.
    """
    found = await find_provider(team)
    if found is None:
        return None
    from blocks.models.client import client_for  # openai takes a second to import, and nobody works offline with it

    return client_for(found[1], team, block=found[0])


async def find_provider(team: str) -> tuple[str, ModelProvider] | None:
    """The saved block named after the team, else the one named `default`, with its name; None: there is neither.

    Raises:
        OperatorError: the block is there and its values cannot be used.
    """
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    async with get_client() as client:
        for name in dict.fromkeys((team, DEFAULT_BLOCK)):
            try:
                await client.read_block_document_by_name(name, ModelProvider.get_block_type_slug())
            except ObjectNotFound:
                continue
            return name, await _load(name)
    return None


async def _load(name: str) -> ModelProvider:
    try:
        return await ModelProvider.aload(name)
    except (RuntimeError, ValueError) as error:  # Prefect 3.8 raises a RuntimeError from the ValidationError
        # Raised anew below and without a cause, because what it refused may have the key in it.
        refused = error.__cause__ if isinstance(error, RuntimeError) else error
        details = refused.errors() if isinstance(refused, ValidationError) else []
        wrong = sorted({str(each["loc"][0]) for each in details})
    raise OperatorError(
        f"model provider block {name!r} cannot be used",
        means=f"wrong or missing: {', '.join(wrong)}" if wrong else "it cannot be loaded",
        mend="mend the block in Prefect",
    )
