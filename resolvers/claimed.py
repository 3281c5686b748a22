"""Identifiers that events claim, and the records they make."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from domain.customer import CanonicalIdentifier, KeyKind, LookupKey
from domain.events import Claim
from domain.records import Contact, Handle
from domain.vocabulary import IdentifierKind, Verification

OF_CONTACTS = frozenset({KeyKind.EMAIL, KeyKind.PHONE, KeyKind.HANDLE, KeyKind.ACCOUNT_NUMBER})
_STRONGEST_FIRST = (
    IdentifierKind.ACCOUNT_NUMBER,
    IdentifierKind.EMAIL,
    IdentifierKind.PHONE,
    IdentifierKind.HANDLE,
)
_UNREAD = datetime(1970, 1, 1, tzinfo=UTC)


def strongest(forms: Mapping[Claim, Sequence[CanonicalIdentifier]]) -> Sequence[str] | None:
    """The identifier by which a record goes: of those trusted most, the most telling."""
    found = [
        (-claim.verification.strength, _STRONGEST_FIRST.index(one.kind), one.scope, one.value)
        for claim, some in forms.items()
        for one in some
        if one.kind in _STRONGEST_FIRST
    ]
    if not found:
        return None
    _, kind, scope, value = min(found)
    name = _STRONGEST_FIRST[kind].value.lower()
    return (name, scope, value) if scope else (name, value)


def is_trusted(claim: Claim) -> bool:
    return claim.verification is not Verification.ASSERTED


def carrying(blank: Contact, claims: Iterable[Claim]) -> Contact:
    """The record with these identifiers; as trusted as the least of them."""
    values: dict[KeyKind, list[LookupKey]] = defaultdict(list)
    how = []
    for claim in claims:
        values[claim.key.kind].append(claim.key)
        how.append(claim.verification)
    accounts = [key.value for key in values[KeyKind.ACCOUNT_NUMBER]]
    return replace(
        blank,
        emails=tuple(key.value for key in values[KeyKind.EMAIL]),
        phones=tuple(key.value for key in values[KeyKind.PHONE]),
        handles=tuple(Handle(key.scope, key.value) for key in values[KeyKind.HANDLE]),
        account_number=min(accounts, default=None),
        verification=min(how, key=lambda one: one.strength, default=Verification.OBSERVED),
    )


def undated(contact: Contact) -> Contact:
    """What does not change by being told again."""
    at = replace(contact.provenance, fetched_at=_UNREAD)
    return replace(contact, provenance=at)
