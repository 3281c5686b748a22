"""Whether a contact carries a key: the last check between a vendor's search and an answer."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.matching import belongs, carries, same_email, same_phone
from domain.customer import KeyKind, LookupKey
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Contact, Handle
from domain.sources import Parent, ParentBy
from domain.vocabulary import SystemKind

SYSTEM = System(name="crm", kind=SystemKind.CRM, connector="made up")


def contact(**more: Any) -> Contact:
    provenance = Provenance(
        system=SYSTEM, external_id="1", fetched_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    return Contact(key=SourceKey("crm", Kind.CONTACT, "1"), provenance=provenance, **more)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("+441134960101", "+44 113 496 0101", True),
        ("+441134960101", "0113 496 0101", True),
        ("+441134960101", "(0113) 496-0101", True),
        ("+441134960101", "00441134960101", True),
        ("+441134960101", "+1 113 496 0101", False),
        ("+441134960101", "0114 496 0101", False),
        ("+441134960101", "0101", False),
        ("+441134960101", "4960101", True),
        ("+441134960101", "", False),
        ("", "", False),
        ("+", "+", True),
    ],
)
def test_spellings_of_one_number(left: str, right: str, same: bool) -> None:
    assert same_phone(left, right) is same
    assert same_phone(right, left) is same


def test_addresses_differ_in_more_than_case() -> None:
    assert same_email(" Ann@Example.COM ", "ann@example.com")
    assert not same_email("ann@example.com", "joann@example.com")


@pytest.mark.parametrize(
    ("key", "more"),
    [
        (LookupKey(KeyKind.EMAIL, "A@b.example"), {"emails": ("x@y.example", "a@B.example")}),
        (LookupKey(KeyKind.PHONE, "+441134960101"), {"phones": ("0113 4960101",)}),
        (LookupKey(KeyKind.ACCOUNT_NUMBER, "ac-1"), {"account_number": "AC-1"}),
        (LookupKey(KeyKind.HANDLE, "@Ann", "X"), {"handles": (Handle("x", "ann"),)}),
        (LookupKey(KeyKind.EXTERNAL, "7", "erp"), {"foreign_ids": (("erp", "7"),)}),
    ],
)
def test_a_contact_carries_what_it_shows(key: LookupKey, more: dict[str, Any]) -> None:
    assert carries(contact(**more), key)
    assert not carries(contact(), key)


def test_a_handle_is_of_its_platform_and_an_id_of_its_system() -> None:
    assert not carries(
        contact(handles=(Handle("x", "ann"),)), LookupKey(KeyKind.HANDLE, "ann", "y")
    )
    key = LookupKey(KeyKind.EXTERNAL, "7", "shop")
    assert not carries(contact(foreign_ids=(("erp", "7"),)), key)


@pytest.mark.parametrize(
    ("parent", "more"),
    [
        (Parent(ParentBy.OWN, "9"), {"merged_ids": ("9",)}),
        (Parent(ParentBy.EMAIL, "a@b.example"), {"emails": ("A@b.example",)}),
        (Parent(ParentBy.PHONE, "+441134960101"), {"phones": ("0113 4960101",)}),
        (Parent(ParentBy.FOREIGN, "7"), {"foreign_ids": (("erp", "7"),)}),
    ],
)
def test_a_parent_is_the_contact_it_names(parent: Parent, more: dict[str, Any]) -> None:
    assert belongs(contact(**more), parent)
    assert not belongs(contact(), parent)
