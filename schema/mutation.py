"""The ways to change what is held here."""

import strawberry

from resolvers import decisions
from schema import handoff
from schema.base import Info
from schema.decisions import IdentityPayload
from schema.directives import UPSTREAM, Cost
from schema.inputs import MergeInput, SplitInput, merge_wish, split_wish
from schema.promising import (
    AskPayload,
    RecordPayload,
    ask_record,
    commitment_fulfil,
    commitment_record,
)
from schema.telling import IngestPayload, ingest


async def _merge(info: Info, input: MergeInput) -> decisions.IdentityPayload:
    return await decisions.merge(info.context, merge_wish(input))


async def _split(info: Info, input: SplitInput) -> decisions.IdentityPayload:
    return await decisions.split(info.context, split_wish(input))


async def _confirm(info: Info, id: strawberry.ID, reason: str) -> decisions.IdentityPayload:
    return await decisions.confirm(info.context, id, reason)


async def _reject(info: Info, id: strawberry.ID, reason: str) -> decisions.IdentityPayload:
    return await decisions.reject(info.context, id, reason)


@strawberry.type(
    description=(
        "Without an idempotencyKey a mutation is idempotent by its nature: saying the same again "
        "changes nothing."
    )
)
class Mutation:
    customer_merge = strawberry.field(
        resolver=_merge, graphql_type=IdentityPayload, directives=[UPSTREAM]
    )
    customer_split = strawberry.field(
        resolver=_split, graphql_type=IdentityPayload, directives=[UPSTREAM]
    )
    identity_link_confirm = strawberry.field(
        resolver=_confirm, graphql_type=IdentityPayload, directives=[UPSTREAM]
    )
    identity_link_reject = strawberry.field(
        resolver=_reject, graphql_type=IdentityPayload, directives=[UPSTREAM]
    )
    interactions_ingest = strawberry.field(
        resolver=ingest,
        graphql_type=IngestPayload,
        directives=[Cost(weight="50")],
        description=(
            "Up to 500 events of interactions. Those that were told before change nothing; those "
            "that cannot be taken are refused each by itself."
        ),
    )
    commitment_record = strawberry.field(
        resolver=commitment_record,
        graphql_type=RecordPayload,
        directives=[UPSTREAM],
        description="Says what the caller binds itself to.",
    )
    commitment_fulfil = strawberry.field(
        resolver=commitment_fulfil,
        graphql_type=RecordPayload,
        directives=[UPSTREAM],
        description="Says that a commitment was kept, and what shows it.",
    )
    ask_record = strawberry.field(
        resolver=ask_record,
        graphql_type=AskPayload,
        directives=[UPSTREAM],
        description=(
            "Says that the caller is about to ask for a slot; ALREADY_KNOWN hands back the value "
            "and where it is known from."
        ),
    )
    handoff_create = strawberry.field(
        resolver=handoff.create,
        graphql_type=handoff.HandoffPayload,
        directives=[UPSTREAM],
        description="Hands a matter over, with all that is known of it.",
    )
    handoff_accept = strawberry.field(
        resolver=handoff.accept,
        graphql_type=handoff.HandoffPayload,
        directives=[UPSTREAM],
        description="Takes it over; the first who does has it.",
    )
    handoff_end = strawberry.field(
        resolver=handoff.end, graphql_type=handoff.HandoffPayload, directives=[UPSTREAM]
    )
