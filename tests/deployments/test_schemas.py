"""`holdfast schema`: what a database has, and what changed in it since it was last looked at."""

import json
from pathlib import Path

import pytest

from tests.deployments.commands import change, holdfast

pytestmark = pytest.mark.usefixtures("a_home")


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """The path of a database of vendors, and of one view."""
    change(
        str(tmp_path / "shop.db"),
        "CREATE TABLE vendors (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, city TEXT)",
        "CREATE VIEW cities AS SELECT DISTINCT city FROM vendors",
    )
    return str(tmp_path / "shop.db")


def test_a_database_that_was_never_seen_is_shown_as_it_is(capsys: pytest.CaptureFixture[str], shop: str) -> None:
    said = holdfast(capsys, "schema", shop)

    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines() == [
        f"{shop} (sqlite): 1 table, 1 view",
        "vendors  id integer key, name varchar(40) not null, city text",
        "cities   city text",
        "",
        "It was never seen before, so there is nothing to compare it with.",
    ]


def test_what_changed_since_the_last_look_is_said_once(capsys: pytest.CaptureFixture[str], shop: str) -> None:
    holdfast(capsys, "schema", shop)
    unchanged = holdfast(capsys, "schema", shop)
    change(shop, "ALTER TABLE vendors RENAME COLUMN name TO vendor_name")
    changed = holdfast(capsys, "schema", shop)
    after = holdfast(capsys, "schema", shop)

    assert "Nothing has changed since" in unchanged.out
    assert "- vendors.name is now called vendor_name (" in changed.out
    assert "same place" in changed.out
    assert "Nothing has changed since" in after.out


def test_json_is_one_object_with_the_same(capsys: pytest.CaptureFixture[str], shop: str) -> None:
    holdfast(capsys, "schema", shop)
    change(shop, "DROP VIEW cities", "ALTER TABLE vendors RENAME TO suppliers")
    told = json.loads(holdfast(capsys, "schema", shop, "--json").out)

    assert [(each["kind"], each["said"]) for each in told["changes"]] == [
        ("table_renamed", "vendors is now called suppliers"),
        ("table_removed", "cities was removed"),
    ]
    assert (told["source"], told["dialect"], told["other_database"]) == (shop, "sqlite", False)
    assert [column["name"] for column in told["relations"][0]["columns"]] == ["id", "name", "city"]
    assert told["compared_with"]


def test_another_database_under_the_same_name_is_said_and_not_compared(
    capsys: pytest.CaptureFixture[str], shop: str, tmp_path: Path
) -> None:
    link = tmp_path / "current.db"
    link.symlink_to(shop)
    change(str(tmp_path / "other.db"), "CREATE TABLE parts (id INTEGER PRIMARY KEY)")
    holdfast(capsys, "schema", str(link))
    link.unlink()
    link.symlink_to(tmp_path / "other.db")
    said = holdfast(capsys, "schema", str(link))

    assert f"Not compared: until now this name meant another database, {shop}." in said.out
    assert "was removed" not in said.out


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("nowhere.db", "source 'nowhere.db' has no file at nowhere.db"),
        (
            "postgresql://reader:secret@127.0.0.1:1/shop",
            "does not answer at postgresql+asyncpg://reader:***@127.0.0.1:1",
        ),
        ("mysql://127.0.0.1/shop", "cannot be opened with mysql"),
    ],
)
def test_what_cannot_be_read_is_one_line_without_a_password(
    capsys: pytest.CaptureFixture[str], source: str, why: str
) -> None:
    said = holdfast(capsys, "schema", source)

    assert (said.status, said.out) == (1, "")
    assert why in said.err
    assert len(said.err.splitlines()) == 1
    assert "secret" not in said.err
