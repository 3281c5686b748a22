"""Which records are one person, and why."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from domain import customer, records
from domain.customer import Link
from domain.errors import StaleVersion
from domain.ids import SourceKey
from domain.vocabulary import LinkMethod, LinkStatus
from resolvers import links
from schema.base import Info, Node, Provenance, speaks_for
from schema.directives import CONTENT, IDENTITY, SPECIAL, about
from schema.interaction import Actor


@strawberry.type(description="One row in one system, as that system has it.")
class SourceRecord(Node):
    is_type_of = speaks_for(records.Contact)

    provenance: Provenance
    raw: JSON | None = strawberry.field(directives=[SPECIAL])


@strawberry.type
class LinkEvidence:
    is_type_of = speaks_for(customer.LinkEvidence)

    comparison: str
    level: str
    left: str | None = strawberry.field(directives=[IDENTITY])
    right: str | None = strawberry.field(directives=[IDENTITY])
    m: float | None
    u: float | None
    match_weight: float
    term_frequency_weight: float | None


async def _end(info: Info, key: SourceKey) -> records.Contact:
    """Links are handed out with both ends kept; one that went since is for the next request."""
    row = await info.context.loaders.link_end(key)
    if row is None:
        raise StaleVersion("a record of the link went away while it was read")
    return row


async def _left(root: strawberry.Parent[Link], info: Info) -> records.Contact:
    return await _end(info, root.left)


async def _right(root: strawberry.Parent[Link], info: Info) -> records.Contact:
    return await _end(info, root.right)


async def _evidence(root: strawberry.Parent[Link], info: Info) -> Sequence[customer.LinkEvidence]:
    return await info.context.loaders.evidence(root)


async def _summary(root: strawberry.Parent[Link], info: Info) -> str:
    return links.summary(root, await info.context.loaders.evidence(root))


@strawberry.type
class IdentityLink(Node):
    is_type_of = speaks_for(Link)

    left = strawberry.field(resolver=_left, graphql_type=SourceRecord)
    right = strawberry.field(resolver=_right, graphql_type=SourceRecord)
    method: LinkMethod
    status: LinkStatus
    match_probability: float | None
    match_weight: float | None = strawberry.field(
        description="log2 Bayes factor: prior plus every piece of evidence."
    )
    prior_weight: float | None
    evidence = strawberry.field(
        resolver=_evidence, graphql_type=list[LinkEvidence], directives=[about(10)]
    )
    summary: str = strawberry.field(resolver=_summary, directives=[IDENTITY])
    model_version: str | None
    decided_by: Actor
    decided_at: datetime
    reason: str | None = strawberry.field(directives=[CONTENT])
