"""Handing a matter over, and what the receiver knows before the first word."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import UNSET

from domain import context as known
from domain import handoffs as domain
from domain.records import Actor as Who
from domain.vocabulary import HandoffMode
from resolvers import handoffs
from resolvers.context import CustomerContext as Context
from resolvers.matters import Matter
from schema.base import Info, Node, speaks_for
from schema.context import Attempt, CustomerContext, Slot
from schema.decisions import UserError
from schema.directives import CONTENT, about
from schema.interaction import Actor
from schema.matters import Issue

Handed = strawberry.Parent[handoffs.Handed]


@strawberry.type
class ScoreTerm:
    is_type_of = speaks_for(domain.ScoreTerm)

    name: str
    value: float
    weight: float


def _issue(root: Handed) -> Matter:
    return root.issue


def _by(root: Handed) -> Who:
    return root.handoff.by


def _to(root: Handed) -> Who | None:
    return root.handoff.to


def _reason(root: Handed) -> str:
    return root.handoff.reason


def _context(root: Handed) -> Context:
    return root.context


def _stalled_at(root: Handed) -> known.Attempt | None:
    return root.packet.stalled_at


def _acknowledgement(root: Handed) -> str | None:
    return root.packet.acknowledgement


def _do_not_ask(root: Handed) -> Sequence[known.Slot]:
    return root.packet.do_not_ask


def _filled_share(root: Handed) -> float:
    return root.packet.filled_share


def _mode(root: Handed) -> HandoffMode:
    return root.handoff.mode


def _decision(root: Handed) -> Sequence[domain.ScoreTerm] | None:
    return root.handoff.decision or None


def _created_at(root: Handed) -> datetime:
    return root.handoff.created_at


def _accepted_at(root: Handed) -> datetime | None:
    return root.handoff.accepted_at


def _ended_at(root: Handed) -> datetime | None:
    return root.handoff.ended_at


@strawberry.type
class HandoffPacket(Node):
    is_type_of = speaks_for(handoffs.Handed)

    issue = strawberry.field(resolver=_issue, graphql_type=Issue)
    by = strawberry.field(resolver=_by, graphql_type=Actor, name="from")
    to = strawberry.field(resolver=_to, graphql_type=Actor | None)
    reason: str = strawberry.field(resolver=_reason)
    context = strawberry.field(resolver=_context, graphql_type=CustomerContext)
    stalled_at = strawberry.field(resolver=_stalled_at, graphql_type=Attempt | None)
    acknowledgement: str | None = strawberry.field(resolver=_acknowledgement, directives=[CONTENT])
    do_not_ask = strawberry.field(
        resolver=_do_not_ask, graphql_type=list[Slot], directives=[about(6)]
    )
    filled_share: float = strawberry.field(
        resolver=_filled_share,
        description="Share of the required slots that are filled, 0 to 1.",
    )
    mode: HandoffMode = strawberry.field(resolver=_mode)
    decision = strawberry.field(
        resolver=_decision, graphql_type=list[ScoreTerm] | None, directives=[about(4)]
    )
    created_at: datetime = strawberry.field(resolver=_created_at)
    accepted_at: datetime | None = strawberry.field(resolver=_accepted_at)
    ended_at: datetime | None = strawberry.field(resolver=_ended_at)


@strawberry.input
class HandoffInput:
    issue: strawberry.ID
    to: strawberry.ID | None = UNSET
    mode: HandoffMode = HandoffMode.MANUAL
    reason: str
    idempotency_key: str


@strawberry.type
class HandoffPayload:
    is_type_of = speaks_for(handoffs.HandoffPayload)

    handoff: HandoffPacket | None
    user_errors: list[UserError] = strawberry.field(directives=[about(2)])


async def create(info: Info, input: HandoffInput) -> handoffs.HandoffPayload:
    wish = handoffs.Wish(
        issue=input.issue,
        to=input.to or None,
        mode=input.mode,
        reason=input.reason,
        idempotency_key=input.idempotency_key,
    )
    return await handoffs.create(info.context, wish)


async def accept(info: Info, id: strawberry.ID) -> handoffs.HandoffPayload:
    return await handoffs.accept(info.context, id)


async def end(info: Info, id: strawberry.ID) -> handoffs.HandoffPayload:
    return await handoffs.end(info.context, id)
