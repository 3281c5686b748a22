"""What systems tell of interactions, as they hand it in, and what became of it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from domain.errors import InputError
from domain.events import Claim
from domain.provenance import Freshness
from domain.vocabulary import Verification
from resolvers import telling
from resolvers.customer import Customer as Person
from schema.base import Info, speaks_for
from schema.customer import Customer
from schema.decisions import UserError
from schema.directives import UPSTREAM, about
from schema.inputs import CustomerKey, ExternalRef, lookup_key
from schema.paths import report
from schema.scalars import Long

MOST_IDENTIFIERS = 20


@strawberry.input(description="The scopes of the caller cap the verification it may claim.")
class IdentifierInput:
    key: CustomerKey
    verification: Verification = Verification.ASSERTED


@strawberry.input
class EventInput:
    system: str
    event_id: str
    type: str
    occurred_at: datetime
    sequence: Long | None = UNSET
    subject: ExternalRef
    identifiers: list[IdentifierInput]
    data: JSON


async def ingest(info: Info, events: list[EventInput]) -> telling.IngestPayload:
    return await telling.ingest(info.context, [_report(one, i) for i, one in enumerate(events)])


def _report(given: EventInput, place: int) -> telling.Report:
    """Raises InputError for a key that is none."""
    if len(given.identifiers) > MOST_IDENTIFIERS:
        raise InputError(f"events[{place}].identifiers: at most {MOST_IDENTIFIERS}")
    return telling.Report(
        system=given.system,
        event_id=given.event_id,
        type=given.type,
        occurred_at=given.occurred_at,
        sequence=None if given.sequence is UNSET else given.sequence,
        subject=(given.subject.system, given.subject.external_id),
        claims=tuple(Claim(lookup_key(one.key), one.verification) for one in given.identifiers),
        data=given.data,
    )


async def _customers(
    root: strawberry.Parent[telling.IngestPayload], info: Info
) -> Sequence[Person] | None:
    """Those the caller may read."""
    load = info.context.loaders.customer
    found = await asyncio.gather(*(load(one, Freshness()) for one in root.customer_ids))
    standing = [one for one in found if one is not None]
    for one in standing:
        report(info, one.failures)
    return standing


@strawberry.type
class IngestPayload:
    is_type_of = speaks_for(telling.IngestPayload)

    accepted: int
    duplicates: int
    customers = strawberry.field(
        resolver=_customers, graphql_type=list[Customer] | None, directives=[about(2), UPSTREAM]
    )
    user_errors: list[UserError] = strawberry.field(directives=[about(2)])
