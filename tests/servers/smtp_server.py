"""A real SMTP server (aiosmtpd) on 127.0.0.1: plain, with STARTTLS and a password, or with TLS from the start."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.prefect_server import free_port

USER, PASSWORD = "holdfast", "smtp-secret-5d1f"
CODE = re.compile(r"\b(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}\b")


@dataclass
class Mailbox:
    """Where the server is, what it took, and how it shall misbehave."""

    host: str
    port: int
    certificates: str = ""
    """A PEM file of the authority that signed its certificate."""
    mails: list[EmailMessage] = field(default_factory=list)
    says: dict[str, str] = field(default_factory=dict)
    """What it answers to a mail for that address in place of taking it, such as 550 no such user."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd, which wants that name."""
        if self.certificates and not session.authenticated:
            return "530 a password is needed"
        for address in envelope.rcpt_tos:
            if address in self.says:
                return self.says[address]
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails for that address, in the order in which they came."""
        return [mail for mail in self.mails if mail["To"] == address]

    def code_for(self, address: str) -> str:
        """The code in the last mail to that address."""
        found = CODE.search(self.to(address)[-1].get_content())
        assert found, f"no code in the mail to {address}"
        return found[0]


@contextmanager
def smtp_server(
    *, port: int = 0, security: Literal["none", "starttls", "tls"] = "none", folder: Path | None = None
) -> Iterator[Mailbox]:
    """A mailbox whose server runs in a thread of its own; with TLS it needs a folder for its authority."""
    box = Mailbox("127.0.0.1", port or free_port())
    options: dict[str, Any] = {}
    if security != "none":
        assert folder is not None
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "authority.pem")
        box.certificates = str(folder / "authority.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        options = {"authenticator": _authenticate}
        options |= (
            {"ssl_context": context, "auth_require_tls": False} if security == "tls" else {"tls_context": context}
        )
    controller = Controller(box, hostname=box.host, port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop(no_assert=True)


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    right = data == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=right)
