"""`holdfast query`: the same answer before and after drift, or a refusal with its own exit status."""

import json
from pathlib import Path

import pytest

from tests.deployments.commands import Said, change, holdfast

pytestmark = pytest.mark.usefixtures("a_home")

SQL = "SELECT name, city FROM vendors ORDER BY name"
ANSWER = "name,city\nAble,Ulm\nBold,Bonn\nCora,Kiel\nDunn,Hof\n"


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """The path of a database with four vendors."""
    change(
        str(tmp_path / "shop.db"),
        "CREATE TABLE vendors (id INTEGER PRIMARY KEY, name TEXT, city TEXT)",
        "INSERT INTO vendors VALUES (1, 'Able', 'Ulm'), (2, 'Bold', 'Bonn'), (3, 'Cora', 'Kiel'), (4, 'Dunn', 'Hof')",
    )
    return str(tmp_path / "shop.db")


def test_an_answer_is_csv_on_standard_output_and_nothing_else(capsys: pytest.CaptureFixture[str], shop: str) -> None:
    assert holdfast(capsys, "query", shop, SQL) == Said(0, ANSWER, "")


def test_a_repair_is_said_and_gives_the_same_answer(capsys: pytest.CaptureFixture[str], shop: str) -> None:
    holdfast(capsys, "query", shop, SQL)
    change(shop, "ALTER TABLE vendors RENAME COLUMN city TO town", "ALTER TABLE vendors RENAME TO suppliers")
    said, again = (holdfast(capsys, "query", shop, SQL) for _ in range(2))

    assert (said.status, said.out) == (again.status, again.out) == (3, ANSWER)
    assert "Repaired: vendors from suppliers (city is town)" in said.err
    rebuilt = "WITH vendors AS (SELECT id, name, town AS city FROM main.suppliers)"
    assert f"Ran: {rebuilt} {SQL}" in said.err


def test_json_has_the_rows_and_what_was_done(capsys: pytest.CaptureFixture[str], shop: str) -> None:
    holdfast(capsys, "query", shop, SQL)
    change(shop, "ALTER TABLE vendors RENAME TO suppliers")
    told = json.loads(holdfast(capsys, "query", shop, SQL, "--json").out)

    assert told["rows"][0] == {"name": "Able", "city": "Ulm"}
    assert told["repairs"] == ["vendors from suppliers"]
    assert told["sql"].endswith(SQL)


@pytest.mark.parametrize(
    ("drift", "options", "why"),
    [
        ("ALTER TABLE vendors DROP COLUMN city", (), "vendors has no column city"),
        ("ALTER TABLE vendors RENAME TO suppliers", ("--on-drift", "fail"), "on_drift is fail"),
    ],
)
def test_drift_that_may_not_or_cannot_be_repaired_is_refused(
    capsys: pytest.CaptureFixture[str], shop: str, drift: str, options: tuple[str, ...], why: str
) -> None:
    holdfast(capsys, "query", shop, SQL)
    change(shop, drift)
    said = holdfast(capsys, "query", shop, SQL, *options)

    assert (said.status, said.out) == (4, "")
    assert why in said.err
    assert len(said.err.splitlines()) == 1


def test_a_repair_that_nobody_can_approve_is_refused_with_both_statements(
    capsys: pytest.CaptureFixture[str], shop: str
) -> None:
    holdfast(capsys, "query", shop, SQL)
    change(shop, "ALTER TABLE vendors RENAME TO suppliers")
    said = holdfast(capsys, "query", shop, SQL, "--on-drift", "approve")

    assert (said.status, said.out) == (4, "")
    saved, repaired, refused = said.err.splitlines()
    assert saved == f"Saved: {SQL}"
    assert repaired == f"Repaired: WITH vendors AS (SELECT id, name, city FROM main.suppliers) {SQL}"  # noqa: S608  # no SQL is run here
    assert "there is no terminal to approve the repair in" in refused


def test_another_database_under_the_same_name_is_said_and_answered_anew(
    capsys: pytest.CaptureFixture[str], shop: str, tmp_path: Path
) -> None:
    link = tmp_path / "current.db"
    link.symlink_to(shop)
    holdfast(capsys, "query", str(link), SQL)
    other = str(tmp_path / "other.db")
    change(other, "CREATE TABLE vendors (name TEXT, city TEXT)", "INSERT INTO vendors VALUES ('Zeta', 'Rome')")
    link.unlink()
    link.symlink_to(other)
    said = holdfast(capsys, "query", str(link), SQL)

    assert (said.status, said.out) == (0, "name,city\nZeta,Rome\n")
    assert said.err == f"Not compared: until now this name meant another database, {shop}.\n"


@pytest.mark.parametrize(
    ("sql", "status", "why"),
    [
        ("DELETE FROM vendors", 2, "a query node only reads"),
        ("SELECT name FROM vendor", 2, "did you mean vendors?"),
        ("SELECT nam FROM vendors", 2, "did you mean name?"),
    ],
)
def test_sql_that_is_wrong_is_one_line(
    capsys: pytest.CaptureFixture[str], shop: str, sql: str, status: int, why: str
) -> None:
    said = holdfast(capsys, "query", shop, sql)

    assert (said.status, said.out) == (status, "")
    assert why in said.err
    assert len(said.err.splitlines()) == 1
