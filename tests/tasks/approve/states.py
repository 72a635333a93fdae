"""Gates as they stand in the ledger, for tests of what is decided about them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from blocks.channels.email import EmailChannel
from blocks.channels.sending import Channels
from blocks.ledger import AskRow, GateRow, GateState, NoticeRow, VoteRow
from blocks.people.person import Person
from blocks.people.roster import Delegation
from tasks.approve.due import People
from tasks.approve.terms import Terms
from tests.blocks.people.directories import roster

NINE = datetime(2026, 11, 25, 9, tzinfo=UTC)
"""A Wednesday."""
HOUR = timedelta(hours=1)
MAIL = Channels(email=EmailChannel(host="127.0.0.1", security="none", sender="h@example.com"))


def people(*persons: Person, delegations: Sequence[Delegation] = (), channels: Channels = MAIL) -> People:
    """Those people, reached by email; without any, alice and bob, carol above both and dora above carol."""
    return People(roster(*persons), delegations, channels)


def state(*asked: str, **terms: Any) -> GateState:
    """A gate that was opened at nine for four hours, at which these people were asked and told then."""
    whom = terms.pop("people", asked or ("alice",))
    gate = GateRow(
        run_id=UUID(int=7),
        gate="sign-off",
        node="sign-off",
        workflow="scorecard",
        title="scorecard: sign-off",
        summary="What we spent",
        terms=Terms(approvers=whom, people=whom, **terms).model_dump(mode="json"),
        key_fingerprint="abc",
        opened_at=NINE,
        closes_at=NINE + 4 * HOUR,
    )
    return GateState(
        gate=gate,
        asks=tuple(ask(name) for name in asked),
        notices=tuple(notice(name) for name in asked),
    )


def ask(person: str, slot: str = "", how: Literal["asked", "delegated", "escalated"] = "asked") -> AskRow:
    return AskRow(slot=slot or person, person=person, how=how, at=NINE)


def notice(person: str, occasion: str = "asked", **settings: Any) -> NoticeRow:
    usual = {"channel": "email", "state": "sent", "tries": 1, "tried_at": NINE}
    return NoticeRow(person=person, occasion=occasion, **{**usual, **settings})


def vote(person: str, decision: Literal["approve", "reject"] = "approve") -> VoteRow:
    at = NINE + HOUR
    return VoteRow(person=person, decision=decision, comment="", edits={}, via="test", answer="", at=at)
