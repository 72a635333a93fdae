"""What the answers at a gate come to."""

from dataclasses import replace
from typing import Literal

import pytest

from blocks.ledger import AskRow, VoteRow
from tasks.approve.terms import outcome_of
from tests.tasks.approve.states import ask, state, vote

BOTH = [ask("alice"), ask("bob")]
CAROL = [ask("carol", "alice", "escalated"), ask("carol", "bob", "escalated")]


@pytest.mark.parametrize(
    ("required", "asks", "votes", "outcome"),
    [
        ("any", BOTH, [], None),
        ("any", BOTH, [vote("bob")], "approve"),
        ("any", BOTH, [vote("bob", "reject")], "reject"),
        ("all", BOTH, [vote("bob")], None),
        ("all", BOTH, [vote("bob"), vote("alice")], "approve"),
        ("all", BOTH, [vote("bob"), vote("alice", "reject")], "reject"),
        # Carol is above both and may decide in the place of each.
        ("all", [*BOTH, *CAROL], [vote("carol")], "approve"),
        ("all", [*BOTH, CAROL[0]], [vote("carol")], None),
        ("all", [*BOTH, CAROL[0]], [vote("carol"), vote("bob")], "approve"),
        # Two of them are two people, whoever they stand in for.
        (2, [*BOTH, *CAROL], [vote("carol")], None),
        (2, [*BOTH, *CAROL], [vote("carol"), vote("bob")], "approve"),
        (2, BOTH, [vote("bob"), vote("alice", "reject")], "reject"),
        (1, BOTH, [vote("bob")], "approve"),
    ],
)
def test_what_the_answers_come_to(
    required: Literal["any", "all"] | int, asks: list[AskRow], votes: list[VoteRow], outcome: str | None
) -> None:
    gate = replace(state(people=("alice", "bob"), required=required), asks=tuple(asks), votes=tuple(votes))

    assert outcome_of(gate) == outcome


def test_without_a_directory_the_first_answer_decides() -> None:
    gate = replace(state(people=(), required=2), votes=(vote(""),))

    assert outcome_of(gate) == "approve"
