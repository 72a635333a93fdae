"""The Email Channel block: an SMTP server that takes a person's messages (RFC 5321), passwords over TLS only."""

from email.errors import MessageError
from email.message import EmailMessage
from typing import Literal

import aiosmtplib
from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, model_validator

from blocks.channels.message import Message
from blocks.errors import ChannelRefused, ChannelUnavailable

Security = Literal["starttls", "tls", "none"]


class EmailChannel(Block):
    """An SMTP server, and who the mail is from."""

    # A refusal that quotes what it was given would quote the password.
    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Email Channel"
    _block_type_slug = "email-channel"
    _description = "The SMTP server through which people are asked for decisions."

    host: str = Field(min_length=1, description="The SMTP server.")
    port: int = Field(default=587, ge=1, le=65535, description="587 for STARTTLS, 465 for TLS from the start.")
    security: Security = Field(default="starttls", description="none: only for a server on the same machine.")
    user: str = Field(default="", description="Empty: the server asks for no password.")
    password: SecretStr = Field(default=SecretStr(""), description="Sent over TLS only.")
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", description="The address that the mail is from.")
    certificates: str = Field(default="", description="A PEM file of authorities; empty: those of the machine.")

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> "EmailChannel":
        if self.user and self.security == "none":
            raise ValueError("a password is sent over TLS only; choose starttls or tls")
        return self

    async def send(self, address: str, message: Message, timeout_seconds: float) -> None:
        """Returns once the server has taken the mail for that address.

        Raises:
            ChannelUnavailable: the server is down or asks to come again later.
            ChannelRefused: it will not take this mail, or not from us.
        """
        try:
            await aiosmtplib.send(
                self._mail(address, message),
                hostname=self.host,
                port=self.port,
                username=self.user or None,
                password=self.password.get_secret_value() or None,
                use_tls=self.security == "tls",
                start_tls=self.security == "starttls",
                cert_bundle=self.certificates or None,
                timeout=timeout_seconds,
            )
        except (aiosmtplib.SMTPException, OSError, MessageError) as error:
            raise self._explained(error) from error

    def _mail(self, address: str, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, address, " ".join(message.subject.split())
        mail["Message-ID"] = f"<{message.key}@{self.sender.rpartition('@')[2]}>"
        # RFC 3834: an out-of-office answer to this mail helps nobody.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail

    def _explained(self, error: Exception) -> ChannelUnavailable | ChannelRefused:
        server, answers = f"the SMTP server {self.host}:{self.port}", _answers(error)
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return ChannelRefused(f"{server} refused the user or the password", mend="mend the Email Channel block")
        if answers and all(code >= 500 for code, _ in answers):  # RFC 5321, 4.2.1: 5yz is for good
            return ChannelRefused(f"{server} refused the mail: {answers[0][0]} {answers[0][1]}")
        if isinstance(error, aiosmtplib.SMTPNotSupported | MessageError):
            return ChannelRefused(f"{server} cannot be used: {error}", mend="mend the Email Channel block")
        said = " ".join(str(error).split()) or type(error).__name__
        unavailable = ChannelUnavailable(f"{server} did not take the mail: {said}")
        # Without an answer, and once it was connected, it may have taken the mail before it fell silent.
        unavailable.may_be_done = not answers and not isinstance(error, aiosmtplib.SMTPConnectError)
        return unavailable


def _answers(error: Exception) -> list[tuple[int, str]]:
    """The server's answers in the error, as code and text."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return [(each.code, each.message) for each in error.recipients]
    return [(error.code, error.message)] if isinstance(error, aiosmtplib.SMTPResponseException) else []
