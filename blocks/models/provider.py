"""The block that holds a team's key and its choice of models; edited in the Prefect UI."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from blocks.models.calls import Tier
from blocks.models.prices import OPENAI_URL, ModelPrice

Preset = Literal["openai", "azure", "openrouter", "ollama", "vllm", "compatible"]

_ADDRESSES: Mapping[Preset, str] = {
    "openai": OPENAI_URL,
    "openrouter": "https://openrouter.ai/api/v1",
    "ollama": "http://localhost:11434/v1",
    "vllm": "http://localhost:8000/v1",
}
_KEYLESS: frozenset[Preset] = frozenset({"ollama", "vllm", "compatible"})


class ModelProvider(Block):
    """An OpenAI-compatible provider of models, with a team's own key."""

    # A refusal that quotes what it was given would quote the key.
    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Model Provider"
    _block_type_slug = "model-provider"
    _description = "An OpenAI-compatible provider of models: key, address, and the model of each tier."

    preset: Preset = Field(default="openai", description="Which kind of provider; sets the address where it is empty.")
    api_key: SecretStr = Field(
        default=SecretStr(""), validate_default=True, description="The key; only a server of your own can do without."
    )
    base_url: str | None = Field(
        default=None,
        validate_default=True,
        description="Where the API is, up to /v1; of Azure's dated API, the resource. Empty: the preset's.",
    )
    organisation: str = Field(default="", description="The organisation that OpenAI bills; empty: the key's own.")
    api_version: str = Field(default="", description="Of Azure's dated API only, such as 2024-10-21; empty: its /v1.")
    fast: str = Field(min_length=1, description="The model for classification, routing and extraction.")
    standard: str = Field(min_length=1, description="The model for SQL and tool use.")
    frontier: str = Field(min_length=1, description="The model for the final synthesis.")
    team: str = Field(default="", description="The team whose key it is; empty: the one that the block is called as.")
    fallbacks: tuple[str, ...] = Field(
        default=(),
        description="Blocks of the same team that answer, in order, where this one is down or over its limit.",
    )
    max_concurrency: int | None = Field(default=None, ge=1, description="How many calls at once, of all runs.")
    request_timeout_seconds: float = Field(default=60.0, gt=0, description="How long one HTTP request may take.")
    first_token_timeout_seconds: float = Field(
        default=20.0, gt=0, description="How long until the first token, before the provider is held to hang."
    )
    streaming: bool = Field(default=True, description="Off for a server that cannot stream an answer with a schema.")
    prices: dict[str, ModelPrice] = Field(
        default={}, description="Model to price in USD per million tokens; goes before the price list."
    )
    context_tokens: dict[str, int] = Field(
        default={}, description="Model to the tokens that it takes; goes before the price list's."
    )

    @field_validator("api_key")
    @classmethod
    def _is_there(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if not value.get_secret_value().strip() and info.data.get("preset") not in _KEYLESS:
            raise ValueError("write the key")
        return value

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, value: str | None, info: ValidationInfo) -> str | None:
        # A pasted address often ends in a line break.
        address = (value or "").strip()
        if not address:
            if info.data.get("preset") not in _ADDRESSES:
                raise ValueError("a provider of this preset has an address of its own; write it")
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

    @property
    def address(self) -> str:
        """Where the API is."""
        return self.base_url or _ADDRESSES[self.preset]

    @property
    def is_local(self) -> bool:
        """Whether it is a server of one's own, which costs what nobody's list says."""
        return self.preset in ("ollama", "vllm")

    @property
    def key_fingerprint(self) -> str:
        """The first 12 hex digits of the key's SHA-256; empty without a key."""
        key = self.api_key.get_secret_value().strip()
        return sha256(key.encode()).hexdigest()[:12] if key else ""
