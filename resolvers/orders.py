"""An order by its number, with proof of whose it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.customer import KeyKind, LookupKey
from domain.errors import SourceError
from domain.ids import CustomerId, Kind
from domain.provenance import Freshness
from domain.records import Order
from resolvers import children, people
from resolvers.access import may_look_up, may_read_anybody
from resolvers.connection import MAX_PAGE, Connection
from resolvers.cursors import Place, place
from resolvers.customer import contact_fields
from resolvers.leads import follow
from resolvers.ledger import failures
from resolvers.lookup import NotVerified
from resolvers.pages import Cut
from resolvers.people import Person
from resolvers.trails import Trail

if TYPE_CHECKING:
    from resolvers.operation import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderNotFound:
    """`failures` are sources that might know the number and did not answer."""

    message: str
    failures: tuple[SourceError, ...] = ()


OrderAnswer = Order | OrderNotFound | NotVerified


async def by_number(operation: "Operation", number: str, proof: LookupKey | None) -> OrderAnswer:
    """The order, masked. Who may not read anybody must name a key that is proven and leads to the
    order's customer; until then it does not learn whether the number exists.
    """
    if not await _may_ask(operation, proof):
        return NotVerified(message="an order is shown to who has proven to be its customer")
    key = LookupKey(KeyKind.ORDER_NUMBER, number)
    keys = [key] if proof is None else [key, proof]
    leads = await follow(operation, keys, Freshness())
    owners = set(leads[0].customers)
    if proof is not None and owners.isdisjoint(leads[1].customers):
        return NotVerified(message="the key does not lead to the customer of this order")
    if proof is not None:
        owners &= set(leads[1].customers)
    lost = failures(leads[0].outcomes)
    return await _among(operation, number, sorted(owners), lost, certain=leads[0].certain)


async def _may_ask(operation: "Operation", proof: LookupKey | None) -> bool:
    if proof is None:
        return may_read_anybody(operation)
    return await may_look_up(operation, proof)


async def _among(
    operation: "Operation",
    number: str,
    owners: Sequence[CustomerId],
    lost: tuple[SourceError, ...],
    *,
    certain: bool,
) -> OrderAnswer:
    for owner in owners:
        person = await _person(operation, owner)
        found, errors = await _of(operation, person, number) if person else (None, ())
        if found is not None:
            operation.follow([found], Trail(customers=frozenset({owner})))
            return operation.masks.apply(found)
        lost += errors
    whole = certain and not lost
    message = "no order has this number" if whole else "not found, and not every source answered"
    return OrderNotFound(message=message, failures=lost)


async def _person(operation: "Operation", owner: CustomerId) -> Person | None:
    """With what the sources of orders know a customer by, and no more."""
    fields = contact_fields(operation.services, frozenset({"orders"}))
    return (await people.fetch(operation, [owner], Freshness(), fields))[0]


async def _of(
    operation: "Operation", person: Person, number: str
) -> tuple[Order | None, tuple[SourceError, ...]]:
    """All of the person's orders are read: sources differ in what their text search covers."""
    after: Place | None = None
    while True:
        page = await _page(operation, person, after)
        for order in page.nodes or ():
            if isinstance(order, Order) and _same(order.number, number):
                return order, ()
        if not page.has_next or not page.nodes:
            return None, page.failures
        after = place(page.nodes[-1])


async def _page(operation: "Operation", person: Person, after: Place | None) -> Connection:
    fields = operation.fields("Order")
    wanted = None if fields is None else fields | {"number"}
    cut = Cut(kind=Kind.ORDER, first=MAX_PAGE, after=after, fields=wanted)
    return (await children.fetch(operation, [person], cut))[0]


def _same(one: str | None, other: str) -> bool:
    return (
        one is not None
        and one.strip().lstrip("#").casefold() == other.strip().lstrip("#").casefold()
    )
