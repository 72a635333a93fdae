"""The people of an organisation together: who is meant by a name or a role, who is above whom, who stands in for whom.

Plain data and lookups. It is saved as a Prefect block (blocks/people/directory.py); delegations are in the ledger.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from blocks.people.person import Person


@dataclass(frozen=True, slots=True)
class Delegation:
    """From then until then, another person is asked in this one's place."""

    person: str
    alternate: str
    begins_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether it is in force then."""
        return self.begins_at <= at < self.ends_at

    def overlaps(self, other: "Delegation") -> bool:
        """Whether both are in force at some time."""
        return self.begins_at < other.ends_at and other.begins_at < self.ends_at


class Roster(BaseModel):
    """Everybody who may be asked. Names are unique, managers are people of the same roster, nobody manages a boss."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    people: Annotated[tuple[Person, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_sound(self) -> "Roster":
        problems = list(self._problems())
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems(self) -> Iterator[str]:
        seen: set[str] = set()
        for person in self.people:
            if person.key in seen:
                yield f"two people are called {person.name}"
            seen.add(person.key)
        roles = {role.casefold() for person in self.people for role in person.roles}
        for person in self.people:
            if person.key in roles:
                yield f"{person.name} is the name of a person and of a role"
            if person.manager is not None and person.manager.casefold() not in seen:
                yield f"{person.name}'s manager {person.manager} is not among the people"
        yield from (f"{name} is above {name}" for name in self._circles())
        for login in {person.login for person in self.people if person.login}:
            if len([1 for person in self.people if person.login == login]) > 1:
                yield f"two people have the login {login}"

    def _circles(self) -> Iterator[str]:
        """One name of each circle of managers."""
        over: set[str] = set()
        for person in self.people:
            path: list[str] = []
            at: Person | None = person
            while at is not None and at.key not in over:
                if at.key in path:
                    yield at.name
                    break
                path.append(at.key)
                at = self.find(at.manager) if at.manager else None
            over.update(path)

    @cached_property
    def _by_key(self) -> dict[str, Person]:
        return {person.key: person for person in self.people}

    def find(self, name: str) -> Person | None:
        """The person of that name."""
        return self._by_key.get(name.casefold())

    def with_login(self, login: str) -> Person | None:
        """The person who uses this user's name on machines."""
        return next((person for person in self.people if login and person.login == login), None)

    def meant_by(self, name: str) -> tuple[Person, ...]:
        """The person of that name, or all who have that role; nobody where it is neither."""
        if person := self.find(name):
            return (person,)
        role = name.casefold()
        return tuple(person for person in self.people if role in map(str.casefold, person.roles))

    def all_meant_by(self, names: Iterable[str]) -> tuple[Person, ...]:
        """Everybody who is meant by one of the names, once each, in order."""
        return tuple(dict.fromkeys(person for name in names for person in self.meant_by(name)))

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role, once."""
        return tuple(dict.fromkeys(role for person in self.people for role in person.roles))

    def manager_of(self, person: Person) -> Person | None:
        """Who is above them."""
        return self.find(person.manager) if person.manager else None


def stands_in(roster: Roster, person: Person, delegations: Sequence[Delegation], at: datetime) -> tuple[Person, ...]:
    """The person and whoever stands in for them then, each for the one before; the last one is to be asked.

    Of several delegations that hold, the one that was set last counts.
    A chain ends before it comes back to itself, and before somebody who is no longer in the roster.
    """
    chain = [person]
    while True:
        delegation = next((each for each in reversed(delegations) if _is_of(each, chain[-1]) and each.holds(at)), None)
        alternate = roster.find(delegation.alternate) if delegation else None
        if alternate is None or alternate in chain:
            return tuple(chain)
        chain.append(alternate)


def loop_with(new: Delegation, delegations: Sequence[Delegation]) -> tuple[str, ...]:
    """The names along which the new delegation would come back to its person at some time; empty: it would not."""
    return _way_back(new, new.person, delegations, (new.person,))


def _way_back(
    step: Delegation, person: str, delegations: Sequence[Delegation], path: tuple[str, ...]
) -> tuple[str, ...]:
    path = (*path, step.alternate)
    if step.alternate.casefold() == person.casefold():
        return path
    for each in delegations:
        if (
            each.person.casefold() == step.alternate.casefold()
            and each.overlaps(step)
            and each.alternate not in path[1:]
        ):
            both = Delegation(
                each.person, each.alternate, max(step.begins_at, each.begins_at), min(step.ends_at, each.ends_at)
            )
            if back := _way_back(both, person, delegations, path):
                return back
    return ()


def _is_of(delegation: Delegation, person: Person) -> bool:
    return delegation.person.casefold() == person.key
