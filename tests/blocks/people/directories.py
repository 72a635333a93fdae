"""An organisation for tests: who is above whom, who has which role."""

from typing import Any

from blocks.people.person import Person
from blocks.people.roster import Roster

PEOPLE = """
people:
  - {name: alice, email: alice@example.com, slack: U0ALICE, manager: carol, roles: [procurement-lead]}
  - {name: bob, email: bob@example.com, manager: carol, roles: [buyer]}
  - {name: carol, email: carol@example.com, manager: dora, roles: [buyer]}
  - {name: dora, email: dora@example.com, slack: U0DORA}
"""


def person(name: str, **settings: Any) -> Person:
    """A person with an address, unless other settings are given."""
    return Person(**{"name": name, "email": f"{name}@example.com", **settings})


def roster(*people: Person) -> Roster:
    """The people; without any, alice and bob, carol above both and dora above carol."""
    return Roster(
        people=people
        or (
            person("alice", manager="carol", roles=("procurement-lead",), slack="U0ALICE"),
            person("bob", manager="carol", roles=("buyer",)),
            person("carol", manager="dora", roles=("buyer",)),
            person("dora"),
        )
    )
