"""What a steward looks at before deciding: two records side by side, or all records of a customer.

All of it is read from the store, as people were last synced, and masked for the caller. Whether two
values agree is said of the values themselves: the evidence of the link tells as much to everybody.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.customer import AttributeValue, CanonicalIdentifier, Cluster, Link, LinkEvidence
from domain.ids import CustomerId
from domain.ports import IdentityGraph
from domain.records import Contact
from domain.vocabulary import IdentifierKind
from resolvers.access import require_steward
from resolvers.decisions import could_be_id, link_ends
from resolvers.identifiers import written
from resolvers.links import summary
from resolvers.masking import HIDDEN
from resolvers.survivorship import ATTRIBUTES, golden, one_line

if TYPE_CHECKING:
    from resolvers.operation import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One attribute of two records; `agree` is None where one of them does not say it. What they
    agree on is `shared` where several people use it: it proves little.
    """

    name: str
    left: tuple[str, ...] = field(repr=False)
    right: tuple[str, ...] = field(repr=False)
    agree: bool | None
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A link with all that speaks for and against it; `customers` is one where both records are
    one customer's already.
    """

    link: Link
    left: Contact
    right: Contact
    lines: tuple[Line, ...]
    evidence: tuple[LinkEvidence, ...]
    summary: str
    customers: tuple[Cluster, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A customer as stored: the golden record and the records behind it."""

    cluster: Cluster
    attributes: tuple[AttributeValue, ...] = field(repr=False)
    records: tuple[Contact, ...] = field(repr=False)

    @property
    def name(self) -> str | None:
        return next((one.value for one in self.attributes if one.name == "name"), None)


async def pair(operation: "Operation", link_id: str) -> Pair | None:
    """None where there is no such link, or a record of it is no longer kept. Raises Forbidden."""
    require_steward(operation)
    ends = link_ends(link_id)
    if ends is None:
        return None
    owners = await operation.services.identity.of_records(ends)
    ids = list(dict.fromkeys(owner for owner in owners if owner is not None))
    found = [link for id in ids for link in await operation.loaders.links(id, None)]
    link = next((one for one in found if one.id == link_id), None)
    rows = await operation.loaders.kept_rows(ends)
    left, right = rows
    if link is None or left is None or right is None:
        return None
    evidence = await operation.loaders.evidence(link)
    clusters = await operation.services.identity.clusters(ids)
    return Pair(
        link=link,
        left=operation.masks.apply(left),
        right=operation.masks.apply(right),
        lines=await side_by_side(operation, left, right),
        evidence=evidence,
        summary=summary(link, evidence),
        customers=tuple(one for one in clusters if one is not None),
    )


async def dossiers(operation: "Operation", ids: Sequence[CustomerId]) -> list[Dossier | None]:
    """One entry per id, in order, redirects followed; None for nobody. Raises Forbidden."""
    require_steward(operation)
    possible = [id for id in ids if could_be_id(id)]
    clusters = await operation.services.identity.clusters(possible)
    found = {id: one for id, one in zip(possible, clusters, strict=True) if one is not None}
    return [await _dossier(operation, found[id]) if id in found else None for id in ids]


async def _dossier(operation: "Operation", cluster: Cluster) -> Dossier:
    rows = await operation.loaders.kept_rows(cluster.members)
    kept = [row for row in rows if row is not None]
    values = (golden(name, kept) for name in ATTRIBUTES)
    mask = operation.masks.apply
    return Dossier(
        cluster=cluster,
        attributes=tuple(mask(value) for value in values if value is not None),
        records=tuple(mask(row) for row in kept),
    )


# ---------------------------------------------------------------- side by side


def name_of(contact: Contact) -> str:
    parts = (contact.given_name, contact.family_name)
    return contact.full_name or " ".join(part for part in parts if part)


async def side_by_side(operation: "Operation", left: Contact, right: Contact) -> tuple[Line, ...]:
    """The attributes that either of two unmasked records says, masked."""
    identity = operation.services.identity
    ours, theirs = _forms(identity, left), _forms(identity, right)
    common = {name: ours[name] & theirs[name] for name in ours}
    forms = [form for some in common.values() for form in some]
    flags = await identity.shared(forms) if forms else []
    shared = {form for form, is_shared in zip(forms, flags, strict=True) if is_shared}
    lines = []
    for name, read in _READ.items():
        here, there = read(left), read(right)
        if not here and not there:
            continue
        same = common[name] if name in common else _folded(name, here) & _folded(name, there)
        lines.append(
            Line(
                name=name,
                left=_shown(operation, left, read),
                right=_shown(operation, right, read),
                agree=bool(same) if here and there else None,
                shared=bool(common.get(name, set()) & shared),
            )
        )
    return tuple(lines)


def _shown(
    operation: "Operation", contact: Contact, read: Callable[[Contact], tuple[str, ...]]
) -> tuple[str, ...]:
    """Masked; what the mask leaves nothing of is not the same as what nobody knows."""
    masked = read(operation.masks.apply(contact))
    return masked or ((HIDDEN,) if read(contact) else ())


def _folded(name: str, values: Iterable[str]) -> set[str]:
    """The parts of a name in any order; of an address the street and the town, since one system
    writes out the country and another the region.
    """
    words = (value.replace(",", " , ").casefold().split() for value in values)
    if name == "address":
        return {" , ".join(" ".join(some).split(" , ")[:2]) for some in words}
    return {" ".join(sorted(some)) for some in words}


def _forms(identity: IdentityGraph, contact: Contact) -> dict[str, set[CanonicalIdentifier]]:
    """The identifiers of a record as identity compares them, by the name of their line."""
    forms: dict[str, set[CanonicalIdentifier]] = {name: set() for name in _IDENTIFIERS.values()}
    for one in written(identity, contact):
        forms[_IDENTIFIERS[one.canonical.kind]].add(one.canonical)
    return forms


def _day(contact: Contact) -> str | None:
    return contact.birth_date.isoformat() if contact.birth_date else None


def _some(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


_IDENTIFIERS: Mapping[IdentifierKind, str] = {
    IdentifierKind.EMAIL: "email",
    IdentifierKind.PHONE: "phone",
    IdentifierKind.HANDLE: "handle",
    IdentifierKind.ACCOUNT_NUMBER: "account_number",
}
_READ: Mapping[str, Callable[[Contact], tuple[str, ...]]] = {
    "name": lambda contact: _some(name_of(contact)),
    "email": lambda contact: contact.emails,
    "phone": lambda contact: contact.phones,
    "handle": lambda contact: tuple(f"{one.platform}: {one.name}" for one in contact.handles),
    "account_number": lambda contact: _some(contact.account_number),
    "birth_date": lambda contact: _some(_day(contact)),
    "address": lambda contact: _some(one_line(contact.address)),
    "company": lambda contact: _some(contact.company),
}
