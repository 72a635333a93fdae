"""The Directory block: an organisation's people, saved in Prefect from YAML and edited in its UI."""

from typing import Any

from prefect.blocks.core import Block
from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from blocks.errors import DelegationRefused, DirectoryRefused
from blocks.people.person import Person
from blocks.people.roster import Roster
from blocks.saved import load_saved

NAME = "default"
"""What the block is called: an organisation has one directory."""


class Directory(Block):
    """Who may be asked for a decision, and how they are reached."""

    _block_type_name = "Directory"
    _block_type_slug = "directory"
    _description = "People: how they are reached, their managers, roles and working hours."

    people: list[Person] = Field(description="Everybody who may be asked, and everybody above them.")

    @model_validator(mode="after")
    def _is_sound(self) -> "Directory":
        self.roster()
        return self

    def roster(self) -> Roster:
        """The people, to look them up in."""
        return Roster(people=tuple(self.people))


def directory_from_yaml(text: str, name: str) -> Directory:
    """The block of the people that the YAML lists under `people`; errors call it by `name`.

    Raises:
        DirectoryRefused: it is no such YAML; everything that is wrong is said at once.
    """
    try:
        data = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise DirectoryRefused(f"{name} is not YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(data, dict) or not isinstance(data.get("people"), list):
        raise DirectoryRefused(f"{name} has no list of people", mend="write people: [{name: alice, email: ...}, ...]")
    try:
        return Directory(people=data["people"])
    except ValidationError as error:
        raise DirectoryRefused(
            f"{name}: " + "; ".join(_line(data["people"], each) for each in error.errors())
        ) from error


def _line(people: list[Any], error: ErrorDetails) -> str:
    place, said = error["loc"], error["msg"].removeprefix("Value error, ")
    if len(place) > 1 and isinstance(place[1], int):
        person = people[place[1]]
        who = person.get("name") if isinstance(person, dict) else None
        field = ".".join(map(str, place[2:]))
        return f"{who or f'person {place[1] + 1}'}{f', field {field}' if field else ''}: {said}"
    return said


async def required_roster() -> Roster:
    """The people of the saved directory.

    Raises:
        DelegationRefused: none is saved, so that nobody can stand in for anybody.
        OperatorError: it is there and cannot be used.
    """
    if (roster := await saved_roster()) is None:
        raise DelegationRefused("no directory is saved", mend="save one: holdfast people people.yaml")
    return roster


async def saved_roster() -> Roster | None:
    """The people of the saved directory, if there is one.

    Raises:
        OperatorError: it is there and cannot be used.
    """
    saved = await load_saved(Directory, NAME)
    return saved.roster() if saved is not None else None
