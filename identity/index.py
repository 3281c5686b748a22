"""What a stored record is found by, and how a caller's key is read: the same canonical forms."""

from collections.abc import Iterable

from domain.customer import CanonicalIdentifier, KeyKind, LookupKey
from domain.events import VISITOR_SYSTEM
from domain.ports import IndexedContact
from domain.records import Contact
from domain.vocabulary import IdentifierKind, Verification
from identity import emails, fields, phones
from identity.letters import fold
from identity.normalise import Person, RawPerson, normalise
from identity.rows import comparable, row_of


def raw_person(contact: Contact) -> RawPerson:
    """The record in the columns that identity compares."""
    address = contact.address
    return RawPerson(
        account_number=contact.account_number,
        full_name=contact.full_name,
        given_name=contact.given_name,
        family_name=contact.family_name,
        emails=contact.emails,
        phones=contact.phones,
        handles=tuple(handle.name for handle in contact.handles),
        street=address.street if address else None,
        city=address.city if address else None,
        postcode=address.postcode if address else None,
        country=address.country if address else None,
        birth_date=contact.birth_date.isoformat() if contact.birth_date else None,
        company=contact.company,
    )


def identifiers(contact: Contact, region: str | None) -> tuple[CanonicalIdentifier, ...]:
    """Sorted by kind; fillers are left out. `region` (ISO 3166) reads numbers without a country."""
    return _identifiers(contact, normalise(raw_person(contact), region))


def index(contact: Contact, region: str | None) -> IndexedContact:
    """What somebody only says of themselves is compared, and leads nobody to them: it may be
    somebody else's.
    """
    person = normalise(raw_person(contact), region)
    names = (contact.full_name, contact.given_name, contact.family_name)
    words = {word for name in names if name for word in words_of(name)}
    return IndexedContact(
        contact=contact,
        identifiers=_findable(contact, _identifiers(contact, person)),
        words=tuple(sorted(words)),
        comparable=comparable(row_of(person, contact.key.source, contact.verification)),
    )


def words_of(text: str) -> list[str]:
    """The words of a text, folded to plain lower-case letters and digits."""
    return "".join(c if c.isalnum() or c in "@.+-_" else " " for c in fold(text)).split()


def forms(key: LookupKey, regions: Iterable[str | None]) -> tuple[CanonicalIdentifier, ...]:
    """What a caller's key may be stored as; a phone number is read in every region in use."""
    folded = fold(key.value)
    if key.kind is KeyKind.EMAIL:
        address = emails.canonical(folded)
        return (CanonicalIdentifier(IdentifierKind.EMAIL, address),) if address else ()
    if key.kind is KeyKind.PHONE:
        found = (phones.canonical(folded, region) for region in regions)
        keys = sorted({phone.key for phone in found if phone})
        return tuple(CanonicalIdentifier(IdentifierKind.PHONE, value) for value in keys)
    if key.kind is KeyKind.ACCOUNT_NUMBER:
        account = fields.code(fields.ACCOUNT, folded)
        return (CanonicalIdentifier(IdentifierKind.ACCOUNT_NUMBER, account),) if account else ()
    if key.kind is KeyKind.HANDLE:
        handle = fields.code(fields.HANDLE, folded)
        scope = key.scope.lower()
        return (CanonicalIdentifier(IdentifierKind.HANDLE, handle, scope),) if handle else ()
    if key.kind is KeyKind.VISITOR_ID:
        return (CanonicalIdentifier(IdentifierKind.VISITOR_ID, key.value),)
    return ()


def _findable(
    contact: Contact, found: tuple[CanonicalIdentifier, ...]
) -> tuple[CanonicalIdentifier, ...]:
    if contact.verification is not Verification.ASSERTED:
        return found
    return tuple(one for one in found if one.kind is IdentifierKind.VISITOR_ID)


def _identifiers(contact: Contact, person: Person) -> tuple[CanonicalIdentifier, ...]:
    found = [CanonicalIdentifier(IdentifierKind.EMAIL, value) for value in person.emails]
    found += [CanonicalIdentifier(IdentifierKind.PHONE, value) for value in person.phones]
    if person.account:
        found.append(CanonicalIdentifier(IdentifierKind.ACCOUNT_NUMBER, person.account))
    for handle in contact.handles:
        name = fields.code(fields.HANDLE, fold(handle.name))
        if name:
            scope = handle.platform.lower()
            found.append(CanonicalIdentifier(IdentifierKind.HANDLE, name, scope))
    found += [
        CanonicalIdentifier(IdentifierKind.VISITOR_ID, one)
        for system, one in contact.foreign_ids
        if system == VISITOR_SYSTEM
    ]
    return tuple(sorted(set(found), key=lambda one: (one.kind, one.scope, one.value)))
