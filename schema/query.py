"""The ways in."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from domain import provenance
from domain.errors import PageTooLarge, SourceError
from domain.ids import CustomerId
from domain.vocabulary import Verification
from resolvers import lookup, nodes, orders, review, search, services
from resolvers.connection import MAX_PAGE
from resolvers.customer import Customer as Person
from resolvers.lookup import Answer
from resolvers.operation import Operation
from schema.base import Info, Node, SourceStatus, speaks_for
from schema.bulk import APART, in_one_go, with_each
from schema.customer import Customer
from schema.decisions import IdentityEventConnection, LinkConnection, MergePreview
from schema.directives import FIRST, KEYS, PAGED, UPSTREAM, about
from schema.inputs import CustomerKey, Freshness, lookup_key, lookup_keys
from schema.inputs import freshness as asked_for
from schema.order import Order, OrderNotFound
from schema.paths import report


@strawberry.type
class CustomerAmbiguous:
    is_type_of = speaks_for(lookup.CustomerAmbiguous)

    message: str
    candidates: list[Customer] = strawberry.field(directives=[about(3)])


@strawberry.type(description="Every source that was searched answered, and none knows the key.")
class CustomerNotFound:
    is_type_of = speaks_for(lookup.CustomerNotFound)

    message: str


@strawberry.type(description="Nobody known by the key, but not every source answered.")
class CustomerUnknown:
    is_type_of = speaks_for(lookup.CustomerUnknown)

    message: str
    sources: list[SourceStatus] = strawberry.field(directives=[about(4)])


@strawberry.type
class CustomerErased:
    is_type_of = speaks_for(lookup.CustomerErased)

    at: datetime


@strawberry.type
class NotVerified:
    is_type_of = speaks_for(lookup.NotVerified)

    message: str
    required: Verification


CustomerResult = Annotated[
    Customer
    | CustomerAmbiguous
    | CustomerNotFound
    | CustomerUnknown
    | CustomerErased
    | NotVerified,
    strawberry.union(
        "CustomerResult",
        description="What a key led to, with the reason where it led to nobody.",
    ),
]
OrderResult = Annotated[Order | OrderNotFound | NotVerified, strawberry.union("OrderResult")]


@strawberry.type
class Capability:
    is_type_of = speaks_for(services.Capability)

    name: str
    enabled: bool
    reason: str | None


async def _look_up(info: Info, by: CustomerKey, freshness: Freshness | None) -> Answer:
    (found,) = await info.context.loaders.lookups(lookup_keys([by]), asked_for(freshness))
    if found.__class__ is not Person or found.failures:
        report(info, _lost(found))
    return found


def _lost(answer: Answer) -> Sequence[SourceError]:
    """Sources without which the answer is less than it could be."""
    if isinstance(answer, lookup.CustomerAmbiguous):
        return [error for one in answer.candidates for error in one.failures]
    return answer.failures if isinstance(answer, Person | lookup.CustomerUnknown) else ()


async def _customer_of_each(
    said: Sequence[Mapping[str, Any]], context: Operation, place: Callable[[int], Info]
) -> Sequence[object]:
    """Keys that nobody is known by are searched for, or explained, apart."""
    keys = lookup_keys([one["by"] for one in said])
    found = await context.loaders.lookups(keys, asked_for(said[0].get("freshness")))
    for i, answer in enumerate(found):
        if isinstance(answer, Person) and answer.failures:
            report(place(i), answer.failures)
    return [answer if isinstance(answer, Person) else APART for answer in found]


@with_each(_customer_of_each, "by")
@in_one_go
async def _customer(
    info: Info, by: CustomerKey, freshness: Freshness | None = UNSET
) -> Person | None:
    found = await _look_up(info, by, freshness)
    return found if isinstance(found, Person) else None


@in_one_go
async def _customer_lookup(
    info: Info, by: CustomerKey, freshness: Freshness | None = UNSET
) -> Answer:
    return await _look_up(info, by, freshness)


@in_one_go
async def _customers(
    info: Info, by: list[CustomerKey], freshness: Freshness | None = UNSET
) -> Sequence[Person | None]:
    if len(by) > MAX_PAGE:
        raise PageTooLarge(f"by: at most {MAX_PAGE} keys")
    keys = lookup_keys(by)
    fresh = asked_for(freshness)
    answers = await info.context.loaders.lookups(keys, fresh)
    for answer in answers:
        if answer.__class__ is not Person or answer.failures:
            report(info, _lost(answer))
    return [answer if isinstance(answer, Person) else None for answer in answers]


async def _customer_search(info: Info, text: str, first: int | None = 10) -> Sequence[Person]:
    found = await search.search(info.context, text, 10 if first is None else first)
    for one in found:
        report(info, one.failures)
    return found


async def _node(info: Info, id: strawberry.ID) -> nodes.Node | None:
    found = await nodes.node(info.context, id)
    if isinstance(found, Person):
        report(info, found.failures)
    return found


async def _order(info: Info, number: str, proof: CustomerKey | None = UNSET) -> orders.OrderAnswer:
    key = lookup_key(proof) if proof else None
    found = await orders.by_number(info.context, number, key)
    if isinstance(found, orders.OrderNotFound):
        report(info, found.failures)
    return found


def _sources(info: Info) -> Sequence[provenance.SourceStatus]:
    return [source.status() for source in info.context.services.sources.values()]


def _capabilities(info: Info) -> Sequence[services.Capability]:
    return info.context.services.capabilities


async def _review_queue(
    info: Info, first: int | None = 20, after: str | None = UNSET
) -> review.LinkConnection:
    return await review.queue(info.context, 20 if first is None else first, after or None)


async def _merge_preview(
    info: Info, keep: strawberry.ID, absorb: list[strawberry.ID]
) -> review.MergePreview:
    ids = [CustomerId(one) for one in absorb]
    return await review.preview(info.context, CustomerId(keep), ids)


async def _identity_history(
    info: Info, customer: strawberry.ID, first: int | None = 20, after: str | None = UNSET
) -> review.IdentityEventConnection:
    size = 20 if first is None else first
    return await review.history(info.context, CustomerId(customer), size, after or None)


@strawberry.type
class Query:
    node = strawberry.field(resolver=_node, graphql_type=Node | None, directives=[UPSTREAM])
    customer = strawberry.field(
        resolver=_customer,
        graphql_type=Customer | None,
        directives=[UPSTREAM],
        description=(
            "The person a key leads to; null where it leads to nobody or to more than one. "
            "customerLookup says which."
        ),
    )
    customer_lookup = strawberry.field(
        resolver=_customer_lookup, graphql_type=CustomerResult, directives=[UPSTREAM]
    )
    customers = strawberry.field(
        resolver=_customers,
        graphql_type=list[Customer | None],
        directives=[KEYS, UPSTREAM],
        description="Up to 100 keys, answered in order.",
    )
    customer_search = strawberry.field(
        resolver=_customer_search,
        graphql_type=list[Customer],
        directives=[FIRST, UPSTREAM],
        description=(
            "Every word of the text is the beginning of a word of a name, or of an e-mail, phone, "
            "handle or account number."
        ),
    )
    order = strawberry.field(resolver=_order, graphql_type=OrderResult, directives=[UPSTREAM])
    sources = strawberry.field(
        resolver=_sources, graphql_type=list[SourceStatus], directives=[about(4)]
    )
    capabilities = strawberry.field(
        resolver=_capabilities, graphql_type=list[Capability], directives=[about(5)]
    )
    review_queue = strawberry.field(
        resolver=_review_queue, graphql_type=LinkConnection, directives=[PAGED]
    )
    customer_merge_preview = strawberry.field(
        resolver=_merge_preview, graphql_type=MergePreview, directives=[UPSTREAM]
    )
    identity_history = strawberry.field(
        resolver=_identity_history, graphql_type=IdentityEventConnection, directives=[PAGED]
    )
