"""Who is meant, who is above them, and who stands in for them."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from blocks.people.person import Person
from blocks.people.roster import Delegation, loop_with, stands_in
from tests.blocks.people.directories import person, roster

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def delegation(person: str, alternate: str, *, begins: int = -1, ends: int = 1) -> Delegation:
    return Delegation(person, alternate, NOON + begins * DAY, NOON + ends * DAY)


def test_a_name_means_one_person_and_a_role_all_who_have_it() -> None:
    people = roster()

    assert [each.name for each in people.meant_by("Alice")] == ["alice"]
    assert [each.name for each in people.meant_by("BUYER")] == ["bob", "carol"]
    assert people.meant_by("nobody") == ()
    assert [each.name for each in people.all_meant_by(["carol", "buyer"])] == ["carol", "bob"]
    assert people.roles == ("procurement-lead", "buyer")


def test_somebody_is_above_everybody_but_the_last() -> None:
    people = roster()
    bob, dora = people.find("bob"), people.find("dora")
    assert bob is not None
    assert dora is not None

    assert people.manager_of(bob) == people.find("carol")
    assert people.manager_of(dora) is None


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ([person("a"), person("A")], "two people are called A"),
        ([person("a", manager="b")], "a's manager b is not among the people"),
        ([person("a", manager="b"), person("b", manager="a")], "a is above a"),
        ([person("a", roles=("a",))], "a is the name of a person and of a role"),
        ([person("a", login="x"), person("b", login="x")], "two people have the login x"),
    ],
)
def test_a_roster_that_contradicts_itself_is_refused(people: list[Person], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        roster(*people)


@pytest.mark.parametrize(
    ("delegations", "asked"),
    [
        ([], ["alice"]),
        ([delegation("alice", "bob")], ["alice", "bob"]),
        ([delegation("ALICE", "Bob")], ["alice", "bob"]),
        ([delegation("alice", "bob"), delegation("bob", "carol")], ["alice", "bob", "carol"]),
        ([delegation("alice", "bob", begins=1, ends=2)], ["alice"]),
        ([delegation("alice", "bob", ends=0)], ["alice"]),
        ([delegation("alice", "gone")], ["alice"]),
        ([delegation("alice", "bob"), delegation("bob", "alice")], ["alice", "bob"]),
    ],
)
def test_a_chain_of_delegations_is_followed_while_it_is_in_force(
    delegations: list[Delegation], asked: list[str]
) -> None:
    people = roster()
    alice = people.find("alice")
    assert alice is not None

    assert [each.name for each in stands_in(people, alice, delegations, NOON)] == asked


@pytest.mark.parametrize(
    ("delegations", "loop"),
    [
        ([], ()),
        ([delegation("bob", "alice")], ("alice", "bob", "alice")),
        ([delegation("Bob", "carol"), delegation("carol", "Alice")], ("alice", "bob", "carol", "Alice")),
        ([delegation("bob", "carol")], ()),
        # Never at the same time.
        ([delegation("bob", "alice", begins=1, ends=3)], ()),
        ([delegation("bob", "carol", ends=0), delegation("carol", "alice", begins=0)], ()),
        # Bob has two that follow each other, and the later one leads back.
        ([delegation("bob", "dora", ends=0), delegation("bob", "alice", begins=0)], ("alice", "bob", "alice")),
        # A loop of others is not this one's.
        ([delegation("bob", "carol"), delegation("carol", "bob")], ()),
    ],
)
def test_a_delegation_that_leads_back_is_found(delegations: list[Delegation], loop: tuple[str, ...]) -> None:
    assert loop_with(delegation("alice", "bob"), delegations) == loop
