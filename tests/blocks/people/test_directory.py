"""The directory as a block, from YAML."""

import pytest

from blocks.errors import DirectoryRefused
from blocks.people.directory import NAME, directory_from_yaml, saved_roster
from tests.blocks.people.directories import PEOPLE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("people: [", "people.yaml is not YAML"),
        ("persons: []", "has no list of people"),
        ("people: []", "at least 1 item"),
        ("people: [{name: alice, email: nowhere}]", "alice, field email: "),
        ("people: [{email: a@example.com}]", "person 1, field name: Field required"),
        ("people: [{name: alice, manager: bob}]", "alice's manager bob is not among the people"),
        ("people: [{name: a, time_zone: Mars}, {name: b, country: XX}]", "a, field time_zone: .*; b, field country: "),
    ],
)
def test_a_wrong_directory_is_refused_with_all_that_is_wrong(text: str, said: str) -> None:
    with pytest.raises(DirectoryRefused, match=said):
        directory_from_yaml(text, "people.yaml")


@pytest.mark.usefixtures("prefect_api")
async def test_a_saved_directory_is_the_one_that_is_used() -> None:
    from prefect.client.orchestration import get_client

    assert await saved_roster() is None
    directory = directory_from_yaml(PEOPLE, "people.yaml")
    document = await directory.save(NAME)
    try:
        assert await saved_roster() == directory.roster()
    finally:
        async with get_client() as client:
            await client.delete_block_document(document)
