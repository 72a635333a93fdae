"""Where Holdfast keeps its own files: one home folder, set by HOLDFAST_* environment variables.

Connections are Prefect blocks, not settings; only what must be known before a Prefect server answers is here.
"""

from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class HoldfastSettings(BaseSettings):
    """Read from the environment at each start; nothing is written back."""

    model_config = SettingsConfigDict(env_prefix="HOLDFAST_", frozen=True, extra="ignore")

    home: Path = Field(default_factory=lambda: Path.home() / ".holdfast")
    """The folder of the ledger, the sample sources, search indexes and local deliveries."""

    ledger_url: str = ""
    """SQLAlchemy URL of the ledger, with an async driver; empty: SQLite in `home`."""

    deliveries: str = ""
    """fsspec URL or folder under which `documents:` deliveries land; empty: `home`/deliveries."""

    recorded_calls_per_node: int = Field(default=20, ge=0)
    """How many exchanges with models the ledger keeps per node, for `holdfast tiers`: prompts, with their data, and
    answers. 0: none."""

    signing_key: SecretStr | None = None
    """What approvers' codes are made with, at least 32 characters; none: a file in `home`, made at first use."""

    @cached_property
    def ledger(self) -> str:
        """The ledger's URL, with the default filled in."""
        return self.ledger_url or f"sqlite+aiosqlite:///{self.home / 'ledger.db'}"

    @cached_property
    def deliveries_root(self) -> str:
        """The root of document deliveries, with the default filled in."""
        return self.deliveries or str(self.home / "deliveries")
