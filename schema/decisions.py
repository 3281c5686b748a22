"""What a steward reads and is told."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import strawberry

from domain import customer
from domain.provenance import Freshness
from domain.vocabulary import IdentityEventKind
from resolvers import decisions, refused, review
from resolvers.customer import Customer as Person
from resolvers.places import event_cursor
from schema.base import Info, PageInfo, speaks_for
from schema.customer import AttributeValue, Customer
from schema.directives import UPSTREAM, about
from schema.identity import IdentityLink
from schema.interaction import Actor
from schema.paths import report


@strawberry.type
class UserError:
    is_type_of = speaks_for(refused.UserError)

    code: str
    message: str
    field: list[str] | None


@strawberry.type
class LinkEdge:
    is_type_of = speaks_for(review.LinkEdge)

    cursor: str
    node: IdentityLink


async def _total_count(info: Info) -> int:
    return await review.waiting_count(info.context)


@strawberry.type
class LinkConnection:
    is_type_of = speaks_for(review.LinkConnection)

    edges: list[LinkEdge]
    nodes: list[IdentityLink]
    page_info: PageInfo
    total_count: int = strawberry.field(resolver=_total_count)


def _cursor(root: strawberry.Parent[customer.IdentityEvent]) -> str:
    return event_cursor(root.sequence)


@strawberry.type
class IdentityEvent:
    is_type_of = speaks_for(customer.IdentityEvent)

    cursor: str = strawberry.field(resolver=_cursor)
    kind: IdentityEventKind
    before: list[strawberry.ID] = strawberry.field(directives=[about(2)])
    after: list[strawberry.ID] = strawberry.field(directives=[about(2)])
    by: Actor
    reason: str | None
    at: datetime


@strawberry.type
class IdentityEventEdge:
    is_type_of = speaks_for(review.IdentityEventEdge)

    cursor: str
    node: IdentityEvent


@strawberry.type
class IdentityEventConnection:
    is_type_of = speaks_for(review.IdentityEventConnection)

    edges: list[IdentityEventEdge]
    nodes: list[IdentityEvent]
    page_info: PageInfo


@strawberry.type
class MergePreview:
    is_type_of = speaks_for(review.MergePreview)

    allowed: bool
    problems: list[UserError] = strawberry.field(directives=[about(2)])
    attributes_after: list[AttributeValue]
    records_after: int
    match_probability: float | None


async def _customers(
    root: strawberry.Parent[decisions.IdentityPayload], info: Info
) -> Sequence[Person] | None:
    if root.customer_ids is None:
        return None
    ids = dict.fromkeys(root.customer_ids)
    load = info.context.loaders.customer
    found = await asyncio.gather(*(load(one, Freshness()) for one in ids))
    standing = {one.id: one for one in found if one is not None}
    for one in standing.values():
        report(info, one.failures)
    return list(standing.values())


@strawberry.type
class IdentityPayload:
    is_type_of = speaks_for(decisions.IdentityPayload)

    customers = strawberry.field(
        resolver=_customers,
        graphql_type=list[Customer] | None,
        directives=[about(2), UPSTREAM],
    )
    event: strawberry.ID | None
    user_errors: list[UserError] = strawberry.field(directives=[about(2)])
