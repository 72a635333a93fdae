"""Messages go out over real SMTP and HTTP, and what goes wrong says whether trying again can help."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import SecretStr, ValidationError

from blocks.channels.email import EmailChannel
from blocks.channels.message import Message
from blocks.channels.sending import Channels
from blocks.channels.slack import SlackChannel
from blocks.errors import ChannelRefused, ChannelUnavailable
from blocks.ledger import Ledger, ServiceBook
from blocks.services.service import Service
from tests.blocks.people.directories import person
from tests.servers.http_receiver import TOKEN, Receiver, http_receiver
from tests.servers.prefect_server import free_port
from tests.servers.smtp_server import PASSWORD, USER, Mailbox, smtp_server

MESSAGE = Message("Approve:\nscorecard", "Grüße, € 5\n\n- code 1", "run.gate.alice.asked")
SENDER = "holdfast@example.com"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with smtp_server() as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as opened:
        yield opened


def email(box: Mailbox, **settings: Any) -> EmailChannel:
    usual = {"host": box.host, "port": box.port, "sender": SENDER, "security": "none"}
    return EmailChannel(**{**usual, **settings})


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[ServiceBook]:
    async with Ledger.open(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}") as ledger:
        yield ledger.services


def slack(url: str, book: ServiceBook, token: str = TOKEN) -> SlackChannel:
    return SlackChannel(Service(preset="slack", base_url=url, token=SecretStr(token)), book)


async def test_a_mail_arrives_as_it_was_written(box: Mailbox) -> None:
    await email(box).send("alice@example.com", MESSAGE, 5)
    (mail,) = box.to("alice@example.com")

    assert (mail["From"], mail["Subject"]) == (SENDER, "Approve: scorecard")
    assert mail["Message-ID"] == "<run.gate.alice.asked@example.com>"
    assert mail.get_content().splitlines() == MESSAGE.text.splitlines()


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_password_goes_over_tls_to_a_server_with_a_known_certificate(
    security: Literal["starttls", "tls"], tmp_path: Path
) -> None:
    with smtp_server(security=security, folder=tmp_path) as box:
        known = {"security": security, "user": USER, "certificates": box.certificates}
        await email(box, **known, password=PASSWORD).send("alice@example.com", MESSAGE, 5)
        with pytest.raises(ChannelRefused, match="refused the user or the password"):
            await email(box, **known, password=PASSWORD[1:]).send("alice@example.com", MESSAGE, 5)
        with pytest.raises(ChannelUnavailable, match="certificate"):
            await email(box, security=security, user=USER, password=PASSWORD).send("a@example.com", MESSAGE, 5)

    assert len(box.mails) == 1


def test_a_password_in_the_clear_is_refused_and_not_quoted() -> None:
    with pytest.raises(ValidationError, match="over TLS only") as refused:
        EmailChannel(host="mail", security="none", user=USER, password=SecretStr(PASSWORD), sender=SENDER)

    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        ("550 no such user", ChannelRefused),
        ("451 try later", ChannelUnavailable),
    ],
)
async def test_what_the_mail_server_says_tells_whether_another_try_can_help(
    box: Mailbox, says: str, kind: type[Exception]
) -> None:
    box.says["alice@example.com"] = says

    with pytest.raises(kind, match=says.partition(" ")[2]):
        await email(box).send("alice@example.com", MESSAGE, 5)


async def test_a_server_that_is_down_is_unavailable(book: ServiceBook) -> None:
    port = free_port()
    down = EmailChannel(host="127.0.0.1", port=port, security="none", sender=SENDER)

    with pytest.raises(ChannelUnavailable, match=f"SMTP server 127.0.0.1:{port}"):
        await down.send("alice@example.com", MESSAGE, 5)
    with pytest.raises(ChannelUnavailable, match="service 'slack' does not answer"):
        await slack(f"http://127.0.0.1:{port}", book).send("U0ALICE", MESSAGE, 1)


async def test_a_direct_message_goes_to_the_member(receiver: Receiver, book: ServiceBook) -> None:
    await slack(receiver.url, book).send("U0ALICE", MESSAGE, 5)

    (text,) = receiver.to("U0ALICE")
    assert (text, receiver.posted[0].body["text"]) == (MESSAGE.text, MESSAGE.subject)


@pytest.mark.parametrize(
    ("answer", "kind", "wait"),
    [
        ((200, {}, {"ok": False, "error": "channel_not_found"}), ChannelRefused, None),
        ((429, {"retry-after": "30"}, {}), ChannelUnavailable, 30.0),
        # It may have taken the message.
        ((503, {}, {}), ChannelUnavailable, None),
        ((200, {}, ["odd"]), ChannelRefused, None),
    ],
)
async def test_what_slack_says_tells_whether_another_try_can_help(
    receiver: Receiver, book: ServiceBook, answer: Any, kind: type[Exception], wait: float | None
) -> None:
    receiver.answers.append(answer)

    with pytest.raises(kind) as raised:
        await slack(receiver.url, book).send("U0ALICE", MESSAGE, 5)
    assert getattr(raised.value, "retry_after_seconds", None) == (wait and pytest.approx(wait, abs=5))


async def test_a_message_that_a_limit_holds_back_goes_out_when_it_lifts(receiver: Receiver, book: ServiceBook) -> None:
    receiver.answers.append((200, {}, {"ok": False, "error": "ratelimited"}))
    await slack(receiver.url, book).send("U0ALICE", MESSAGE, 20)

    assert receiver.to("U0ALICE") == [MESSAGE.text]


async def test_a_wrong_token_is_refused_and_not_quoted(receiver: Receiver, book: ServiceBook) -> None:
    with pytest.raises(ChannelRefused, match="invalid_auth") as raised:
        await slack(receiver.url, book, "xoxb-wrong").send("U0ALICE", MESSAGE, 5)

    assert "xoxb" not in str(raised.value)


def test_a_person_has_the_channels_that_are_set_up_and_that_they_have_an_address_on(
    box: Mailbox, receiver: Receiver, book: ServiceBook
) -> None:
    both = Channels(email(box), slack(receiver.url, book))
    alice = person("alice", slack="U0ALICE", notify=("teams-webhook/alice",))

    assert both.of(alice) == ("email", "slack", "teams-webhook/alice")
    assert both.of(person("bob")) == ("email",)
    assert Channels().of(alice) == ("teams-webhook/alice",)
    assert Channels().of(person("bob")) == ()


@pytest.mark.usefixtures("prefect_api")
async def test_any_notification_block_of_prefect_is_a_channel(receiver: Receiver) -> None:
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    hook = CustomWebhookNotificationBlock(
        name="hook",
        url=f"{receiver.url}/hook",
        method="POST",
        json_data={"title": "{{subject}}", "said": "{{body}}"},
    )
    await hook.save("alice")
    block = f"{hook.get_block_type_slug()}/alice"
    alice = person("alice", notify=(block, "custom-webhook/none", "directory/none"))
    await Channels().send(alice, block, MESSAGE)

    assert [each.body for each in receiver.posted] == [{"title": MESSAGE.subject, "said": MESSAGE.text}]
    receiver.answers.append((500, {}, {}))
    with pytest.raises(ChannelUnavailable, match="did not send: HTTPStatusError"):
        await Channels().send(alice, block, MESSAGE)
    with pytest.raises(ChannelRefused, match="no notification block 'custom-webhook/none'"):
        await Channels().send(alice, "custom-webhook/none", MESSAGE)
    with pytest.raises(ChannelRefused, match="not reached by email any more"):
        await Channels().send(alice, "email", MESSAGE)
