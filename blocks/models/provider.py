"""The block that holds a team's key and its choice of models; edited in the Prefect UI."""

from urllib.parse import urlsplit

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, field_validator

from blocks.models.calls import Tier


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
