"""What happens with a customer: the interfaces of a timeline, tickets, conversations, messages."""

from asyncio import gather
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import UNSET, federation

from domain import records
from domain.ids import Kind, SourceKey
from domain.vocabulary import ActorKind, Channel, Completeness, InteractionState, TicketStatus
from resolvers import connection
from resolvers.cursors import decode
from resolvers.matters import Matter, of_interaction
from resolvers.operation import Operation
from resolvers.pages import Cut
from schema.base import Info, Node, PageInfo, Provenance, speaks_for
from schema.bulk import in_one_go, with_many
from schema.directives import CONTENT, IDENTITY, PAGED, UPSTREAM
from schema.paths import report

if TYPE_CHECKING:
    from schema.matters import Issue

NEWEST = 10
"""How many messages are looked through for the last one that is not internal."""


@strawberry.type
class Actor:
    is_type_of = speaks_for(records.Actor)

    kind: ActorKind
    id: strawberry.ID
    name: str | None = strawberry.field(directives=[IDENTITY])


@strawberry.type
class Message(Node):
    is_type_of = speaks_for(records.Message)

    at: datetime
    author: Actor
    body: str | None = strawberry.field(directives=[CONTENT])
    internal: bool = strawberry.field(
        description=(
            "Seen by staff only; left out, not masked, for callers without the staff scope."
        )
    )
    edited_at: datetime | None
    deleted: bool


@strawberry.type
class MessageEdge:
    cursor: str
    node: Message


@strawberry.type
class MessageConnection:
    edges: list[MessageEdge] | None
    nodes: list[Message] | None
    page_info: PageInfo
    completeness: Completeness


async def _messages(
    root: strawberry.Parent[records.Ticket | records.Conversation],
    info: Info,
    first: int | None = 20,
    after: str | None = UNSET,
) -> connection.Connection:
    return await _thread(info, root.key, 20 if first is None else first, after)


async def _transcript(
    root: strawberry.Parent[records.Call],
    info: Info,
    first: int | None = 50,
    after: str | None = UNSET,
) -> connection.Connection:
    return await _thread(info, root.key, 50 if first is None else first, after)


async def _thread(
    info: Info, key: SourceKey, first: int, after: str | None
) -> connection.Connection:
    cut = Cut(
        kind=Kind.MESSAGE,
        first=connection.page_size(first),
        after=decode(Kind.MESSAGE, after) if after else None,
    )
    found = await info.context.loaders.messages(key, cut)
    report(info, found.failures)
    return found


async def _last_messages(
    threads: Sequence[records.Conversation], context: Operation, place: Callable[[int], Info]
) -> Sequence[records.Message | BaseException | None]:
    found: list[records.Message | BaseException | None] = [one.last_message for one in threads]
    missing = [i for i, message in enumerate(found) if message is None]
    if not missing:
        return found
    read = (_last_message(threads[i], place(i)) for i in missing)
    for i, one in zip(missing, await gather(*read, return_exceptions=True), strict=True):
        found[i] = one
    return found


def _last_at_hand(
    threads: Sequence[records.Conversation], _context: Operation, _place: Callable[[int], Info]
) -> Sequence[records.Message] | None:
    found: list[records.Message] = []
    for one in threads:
        if one.last_message is None:
            return None
        found.append(one.last_message)
    return found


@in_one_go
@with_many(_last_messages, _last_at_hand)
async def _last_message(
    root: strawberry.Parent[records.Conversation], info: Info
) -> records.Message | None:
    """The one its source's list carries, else the newest of its thread that the caller may see."""
    if root.last_message is not None:
        return root.last_message
    cut = Cut(kind=Kind.MESSAGE, first=NEWEST)
    found = await info.context.loaders.messages(root.key, cut)
    report(info, found.failures)
    return next(iter(found.nodes or ()), None)  # type: ignore[return-value]  # of a message cut


@strawberry.interface
class TimelineItem:
    id: strawberry.ID
    occurred_at: datetime
    provenance: Provenance


async def _issue(
    root: strawberry.Parent[records.Ticket | records.Conversation | records.Call | records.Visit],
    info: Info,
) -> Matter | None:
    return await of_interaction(info.context, root.key)


@strawberry.interface
class Interaction(TimelineItem):
    channel: Channel
    state: InteractionState
    raw_state: str | None
    ended_at: datetime | None
    owner: Actor | None
    issue = strawberry.field(
        resolver=_issue,
        graphql_type=Annotated["Issue", strawberry.lazy("schema.matters")] | None,
        directives=[UPSTREAM],
    )


@federation.type(
    keys=["id"],
    description="A ticket is an interaction too: the thread behind it ran on some channel.",
)
class Ticket(Node, Interaction):
    is_type_of = speaks_for(records.Ticket)

    number: str | None
    subject: str | None = strawberry.field(directives=[CONTENT])
    status: TicketStatus
    raw_status: str | None
    priority: str | None
    category: str | None
    messages = strawberry.field(
        resolver=_messages, graphql_type=MessageConnection, directives=[PAGED, UPSTREAM]
    )


@federation.type(keys=["id"])
class Conversation(Node, Interaction):
    is_type_of = speaks_for(records.Conversation)

    last_message = strawberry.field(
        resolver=_last_message, graphql_type=Message | None, directives=[UPSTREAM]
    )
    messages = strawberry.field(
        resolver=_messages, graphql_type=MessageConnection, directives=[PAGED, UPSTREAM]
    )


@strawberry.type
class Call(Node, Interaction):
    is_type_of = speaks_for(records.Call)

    duration_seconds: int | None
    wait_seconds: int | None
    transcript = strawberry.field(
        resolver=_transcript, graphql_type=MessageConnection, directives=[PAGED, UPSTREAM]
    )


@strawberry.type
class Visit(Node, Interaction):
    is_type_of = speaks_for(records.Visit)

    pages: int | None
    referrer: str | None = strawberry.field(directives=[CONTENT])
