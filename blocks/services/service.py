"""The Service block: an HTTP API, who we are there, and what it allows; edited in the Prefect UI."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from blocks.services.limits import Quota
from blocks.services.presets import APIS, Api, Preset

Auth = Literal["none", "bearer", "basic", "header", "refresh token", "service account", "github app"]

_NEEDS: Mapping[Auth, tuple[str, ...]] = {
    "none": (),
    "bearer": ("token",),
    "basic": ("username", "token"),
    "header": ("token_header", "token"),
    "refresh token": ("client_id", "client_secret", "refresh_token"),
    "service account": ("service_account",),
    "github app": ("app_id", "installation_id", "private_key"),
}
_SECRETS = ("token", "client_secret", "refresh_token", "service_account", "private_key")
_NOTHING = SecretStr("")


class Service(Block):
    """An HTTP API that `request` nodes and deliveries use. Which fields of `who we are` are filled in decides how."""

    # A refusal that quotes what it was given would quote the token.
    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Service"
    _block_type_slug = "service"
    _description = "An HTTP API: Jira, Slack, Google Workspace, GitHub, HubSpot or any other, within its limits."

    preset: Preset = Field(default="rest", description="Which API it is; rest: any other.")
    base_url: str = Field(
        default="",
        validate_default=True,
        description="Where the API is; empty: the preset's. Jira's is your site, such as https://acme.atlassian.net.",
    )
    token: SecretStr = Field(
        default=_NOTHING, description="A bearer token; with username, the password or API token that goes with it."
    )
    username: str = Field(default="", description="For HTTP Basic; at Jira the account's email.")
    token_header: str = Field(
        default="", pattern=r"^[A-Za-z0-9-]*$", description="The header that carries the token, if not Authorization."
    )
    client_id: str = Field(default="", description="Of an OAuth client, with its secret and a refresh token.")
    client_secret: SecretStr = _NOTHING
    refresh_token: SecretStr = _NOTHING
    token_url: str = Field(default="", description="Where OAuth tokens are refreshed; empty: the preset's.")
    service_account: SecretStr = Field(default=_NOTHING, description="The JSON key of a Google service account.")
    subject: str = Field(default="", description="Whom the service account acts for, by domain-wide delegation.")
    scopes: tuple[str, ...] = Field(default=(), description="The service account's scopes, as URLs.")
    app_id: str = Field(default="", description="Of a GitHub app, with its installation and private key.")
    installation_id: str = Field(default="", pattern=r"^\d*$")
    private_key: SecretStr = Field(default=_NOTHING, description="The GitHub app's private key, in PEM.")
    requests: int | None = Field(
        default=None, ge=1, description="How many requests are allowed, where you know better."
    )
    per_seconds: float | None = Field(default=None, gt=0, description="In how many seconds they are.")
    idempotency_header: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9-]*$",
        description="By which the API makes a write once, such as Idempotency-Key; empty: it has none.",
    )
    concurrency: int = Field(default=4, ge=1, le=100, description="How many requests at once, of each process.")
    breaker_failures: int = Field(
        default=5, ge=1, description="After so many failures in a row it is left alone for a while."
    )
    breaker_seconds: float = Field(default=60.0, gt=0, description="For how long, before one request tests it.")
    most_megabytes: float = Field(default=20.0, gt=0, description="An answer is read up to here, and refused beyond.")

    @field_validator("token_url")
    @classmethod
    def _gives_tokens(cls, value: str) -> str:
        address = value.strip()
        if address and (urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname):
            raise ValueError("write http:// or https://, a host and the path that gives tokens")
        return address

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, value: str, info: ValidationInfo) -> str:
        address = value.strip().rstrip("/")
        if not address:
            if not APIS[info.data.get("preset", "rest")].base_url:
                raise ValueError("an API of this preset has an address of its own; write it")
            return ""
        url = urlsplit(address)
        if url.scheme not in ("http", "https") or not url.hostname or url.port == 0:  # a port that is none raises
            raise ValueError("write http:// or https://, a host, and the path that every request begins with")
        if url.query or url.fragment:
            raise ValueError("it has a query or a fragment, which belong to a request; write the address alone")
        if url.username or url.password:
            raise ValueError("it has a password in it; write username and token instead")
        if not address.isprintable() or " " in address:
            raise ValueError("it has a space or a control character in it")
        return address

    @field_validator(*_SECRETS)
    @classmethod
    def _can_be_sent(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        plain = value.get_secret_value().strip()  # a pasted one often ends in a line break
        # A key is a file, and only what is signed with it is sent.
        lines = plain.split() if info.field_name in ("private_key", "service_account") else [plain]
        if not all(line.isascii() and line.isprintable() for line in lines):
            raise ValueError("it has characters that HTTP does not allow")
        return SecretStr(plain)

    @model_validator(mode="after")
    def _goes_together(self) -> "Service":
        if (self.requests is None) != (self.per_seconds is None):
            raise ValueError("requests and per_seconds go together; write both, or neither")
        _ = self.auth
        if self.auth == "refresh token" and not (self.token_url or APIS[self.preset].token_url):
            raise ValueError("write token_url, where the refresh token is exchanged")
        return self

    @property
    def auth(self) -> Auth:
        """How requests say who we are: by what is filled in.

        Raises:
            ValueError: some of what goes together is not filled in, or more than one way is.
        """
        given = {name for name in {each for needs in _NEEDS.values() for each in needs} if self._is_given(name)}
        ways: list[Auth] = [way for way, needs in _NEEDS.items() if given == set(needs)]
        if ways:
            return ways[0]
        known = "; ".join(" and ".join(needs) for needs in _NEEDS.values() if needs)
        raise ValueError(f"fill in what goes together, and nothing beside it: {known}")

    @property
    def address(self) -> str:
        """Where the API is."""
        return self.base_url or self.api.base_url

    @property
    def api(self) -> Api:
        """What is known of the API."""
        return APIS[self.preset]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be said."""
        return tuple(getattr(self, name).get_secret_value() for name in _SECRETS)

    @property
    def own_quota(self) -> Quota | None:
        """What the block says that is allowed, for each of the API's limits."""
        return Quota(self.requests, self.per_seconds) if self.requests and self.per_seconds else None

    @property
    def document_id(self) -> UUID | None:
        """Which saved block this is; None: it is not saved."""
        return self._block_document_id

    @property
    def credential(self) -> str:
        """What those who share a limit have in common: the host, and a digest of who we are there."""
        parts = [self.username, self.client_id, self.subject, self.app_id, self.installation_id]
        parts += self.secrets
        digest = sha256("\0".join(parts).encode()).hexdigest()
        return f"{urlsplit(self.address).netloc.lower()}#{digest[:12]}"

    def _is_given(self, name: str) -> bool:
        value = getattr(self, name)
        return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
