"""The person: who they are held to be, and what their rows agree on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from domain.customer import AttributeValue, Identifier
from domain.errors import SourceError
from domain.ids import CustomerId, Kind
from domain.pii import pii
from domain.provenance import Freshness
from domain.records import Contact
from domain.slots import thawed
from domain.sources import Fields
from domain.vocabulary import PiiClass
from resolvers.identifiers import identifiers, shared_among, written
from resolvers.ledger import Outcome, failures
from resolvers.moments import LIVE
from resolvers.parents import needed_fields
from resolvers.people import Person
from resolvers.services import Services
from resolvers.survivorship import ATTRIBUTES, best, golden

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


MOST_NEEDS: Final = 1_000
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
    known = services.needs.get(fields)
    if known is None:
        known = frozenset().union(*(_behind(services, name) for name in fields))
        if len(services.needs) >= MOST_NEEDS:
            services.needs.clear()
        services.needs[fields] = known
    return known


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
    standing = []
    for person in people:
        if person is not None and not person.cluster.erased_at:
            standing.append(person)
    customers = _plain(standing, fields)
    if fields is None or "attributes" in fields:
        _judge(customers, standing)
    if fields is None or "identifiers" in fields:
        await _identify(operation, customers, standing)
    for customer in customers:
        customer.__class__ = Customer
    if len(customers) == len(people):
        return customers
    found: dict[CustomerId, Customer] = {one.id: one for one in customers}
    return [None if person is None else found.get(person.cluster.id) for person in people]


_CUSTOMER = thawed(Customer)
_contacts: Final = attrgetter("contacts")


def _plain(people: Sequence[Person], fields: Fields) -> list[Any]:
    """Customers in the making, without what takes more of a contact than one value. In one piece,
    since fifty people are a usual list.
    """
    contacts = [*map(_contacts, people)]
    leaves: list[Sequence[str | None]] = []
    for leaf, name in _LEAVES.items():
        is_read = fields is not None and leaf in fields
        leaves.append(best(name, contacts) if is_read else [None] * len(people))
    records = fields is None or "records" in fields
    told: tuple[Outcome, ...] = ()
    lost: tuple[SourceError, ...] = ()
    customers: list[Any] = []
    for person, called, email, phone in zip(people, *leaves, strict=True):
        cluster = person.cluster
        if person.outcomes is not told:  # they share what they were told of one answer
            told = person.outcomes
            lost = failures(told)
        made = _CUSTOMER()
        made.id, made.version, made.aliases = cluster.id, cluster.version, cluster.aliases
        made.display_name, made.primary_email, made.primary_phone = called, email, phone
        made.attributes, made.identifiers = (), ()
        made.records = person.contacts if records else ()
        made.freshness, made.failures = person.freshness, lost
        customers.append(made)
    return customers


def _judge(customers: Sequence[Any], people: Sequence[Person]) -> None:
    """The golden record whole, with what each value was chosen from."""
    for customer, person in zip(customers, people, strict=True):
        found = (golden(name, person.contacts) for name in ATTRIBUTES)
        values = {value.name: value for value in found if value is not None}
        customer.attributes = tuple(values.values())
        for leaf, name in _LEAVES.items():
            if name in values:
                setattr(customer, leaf, values[name].value)


async def _identify(
    operation: "Operation", customers: Sequence[Any], people: Sequence[Person]
) -> None:
    identity = operation.services.identity
    groups = [
        [one for contact in person.contacts for one in written(identity, contact)]
        for person in people
    ]
    shared = await shared_among(identity, groups)
    for customer, group in zip(customers, groups, strict=True):
        customer.identifiers = identifiers(group, shared)
