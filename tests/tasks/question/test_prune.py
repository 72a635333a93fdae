"""Schemas cut to what a question may need."""

from collections.abc import Mapping

import pytest

from blocks.schemas.snapshot import Column, ForeignKey, Relation, RelationName, Snapshot
from tasks.question.prune import pruned


def _relation(name: str, *columns: str, keys: Mapping[str, str] | None = None) -> Relation:
    """A table whose first column is its key; `keys` says which columns are foreign keys of which tables."""
    return Relation(
        name=RelationName("main", name),
        kind="table",
        columns=tuple(Column(each, "TEXT", True) for each in columns),
        primary_key=columns[:1],
        foreign_keys=tuple(ForeignKey((each,), RelationName("main", to), ()) for each, to in (keys or {}).items()),
    )


def _schema(*relations: Relation) -> Snapshot:
    return Snapshot(dialect="sqlite", database="shop", search_path=("main",), fingerprint="1", relations=relations)


FILLER = tuple(_relation(f"zz{number}", f"q{number}") for number in range(30))
VENDORS = _relation("vendors", "id", "label", "city")
INVOICES = _relation("PurchaseInvoices", "InvoiceId", "VendorId", "grossAmount", "due_date")
STAFF = _relation("staff", "staff_id", "first_name")
TEAMS = _relation("teams", "team_id", "motto")
MEMBERS = _relation("memberships", "staff_id", "team_id", keys={"staff_id": "staff", "team_id": "teams"})
SHOP = _schema(*FILLER, VENDORS, INVOICES, STAFF, TEAMS, MEMBERS)


def _names(question: str, most: int = 20) -> list[str]:
    return [each.name.name for each in pruned(question, SHOP, most=most).relations]


def test_a_small_schema_is_returned_as_it_is() -> None:
    small = _schema(VENDORS, INVOICES)

    assert pruned("how many teams", small, most=2) is small


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("How many vendors are there?", "vendors"),
        ("each vendor's label", "vendors"),
        ("total gross amount", "PurchaseInvoices"),
        ("GrossAmounts by due date", "PurchaseInvoices"),
        ("purchase invoices due in 2026-10", "PurchaseInvoices"),
        ("number of vendros", "vendors"),
        ("the motto", "teams"),
    ],
)
def test_a_relation_is_found_by_its_name_its_columns_and_near_spellings(question: str, found: str) -> None:
    assert _names(question)[0] == found


def test_the_likest_relation_is_first_and_unlike_ones_are_left_out() -> None:
    assert _names("city of vendors with their gross amount") == ["vendors", "PurchaseInvoices"]


def test_a_table_that_connects_two_chosen_ones_by_foreign_keys_comes_with_them() -> None:
    assert _names("staff per motto") == ["staff", "teams", "memberships"]


def test_a_table_that_connects_two_chosen_ones_by_columns_named_after_their_keys_comes_with_them() -> None:
    links = _relation("approvals", "number", "vendor_id", "staff_id")
    schema = _schema(*FILLER, VENDORS, STAFF, links)

    found = {each.name.name for each in pruned("vendors and staff", schema).relations}

    assert found == {"vendors", "staff", "approvals"}


def test_no_more_relations_are_chosen_than_asked_for() -> None:
    assert _names("staff per motto", most=2) == ["staff", "teams"]
    assert len(_names("vendors, staff, teams, invoices", most=3)) == 3


def test_a_question_that_resembles_nothing_gets_the_first_relations() -> None:
    assert _names("quarks", most=2) == ["zz0", "zz1"]


def test_what_is_cut_is_the_same_database() -> None:
    cut = pruned("vendors", SHOP)

    assert (cut.dialect, cut.database, cut.search_path, cut.fingerprint) == ("sqlite", "shop", ("main",), "1")
    assert cut.by_name[VENDORS.name] == VENDORS
