"""The person: who they are held to be, and what their rows agree on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.customer import AttributeValue, Identifier
from domain.errors import SourceError
from domain.ids import CustomerId, Kind
from domain.pii import pii
from domain.provenance import Freshness
from domain.records import Contact
from domain.sources import Fields
from domain.vocabulary import PiiClass
from resolvers.identifiers import Shared, Written, identifiers, shared_among, written
from resolvers.moments import LIVE
from resolvers.parents import needed_fields
from resolvers.people import Person
from resolvers.services import Services
from resolvers.survivorship import ATTRIBUTES, golden

if TYPE_CHECKING:
    from resolvers.operation import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """The golden record. An attribute that was not among the fields asked for is empty.

    `freshness` is what children inherit; `failures` are the sources whose rows are missing from
    it.
    """

    id: CustomerId
    version: int
    aliases: tuple[CustomerId, ...] = ()
    display_name: str | None = field(default=None, repr=False, metadata=pii(PiiClass.IDENTITY))
    primary_email: str | None = field(default=None, repr=False, metadata=pii(PiiClass.CONTACT))
    primary_phone: str | None = field(default=None, repr=False, metadata=pii(PiiClass.CONTACT))
    attributes: tuple[AttributeValue, ...] = field(default=(), repr=False)
    identifiers: tuple[Identifier, ...] = field(default=(), repr=False)
    records: tuple[Contact, ...] = field(default=(), repr=False)
    freshness: Freshness = field(default_factory=Freshness)
    failures: tuple[SourceError, ...] = ()


_LEAVES = {"display_name": "name", "primary_email": "email", "primary_phone": "phone"}
_CHILDREN = {
    "orders": (Kind.ORDER,),
    "tickets": (Kind.TICKET,),
    "conversations": (Kind.CONVERSATION,),
    "timeline": LIVE,
    "issues": LIVE,
    "journeys": LIVE,
    "context": LIVE,
    "commitments": LIVE,
}
_EVERY = frozenset().union(*(one.fields for one in ATTRIBUTES.values()))
_IDENTIFYING = frozenset(
    {"emails", "phones", "handles", "account_number", "address", "verification"}
)


def contact_fields(services: Services, fields: Fields) -> Fields:
    """Attributes of contacts behind these fields of a customer, those of its children among them.
    An empty set means that no row is needed.
    """
    if fields is None:
        return None
    needed: set[str] = set()
    for name in fields:
        needed |= _behind(services, name)
    return frozenset(needed)


def _behind(services: Services, name: str) -> frozenset[str]:
    if name in _LEAVES:
        return ATTRIBUTES[_LEAVES[name]].fields
    if name in _CHILDREN:
        sources = [source for kind in _CHILDREN[name] for source in services.holding(kind)]
        own = _EVERY if name == "context" else frozenset()
        return own.union(*(needed_fields(services, source) for source in sources))
    always = {"attributes": _EVERY, "identifiers": _IDENTIFYING, "records": frozenset({"raw"})}
    return always.get(name, frozenset())


async def stitch(
    operation: "Operation", people: Sequence[Person | None], fields: Fields
) -> list[Customer | None]:
    """A customer for each person, in order; None for nobody and for who was erased."""
    standing = [None if person is None or person.cluster.erased_at else person for person in people]
    groups: dict[CustomerId, list[Written]] = {}
    if fields is None or "identifiers" in fields:
        groups = {person.cluster.id: _written(operation, person) for person in standing if person}
    shared = await shared_among(operation.services.identity, groups.values())
    return [
        None
        if person is None
        else _customer(person, groups.get(person.cluster.id, ()), shared, fields)
        for person in standing
    ]


def _written(operation: "Operation", person: Person) -> list[Written]:
    identity = operation.services.identity
    return [one for contact in person.contacts for one in written(identity, contact)]


def _customer(person: Person, found: Iterable[Written], shared: Shared, fields: Fields) -> Customer:
    values = {value.name: value for value in _golden(person.contacts, fields)}
    leaves = {leaf: values[name].value for leaf, name in _LEAVES.items() if name in values}
    whole = fields is None or "attributes" in fields
    return Customer(
        id=person.cluster.id,
        version=person.cluster.version,
        aliases=person.cluster.aliases,
        **leaves,
        attributes=tuple(values.values()) if whole else (),
        identifiers=identifiers(found, shared),
        records=person.contacts if fields is None or "records" in fields else (),
        freshness=person.freshness,
        failures=person.failures,
    )


def _golden(contacts: Sequence[Contact], fields: Fields) -> list[AttributeValue]:
    names: Iterable[str] = ATTRIBUTES
    if fields is not None and "attributes" not in fields:
        names = [name for leaf, name in _LEAVES.items() if leaf in fields]
    found = (golden(name, contacts) for name in names)
    return [value for value in found if value is not None]
