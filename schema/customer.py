"""The person."""

from collections.abc import Callable, Sequence
from itertools import chain
from operator import itemgetter

import strawberry
from strawberry import UNSET, federation

from domain import customer as domain
from domain.ids import Kind
from domain.provenance import SourceStatus as Status
from domain.sources import ChildFilter
from domain.vocabulary import Completeness, IdentifierKind, LinkStatus, Verification
from resolvers.connection import Connection, page_size
from resolvers.cursors import decode
from resolvers.customer import Customer as Person
from resolvers.operation import Operation
from resolvers.pages import CUT, Cut
from schema.active import active_interactions
from schema.base import Info, Node, PageInfo, Provenance, SourceStatus, speaks_for
from schema.bulk import AtHand, Many, in_one_go, with_all, with_many
from schema.context import Commitment, CustomerContext, commitments_of, context_of
from schema.directives import CONTACT, IDENTITY, PAGED, UPSTREAM, Cost, about
from schema.identity import IdentityLink, SourceRecord
from schema.inputs import (
    Freshness,
    OrderFilter,
    TicketFilter,
    freshness,
    order_filter,
    ticket_filter,
)
from schema.interaction import Conversation, Interaction, Ticket
from schema.matters import Issue, JourneyConnection, issues_of, journeys_of
from schema.order import Order
from schema.owners import by_freshness
from schema.paths import report
from schema.timeline import TimelineConnection, timeline


@strawberry.type
class Identifier:
    is_type_of = speaks_for(domain.Identifier)

    kind: IdentifierKind
    value: str | None = strawberry.field(directives=[CONTACT])
    platform: str | None
    verification: Verification
    shared: bool = strawberry.field(
        description="Used by more people than one: never enough to link on its own."
    )
    provenance: list[Provenance] = strawberry.field(directives=[about(3)])


@strawberry.type(
    description=(
        "A value of the golden record: which rule chose it, and what it chose between. Masked by "
        "the class of the attribute it holds: name IDENTITY, e-mail and phone CONTACT, address "
        "LOCATION, birth date SPECIAL."
    )
)
class AttributeValue:
    is_type_of = speaks_for(domain.AttributeValue)

    name: str
    value: str | None = strawberry.field(directives=[IDENTITY])
    rule: str
    provenance: Provenance
    alternatives: list["AttributeValue"] = strawberry.field(directives=[about(3)])


@strawberry.type
class OrderEdge:
    cursor: str
    node: Order


@strawberry.type
class OrderConnection:
    edges: list[OrderEdge] | None
    nodes: list[Order] | None
    page_info: PageInfo
    completeness: Completeness
    sources: list[SourceStatus] = strawberry.field(directives=[about(4)])


@strawberry.type
class TicketEdge:
    cursor: str
    node: Ticket


@strawberry.type
class TicketConnection:
    edges: list[TicketEdge] | None
    nodes: list[Ticket] | None
    page_info: PageInfo
    completeness: Completeness
    sources: list[SourceStatus] = strawberry.field(directives=[about(4)])


@strawberry.type
class ConversationEdge:
    cursor: str
    node: Conversation


@strawberry.type
class ConversationConnection:
    edges: list[ConversationEdge] | None
    nodes: list[Conversation] | None
    page_info: PageInfo
    completeness: Completeness
    sources: list[SourceStatus] = strawberry.field(directives=[about(4)])


def _attributes(
    root: strawberry.Parent[Person], names: list[str] | None = UNSET
) -> Sequence[domain.AttributeValue]:
    return [value for value in root.attributes if not names or value.name in names]


async def _links(
    root: strawberry.Parent[Person], info: Info, status: list[LinkStatus] | None = UNSET
) -> Sequence[domain.Link]:
    return await info.context.loaders.links(root.id, frozenset(status) if status else None)


def _sources(root: strawberry.Parent[Person], info: Info) -> Sequence[Status]:
    return info.context.ledger.statuses(root.id)


def _completeness_of_all(owners: Sequence[Person], context: Operation) -> Sequence[Completeness]:
    return context.ledger.completeness_of([owner.id for owner in owners])


@with_all(_completeness_of_all)
def _completeness(root: strawberry.Parent[Person], info: Info) -> Completeness:
    return info.context.ledger.completeness(root.id)


async def _children(
    info: Info,
    owner: Person,
    kind: Kind,
    *,
    first: int | None,
    after: str | None,
    where: ChildFilter,
    fresh: Freshness | None,
) -> Connection:
    cut = _cut(kind, owner, first=first, after=after, where=where, fresh=fresh)
    found = await info.context.loaders.connection(owner, cut)
    report(info, found.failures)
    return found


def _cut(
    kind: Kind,
    owner: Person,
    *,
    first: int | None,
    after: str | None,
    where: ChildFilter,
    fresh: Freshness | None,
) -> Cut:
    size = page_size(20 if first is None else first)
    place = None if after is UNSET or not after else decode(kind, after)
    is_named = fresh is not None and fresh is not UNSET
    age = freshness(fresh, owner.freshness) if is_named else owner.freshness
    return CUT((kind, size, place, where, age, None))


_EVERYTHING = ChildFilter()
_PLACE = itemgetter(0)


def _children_of_many(kind: Kind) -> Many:
    """The lists of many customers: one step for those who were handed out with one freshness."""

    async def many(
        owners: Sequence[Person],
        context: Operation,
        place: Callable[[int], Info],
        *,
        first: int | None = 20,
        after: str | None = UNSET,
        filter: OrderFilter | TicketFilter | None = UNSET,
        freshness: Freshness | None = UNSET,
    ) -> Sequence[Connection]:
        where = _where(kind, filter)
        found: list[Connection] = []
        groups = by_freshness(owners)
        for _, some in groups:
            cut = _cut(kind, some[0], first=first, after=after, where=where, fresh=freshness)
            found += await context.loaders.connections(some, cut)
        if len(groups) > 1:
            places = chain.from_iterable(group for group, _ in groups)
            found = [one for _, one in sorted(zip(places, found, strict=True), key=_PLACE)]
        for i, one in enumerate(found):
            if one.failures:
                report(place(i), one.failures)
        return found

    return many


def _children_at_hand(kind: Kind) -> AtHand:
    """The same, out of a cache alone."""

    def at_hand(
        owners: Sequence[Person],
        context: Operation,
        place: Callable[[int], Info],
        *,
        first: int | None = 20,
        after: str | None = UNSET,
        filter: OrderFilter | TicketFilter | None = UNSET,
        freshness: Freshness | None = UNSET,
    ) -> Sequence[Connection] | None:
        if not context.services.keeps or len(by_freshness(owners)) > 1:
            return None
        where = _where(kind, filter)
        cut = _cut(kind, owners[0], first=first, after=after, where=where, fresh=freshness)
        found = context.loaders.connections_at_hand(owners, cut)
        for i, one in enumerate(found or ()):
            if one.failures:
                report(place(i), one.failures)
        return found

    return at_hand


def _where(kind: Kind, given: OrderFilter | TicketFilter | None) -> ChildFilter:
    if given is None or given is UNSET:
        return _EVERYTHING
    return ticket_filter(given) if kind is Kind.TICKET else order_filter(given)  # type: ignore[arg-type]  # as the schema has it


@in_one_go
@with_many(_children_of_many(Kind.ORDER), _children_at_hand(Kind.ORDER))
async def _orders(
    root: strawberry.Parent[Person],
    info: Info,
    *,
    first: int | None = 20,
    after: str | None = UNSET,
    filter: OrderFilter | None = UNSET,
    freshness: Freshness | None = UNSET,
) -> Connection:
    return await _children(
        info,
        root,
        Kind.ORDER,
        first=first,
        after=after,
        where=order_filter(filter),
        fresh=freshness,
    )


@in_one_go
@with_many(_children_of_many(Kind.TICKET), _children_at_hand(Kind.TICKET))
async def _tickets(
    root: strawberry.Parent[Person],
    info: Info,
    *,
    first: int | None = 20,
    after: str | None = UNSET,
    filter: TicketFilter | None = UNSET,
    freshness: Freshness | None = UNSET,
) -> Connection:
    return await _children(
        info,
        root,
        Kind.TICKET,
        first=first,
        after=after,
        where=ticket_filter(filter),
        fresh=freshness,
    )


@in_one_go
@with_many(_children_of_many(Kind.CONVERSATION), _children_at_hand(Kind.CONVERSATION))
async def _conversations(
    root: strawberry.Parent[Person],
    info: Info,
    *,
    first: int | None = 20,
    after: str | None = UNSET,
    freshness: Freshness | None = UNSET,
) -> Connection:
    return await _children(
        info,
        root,
        Kind.CONVERSATION,
        first=first,
        after=after,
        where=ChildFilter(),
        fresh=freshness,
    )


@federation.type(keys=["id"], description="The person.")
class Customer(Node):
    is_type_of = speaks_for(Person)

    version: int = strawberry.field(
        description="Rises by one with every change of the set of records."
    )
    aliases: list[strawberry.ID] = strawberry.field(
        description="Ids that once stood for this person; each still resolves."
    )
    display_name: str | None = strawberry.field(directives=[IDENTITY])
    primary_email: str | None = strawberry.field(directives=[CONTACT])
    primary_phone: str | None = strawberry.field(directives=[CONTACT])
    attributes = strawberry.field(
        resolver=_attributes, graphql_type=list[AttributeValue], directives=[about(9)]
    )
    identifiers: list[Identifier] = strawberry.field(directives=[about(8)])
    records: list[SourceRecord] = strawberry.field(directives=[about(4)])
    links = strawberry.field(
        resolver=_links, graphql_type=list[IdentityLink], directives=[about(6)]
    )
    sources = strawberry.field(
        resolver=_sources,
        graphql_type=list[SourceStatus],
        directives=[about(4)],
        description=(
            "Every configured system with its state in this operation; NOT_ASKED where nothing "
            "selected needed it."
        ),
    )
    completeness: Completeness = strawberry.field(resolver=_completeness)
    orders = strawberry.field(
        resolver=_orders, graphql_type=OrderConnection, directives=[PAGED, UPSTREAM]
    )
    tickets = strawberry.field(
        resolver=_tickets, graphql_type=TicketConnection, directives=[PAGED, UPSTREAM]
    )
    conversations = strawberry.field(
        resolver=_conversations, graphql_type=ConversationConnection, directives=[PAGED, UPSTREAM]
    )
    timeline = strawberry.field(
        resolver=timeline, graphql_type=TimelineConnection, directives=[PAGED, UPSTREAM]
    )
    active_interactions = strawberry.field(
        resolver=active_interactions,
        graphql_type=list[Interaction] | None,
        directives=[about(2), UPSTREAM],
        description=(
            "What goes on now, on any channel, the latest begun first. Null where nothing is known "
            "to and a system that could know did not say."
        ),
    )
    issues = strawberry.field(
        resolver=issues_of, graphql_type=list[Issue] | None, directives=[about(5), UPSTREAM]
    )
    journeys = strawberry.field(
        resolver=journeys_of, graphql_type=JourneyConnection, directives=[PAGED, UPSTREAM]
    )
    context = strawberry.field(
        resolver=context_of, graphql_type=CustomerContext | None, directives=[Cost(weight="20")]
    )
    commitments = strawberry.field(
        resolver=commitments_of,
        graphql_type=list[Commitment] | None,
        directives=[about(3), Cost(weight="20")],
    )
