"""Chatwoot's rows as records. Times are Unix seconds, UTC.

Sources: the published description (swagger.json, 4.11): contact, conversation, message; names of
channels and kinds of senders as the program has them (app/models/channel, app/models/message.rb).
"""

from datetime import datetime

from connectors.reading import (
    Reading,
    Row,
    RowError,
    identifier,
    known,
    required,
    rfc3339,
    text,
    texts,
    unix_seconds,
)
from domain.ids import Kind
from domain.records import Actor, Address, Contact, Conversation, Handle, Message
from domain.vocabulary import ActorKind, Channel, InteractionState

# Channel::Api is whatever was built on it, Channel::TwilioSms text messages or WhatsApp.
CHANNEL = {
    "channel::webwidget": Channel.WEB_CHAT,
    "channel::email": Channel.EMAIL,
    "channel::sms": Channel.SMS,
    "channel::whatsapp": Channel.WHATSAPP,
    "channel::voice": Channel.VOICE,
    "channel::facebookpage": Channel.SOCIAL,
    "channel::instagram": Channel.SOCIAL,
    "channel::twitterprofile": Channel.SOCIAL,
    "channel::telegram": Channel.SOCIAL,
    "channel::line": Channel.SOCIAL,
    "channel::tiktok": Channel.SOCIAL,
}
# "pending" is with a bot, or was set aside by hand.
STATE = {
    "open": InteractionState.IN_PROGRESS,
    "pending": InteractionState.WAITING,
    "snoozed": InteractionState.WAITING,
    "resolved": InteractionState.ENDED,
}
INCOMING, OUTGOING, ACTIVITY, TEMPLATE = range(4)
AUTHOR = {
    "contact": ActorKind.CUSTOMER,
    "user": ActorKind.HUMAN,
    "agent": ActorKind.HUMAN,
    "agentbot": ActorKind.SYSTEM,
    "agent_bot": ActorKind.SYSTEM,
    "captain::assistant": ActorKind.AI,
}
ITSELF = Actor(kind=ActorKind.SYSTEM, id="chatwoot")


def contact(row: Row, at: Reading) -> Contact:
    """One person. `identifier` is a key of the company's own. No time of a change is shown: the one
    of the last activity stands for it.
    """
    external_id = identifier(row["id"])
    created_at = unix_seconds(row.get("created_at"))
    moved_at = unix_seconds(row.get("last_activity_at")) or created_at
    foreign = at.foreign(row.get("identifier"))
    more = row.get("additional_attributes") or {}
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(external_id, updated_at=moved_at),
        full_name=text(row.get("name")),
        emails=texts(row.get("email")),
        phones=texts(row.get("phone_number")),
        handles=_handles(more),
        account_number=None if foreign else text(row.get("identifier")),
        address=_address(more),
        company=text(more.get("company_name")),
        created_at=created_at,
        foreign_ids=foreign,
        raw=row,
    )


def conversation(row: Row, at: Reading) -> Conversation:
    """One conversation, by the number that stands in its address (`display_id`)."""
    external_id = identifier(row["id"])
    meta = row.get("meta") or {}
    moved_at = unix_seconds(row.get("last_activity_at")) or unix_seconds(row.get("updated_at"))
    state, raw = _state(row, meta)
    last = row.get("last_non_activity_message")
    return Conversation(
        key=at.key(Kind.CONVERSATION, external_id),
        provenance=at.provenance(external_id, updated_at=moved_at),
        occurred_at=required(unix_seconds(row.get("created_at"))),
        channel=known(CHANNEL, meta.get("channel"), Channel.UNKNOWN)[0],
        state=state,
        raw_state=raw,
        owner=_owner(meta.get("assignee")),
        last_message=message({**last, "conversation_id": external_id}, at) if last else None,
        owner_ids=texts((meta.get("sender") or {}).get("id")),
    )


def message(row: Row, at: Reading) -> Message:
    """One thing said. What Chatwoot notes of itself (somebody was assigned...) is for staff."""
    external_id = f"{identifier(row['conversation_id'])}/{identifier(row['id'])}"
    deleted = (row.get("content_attributes") or {}).get("deleted") is True
    return Message(
        key=at.key(Kind.MESSAGE, external_id),
        provenance=at.provenance(external_id, updated_at=_moment(row.get("updated_at"))),
        at=required(unix_seconds(row.get("created_at"))),
        author=_author(row),
        body=None if deleted else text(row.get("content")),
        internal=row.get("private") is True or row.get("message_type") == ACTIVITY,
        deleted=deleted,
    )


def _moment(value: object) -> datetime | None:
    """Described as Unix seconds; what comes from the table unchanged is ISO 8601."""
    return rfc3339(value) if isinstance(value, str) and "T" in value else unix_seconds(value)


def _state(row: Row, meta: Row) -> tuple[InteractionState, str | None]:
    """An open conversation that nobody has taken or answered yet is queued."""
    state, raw = known(STATE, row.get("status"), InteractionState.UNKNOWN)
    taken = meta.get("assignee") or row.get("first_reply_created_at")
    if state is InteractionState.IN_PROGRESS and not taken:
        return InteractionState.QUEUED, raw
    return state, raw


def _owner(assignee: Row | None) -> Actor | None:
    if not assignee:
        return None
    name = text(assignee.get("available_name")) or text(assignee.get("name"))
    return Actor(kind=ActorKind.HUMAN, id=identifier(assignee["id"]), name=name)


def _author(row: Row) -> Actor:
    """Raises RowError for a message of an unknown type: no message gets a wrong speaker."""
    kind = row["message_type"]
    sender = row.get("sender") or {}
    if kind in (ACTIVITY, TEMPLATE):
        return ITSELF
    if kind not in (INCOMING, OUTGOING):
        raise RowError("a message of no known type")
    sender_id = text(row.get("sender_id")) or text(sender.get("id"))
    if kind == INCOMING:
        name = text(sender.get("name"))
        return Actor(kind=ActorKind.CUSTOMER, id=identifier(sender_id), name=name)
    if sender_id is None:
        return ITSELF
    told = text(row.get("sender_type")) or text(sender.get("type")) or ""
    author = AUTHOR.get(told.lower())
    if author is None or author is ActorKind.CUSTOMER:
        raise RowError("the sender's type is not known")
    return Actor(kind=author, id=sender_id, name=text(sender.get("name")))


def _handles(more: Row) -> tuple[Handle, ...]:
    """Names on platforms, as staff typed them or a channel told them."""
    profiles = more.get("social_profiles") or {}
    found = ((text(platform), text(name)) for platform, name in profiles.items())
    return tuple(
        Handle(platform.lower(), name.lstrip("@")) for platform, name in found if platform and name
    )


def _address(more: Row) -> Address | None:
    """What staff typed. `country_code` may be where an address on the net points to."""
    city, country = text(more.get("city")), text(more.get("country"))
    return Address(city=city, country=country) if city or country else None
