from datetime import date

import pytest

from domain.customer import AttributeValue, Identifier, LinkEvidence
from domain.ids import Kind, SourceKey
from domain.money import Money
from domain.pii import Pii, pii_fields
from domain.records import RECORD_TYPES, Actor, Address, Call, Handle, Shipment, Visit
from domain.vocabulary import (
    ActorKind,
    IdentifierKind,
    MaskStyle,
    PiiClass,
    ServedFrom,
    Verification,
)
from resolvers.caller import STAFF, Caller
from resolvers.masking import Masks, mask


def seeing(*classes, staff=True):
    scopes = {f"pii:{one.value.lower()}" for one in classes}
    return Masks(Caller(name="t", scopes=frozenset(scopes | ({STAFF} if staff else set()))))


@pytest.mark.parametrize(
    ("value", "cls", "seen"),
    [
        ("alice@example.com", PiiClass.CONTACT, "a***@e***.com"),
        ("alice.example@mail.example.co.uk", PiiClass.CONTACT, "a***@m***.uk"),
        ("a@localhost", PiiClass.CONTACT, "a***"),
        ("+44 7911 123456", PiiClass.CONTACT, "***56"),
        ("AC-77", PiiClass.CONTACT, "A***"),
        ("", PiiClass.CONTACT, "***"),
        ("https://track.example/1Z9", PiiClass.CONTACT, None),
        ("Maria del Carmen Lopez", PiiClass.IDENTITY, "M. d. C. L."),
        ("  ", PiiClass.IDENTITY, "***"),
        ("1 High Street, Leeds", PiiClass.LOCATION, "***"),
        ("My card is 4111", PiiClass.CONTENT, "***"),
        ("1990-02-03", PiiClass.SPECIAL, "***"),
        (date(1990, 2, 3), PiiClass.SPECIAL, None),
        (Money(100, "GBP"), PiiClass.FINANCIAL, None),
        (
            ("a@b.example", "c@d.example"),
            PiiClass.CONTACT,
            ("a***@b***.example", "c***@d***.example"),
        ),
        (Handle("twitter", "ann"), PiiClass.CONTACT, Handle("twitter", "a***")),
        (Address(street="1 High St", country="GB"), PiiClass.LOCATION, Address(country="GB")),
        ({"ssn": 1}, PiiClass.SPECIAL, None),
    ],
)
def test_what_stands_for_a_value(value, cls, seen):
    assert mask(value, Pii(cls)) == seen


def test_a_hash_is_equal_for_equal_values_and_no_plain_digest():
    said = Pii(PiiClass.CONTACT, MaskStyle.HASH)
    one, same, other = (mask(text, said) for text in ("a@b.c", "a@b.c", "d@e.f"))
    assert one == same != other
    assert "a@b.c" not in one


def test_redaction_leaves_nothing():
    assert mask("anything", Pii(PiiClass.SPECIAL, MaskStyle.REDACT)) is None


def test_who_sees_everything_gets_the_very_record(world, fakes):
    order = world.order("s1", "1", fakes.ago(days=1), total=Money(100, "GBP"))
    assert seeing(*PiiClass).apply(order) is order


@pytest.mark.parametrize("kind", RECORD_TYPES)
def test_every_personal_attribute_of_every_record_is_masked_without_its_scope(world, fakes, kind):
    """Values are planted by type, so that an attribute added later is covered by itself."""
    record_type = RECORD_TYPES[kind]
    planted = {
        "emails": ("plant@example.com",),
        "phones": ("+44 7911 123456",),
        "handles": (Handle("twitter", "planted"),),
        "address": Address(street="planted"),
        "birth_date": date(1990, 2, 3),
        "total": Money(100, "GBP"),
        "raw": {"planted": 1},
    }
    row = {
        "record": lambda: world.contact("crm", "1"),
        "order": lambda: world.order("s", "1", fakes.NOW),
        "ticket": lambda: world.ticket("z", "1", fakes.NOW),
        "conversation": lambda: world.conversation("i", "1", fakes.NOW),
        "call": lambda: Call(
            key=SourceKey("v", Kind.CALL, "1"),
            provenance=world.ticket("z", "1", fakes.NOW).provenance,
            occurred_at=fakes.NOW,
        ),
        "visit": lambda: Visit(
            key=SourceKey("w", Kind.VISIT, "1"),
            provenance=world.ticket("z", "1", fakes.NOW).provenance,
            occurred_at=fakes.NOW,
        ),
        "message": lambda: world.message(world.ticket("z", "1", fakes.NOW), "m", fakes.NOW),
    }[kind.value]()
    for name in pii_fields(record_type):
        value = planted.get(name, "planted text")
        given = fakes.replace(row, **{name: value})
        assert getattr(seeing().apply(given), name) != value, name
        assert getattr(seeing(*PiiClass).apply(given), name) == value, name


def test_nested_records_are_masked_too(world, fakes):
    shipment = Shipment(tracking_number="1Z999AA10123456784", tracking_url="https://t.example/1Z")
    order = world.order("s1", "1", fakes.ago(days=1), shipments=(shipment,))
    seen = seeing(PiiClass.FINANCIAL).apply(order).shipments[0]
    assert (seen.tracking_number, seen.tracking_url) == ("***84", None)
    ticket = world.ticket(
        "z", "1", fakes.NOW, owner=Actor(kind=ActorKind.HUMAN, id="a", name="Ada Byron")
    )
    assert seeing().apply(ticket).owner.name == "A. B."


def test_the_last_message_of_a_conversation_is_masked_and_an_internal_one_is_left_out(world, fakes):
    conversation = world.conversation("i1", "c1", fakes.NOW)
    message = world.message(conversation, "m", fakes.NOW)
    given = fakes.replace(conversation, last_message=message)
    assert seeing().apply(given).last_message.body == "***"
    assert seeing(*PiiClass, staff=False).apply(given).last_message.body == "text of m"
    note = fakes.replace(conversation, last_message=fakes.replace(message, internal=True))
    assert seeing(*PiiClass, staff=False).apply(note).last_message is None
    assert seeing(*PiiClass).apply(note).last_message is not None


@pytest.mark.parametrize(
    ("name", "value", "scope", "seen"),
    [
        ("name", "Ada Byron", PiiClass.IDENTITY, "A. B."),
        ("email", "ada@example.com", PiiClass.CONTACT, "a***@e***.com"),
        ("address", "1 High St", PiiClass.LOCATION, "***"),
        ("birth_date", "1990-02-03", PiiClass.SPECIAL, "***"),
        ("company", "Acme", None, "Acme"),
        ("something_new", "Ada Byron", PiiClass.IDENTITY, "A. B."),
    ],
)
def test_a_golden_value_is_masked_by_the_class_of_its_attribute(world, name, value, scope, seen):
    where = world.provenance("crm", "1")
    other = AttributeValue(name=name, value=value, rule="r", provenance=where)
    given = fakes_replace(other, alternatives=(other,))
    masked = seeing(*(set(PiiClass) - {scope})).apply(given)
    assert (masked.value, masked.alternatives[0].value) == (seen, seen)
    assert seeing(*([scope] if scope else [])).apply(given).value == value


def fakes_replace(value, **changes):
    return type(value)(**{**{s: getattr(value, s) for s in value.__slots__}, **changes})


def test_identifiers_and_evidence_are_masked(world):
    identifier = Identifier(
        kind=IdentifierKind.EMAIL, value="ada@example.com", verification=Verification.OBSERVED
    )
    assert seeing().apply(identifier).value == "a***@e***.com"
    evidence = LinkEvidence(
        comparison="name", level="exact", left="Ada", right="Ada", match_weight=3
    )
    assert seeing().apply(evidence).left == "A."


def test_what_is_not_personal_is_as_it_was(world, fakes):
    order = world.order("s1", "1", fakes.NOW, total=Money(100, "GBP"))
    seen = seeing().apply(order)
    assert (seen.key, seen.number, seen.provenance) == (order.key, "#1", order.provenance)
    assert seen.provenance.served_from is ServedFrom.LIVE
    assert order.total == Money(100, "GBP")
