"""The identifiers of a person: as written, grouped by what identity holds to be the same."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.customer import CanonicalIdentifier, Identifier
from domain.events import VISITOR_SYSTEM
from domain.ports import IdentityGraph
from domain.records import Address, Contact
from domain.vocabulary import IdentifierKind
from resolvers.survivorship import RULES

Shared = Mapping[CanonicalIdentifier, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One identifier as one contact writes it. Comparable forms are no use to a reader or to a
    source: they lack the tag of a plus-address and the country of a number.
    """

    text: str = field(repr=False)
    contact: Contact = field(repr=False)
    canonical: CanonicalIdentifier = field(repr=False)


def _bare(contact: Contact) -> Contact:
    """Keeps what a number without a country is read by."""
    country = contact.address.country if contact.address else None
    address = Address(country=country)
    return Contact(key=contact.key, provenance=contact.provenance, address=address)


def _emails(contact: Contact) -> Iterator[tuple[str, Contact]]:
    bare = _bare(contact)
    return ((text, replace(bare, emails=(text,))) for text in contact.emails)


def _phones(contact: Contact) -> Iterator[tuple[str, Contact]]:
    bare = _bare(contact)
    return ((text, replace(bare, phones=(text,))) for text in contact.phones)


def _handles(contact: Contact) -> Iterator[tuple[str, Contact]]:
    bare = _bare(contact)
    return ((handle.name, replace(bare, handles=(handle,))) for handle in contact.handles)


def _account_numbers(contact: Contact) -> Iterator[tuple[str, Contact]]:
    if contact.account_number:
        yield contact.account_number, replace(_bare(contact), account_number=contact.account_number)


def _visitor_ids(contact: Contact) -> Iterator[tuple[str, Contact]]:
    carried = (pair for pair in contact.foreign_ids if pair[0] == VISITOR_SYSTEM)
    return ((pair[1], replace(_bare(contact), foreign_ids=(pair,))) for pair in carried)


_WRITTEN: Mapping[IdentifierKind, Callable[[Contact], Iterator[tuple[str, Contact]]]] = {
    IdentifierKind.EMAIL: _emails,
    IdentifierKind.PHONE: _phones,
    IdentifierKind.HANDLE: _handles,
    IdentifierKind.ACCOUNT_NUMBER: _account_numbers,
    IdentifierKind.VISITOR_ID: _visitor_ids,
}
WRITTEN_KINDS = tuple(_WRITTEN)


def written(
    identity: IdentityGraph, contact: Contact, kinds: Iterable[IdentifierKind] = WRITTEN_KINDS
) -> list[Written]:
    """Placeholders are left out. Each value is put to identity alone, in an otherwise empty row,
    since its answer does not say which text a canonical identifier came from.
    """
    found: list[Written] = []
    for kind in kinds:
        for text, alone in _WRITTEN[kind](contact):
            forms = (form for form in identity.canonical(alone) if form.kind is kind)
            found.extend(
                Written(text=text, contact=contact, canonical=form) for form in list(forms)[:1]
            )
    return found


async def shared_among(identity: IdentityGraph, groups: Iterable[Sequence[Written]]) -> Shared:
    """Asked once for everybody."""
    forms = list(dict.fromkeys(one.canonical for group in groups for one in group))
    return dict(zip(forms, await identity.shared(forms), strict=True)) if forms else {}


def identifiers(found: Iterable[Written], shared: Shared) -> tuple[Identifier, ...]:
    """One for each canonical form: the text of the contact that is believed first, the strongest
    verification, and every contact that carries it.
    """
    groups: dict[CanonicalIdentifier, list[Written]] = defaultdict(list)
    for one in found:
        groups[one.canonical].append(one)
    return tuple(
        _identifier(form, groups[form], shared.get(form, False))
        for form in sorted(groups, key=lambda form: (form.kind, form.scope, form.value))
    )


def _identifier(form: CanonicalIdentifier, group: list[Written], shared: bool) -> Identifier:
    first = min(group, key=lambda one: RULES["crm_first"](one.contact, one.text))
    carriers = {one.contact.key: one.contact for one in group}
    return Identifier(
        kind=form.kind,
        value=first.text,
        platform=form.scope or None,
        verification=max((one.contact.verification for one in group), key=lambda v: v.strength),
        shared=shared,
        provenance=tuple(carriers[key].provenance for key in sorted(carriers)),
    )
