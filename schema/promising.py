"""Noting what was promised, that it was kept, and that something is about to be asked."""

from datetime import datetime

import strawberry
from strawberry import UNSET

from resolvers import promising
from schema.base import Info, speaks_for
from schema.context import Slot
from schema.decisions import UserError
from schema.directives import about


@strawberry.type
class RecordPayload:
    is_type_of = speaks_for(promising.RecordPayload)

    id: strawberry.ID | None
    user_errors: list[UserError] = strawberry.field(directives=[about(2)])


@strawberry.type
class AskPayload:
    is_type_of = speaks_for(promising.AskPayload)

    already_known: Slot | None
    user_errors: list[UserError] = strawberry.field(directives=[about(2)])


async def commitment_record(
    info: Info,
    issue: strawberry.ID,
    what: str,
    idempotency_key: str,
    due_at: datetime | None = UNSET,
) -> promising.RecordPayload:
    wish = promising.Wish(
        issue=issue, what=what, due_at=due_at or None, idempotency_key=idempotency_key
    )
    return await promising.record(info.context, wish)


async def commitment_fulfil(
    info: Info, id: strawberry.ID, evidence: strawberry.ID
) -> promising.RecordPayload:
    return await promising.fulfil(info.context, id, evidence)


async def ask_record(info: Info, interaction: strawberry.ID, slot: str) -> promising.AskPayload:
    return await promising.ask(info.context, interaction, slot)
