"""Which source wins a field: rules as data, one line per attribute of the golden record."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from domain.customer import AttributeValue
from domain.records import Address, Contact
from domain.vocabulary import PiiClass, SystemKind

Rank = tuple[float | str, ...]
Rule = Callable[[Contact, str], Rank]


def _age(contact: Contact) -> float:
    """Less is newer; a row that does not say when it changed is the oldest."""
    changed = contact.provenance.source_updated_at
    return -changed.timestamp() if changed else float("inf")


def most_recent(contact: Contact, _value: str) -> Rank:
    return (_age(contact),)


def most_complete(contact: Contact, value: str) -> Rank:
    """More words, then more letters: "Maria Lopez" before "Maria" before "M.". Of one name, the one
    that is not all in capitals or in small letters.
    """
    words = value.split()
    return (
        -len(words),
        -sum(map(len, words)),
        value in {value.lower(), value.upper()},
        _age(contact),
    )


def crm_first(contact: Contact, _value: str) -> Rank:
    """What staff keep by hand, then the newest."""
    return (contact.provenance.system.kind is not SystemKind.CRM, _age(contact))


def verified_first(contact: Contact, _value: str) -> Rank:
    return (-contact.verification.strength, _age(contact))


RULES: Mapping[str, Rule] = {
    rule.__name__: rule for rule in (most_recent, most_complete, crm_first, verified_first)
}
"""By the name that `AttributeValue.rule` shows. The least rank wins."""


def _one(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


def _name(contact: Contact) -> tuple[str, ...]:
    parts = (contact.given_name, contact.family_name)
    return _one(contact.full_name or " ".join(part for part in parts if part))


def one_line(address: Address | None) -> str:
    """An address on one line, in the order of its parts."""
    if address is None:
        return ""
    town = " ".join(part for part in (address.postcode, address.city) if part)
    parts = (address.street, town, address.region, address.country)
    return ", ".join(part for part in parts if part)


def _birth_date(contact: Contact) -> tuple[str, ...]:
    return (contact.birth_date.isoformat(),) if contact.birth_date else ()


def _same_text(value: str) -> str:
    return " ".join(value.split()).casefold()


def _same_number(value: str) -> str:
    return "".join(character for character in value if character.isalnum() or character == "+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """`fields` are the attributes of a contact that it is read from; `same` folds two ways of
    writing one value together; `pii` is None for what is not personal. `first` is the one of a
    contact that decides alone where it is text: read without a call of ours.
    """

    name: str
    pii: PiiClass | None
    rule: str
    fields: frozenset[str]
    read: Callable[[Contact], Iterable[str]]
    same: Callable[[str], str] = _same_text
    first: str | None = None


_NAMES = frozenset({"full_name", "given_name", "family_name"})

ATTRIBUTES: Mapping[str, Attribute] = {
    one.name: one
    for one in (
        Attribute(
            name="name",
            pii=PiiClass.IDENTITY,
            rule="most_complete",
            fields=_NAMES,
            read=_name,
            first="full_name",
        ),
        Attribute(
            name="given_name",
            pii=PiiClass.IDENTITY,
            rule="most_complete",
            fields=frozenset({"given_name"}),
            read=lambda contact: _one(contact.given_name),
        ),
        Attribute(
            name="family_name",
            pii=PiiClass.IDENTITY,
            rule="most_complete",
            fields=frozenset({"family_name"}),
            read=lambda contact: _one(contact.family_name),
        ),
        Attribute(
            name="email",
            pii=PiiClass.CONTACT,
            rule="crm_first",
            fields=frozenset({"emails"}),
            read=attrgetter("emails"),
        ),
        Attribute(
            name="phone",
            pii=PiiClass.CONTACT,
            rule="crm_first",
            fields=frozenset({"phones"}),
            read=attrgetter("phones"),
            same=_same_number,
        ),
        Attribute(
            name="address",
            pii=PiiClass.LOCATION,
            rule="most_recent",
            fields=frozenset({"address"}),
            read=lambda contact: _one(one_line(contact.address)),
        ),
        Attribute(
            name="birth_date",
            pii=PiiClass.SPECIAL,
            rule="crm_first",
            fields=frozenset({"birth_date"}),
            read=_birth_date,
        ),
        Attribute(
            name="company",
            pii=None,
            rule="most_recent",
            fields=frozenset({"company"}),
            read=lambda contact: _one(contact.company),
        ),
        Attribute(
            name="account_number",
            pii=PiiClass.CONTACT,
            rule="crm_first",
            fields=frozenset({"account_number"}),
            read=lambda contact: _one(contact.account_number),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class _Candidate:
    value: str = field(repr=False)
    contact: Contact = field(repr=False)
    rank: Rank


_rank = attrgetter("rank")


def golden(name: str, contacts: Sequence[Contact]) -> AttributeValue | None:
    """The value that wins, with those that differ from it, best first. None where nobody says
    anything. Ties go to the lesser source key, then to the value a row names first.
    """
    attribute = ATTRIBUTES[name]
    alone = _alone(attribute, contacts)
    if alone is not None:
        value, contact = alone
        return AttributeValue(
            name=name, value=value, rule=attribute.rule, provenance=contact.provenance
        )
    ranked = sorted(_candidates(attribute, contacts), key=_rank)
    distinct: dict[str, _Candidate] = {}
    for one in ranked:
        distinct.setdefault(attribute.same(one.value), one)
    values = [
        AttributeValue(
            name=name, value=one.value, rule=attribute.rule, provenance=one.contact.provenance
        )
        for one in distinct.values()
    ]
    return replace(values[0], alternatives=tuple(values[1:])) if values else None


def best(name: str, groups: Iterable[Sequence[Contact]]) -> list[str | None]:
    """The value of `golden` for each group of contacts, in order. Most are one contact that says
    one thing, so they are gone through in one piece.
    """
    attribute = ATTRIBUTES[name]
    read, first = attribute.read, attribute.first
    found: list[str | None] = []
    for contacts in groups:
        if len(contacts) == 1:
            value = getattr(contacts[0], first) if first is not None else None
            values = (value,) if value else tuple(read(contacts[0]))
            if len(values) == 1:
                found.append(values[0])
                continue
        won = min(_candidates(attribute, contacts), key=_rank, default=None)
        found.append(None if won is None else won.value)
    return found


def _alone(attribute: Attribute, contacts: Sequence[Contact]) -> tuple[str, Contact] | None:
    """The one value that is said, by one contact alone: nothing to choose between."""
    if len(contacts) != 1:
        return None
    values = tuple(attribute.read(contacts[0]))
    return (values[0], contacts[0]) if len(values) == 1 else None


def _candidates(attribute: Attribute, contacts: Sequence[Contact]) -> list[_Candidate]:
    rule = RULES[attribute.rule]
    return [
        _Candidate(value, contact, (*rule(contact, value), *_tie(contact), index))
        for contact in contacts
        for index, value in enumerate(attribute.read(contact))
    ]


def _tie(contact: Contact) -> tuple[str, str]:
    return contact.key.source, contact.key.external_id
