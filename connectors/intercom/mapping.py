"""Intercom rows as records. Times are Unix seconds, UTC.

Source: the published description of the REST API, version 2.16 (github.com/intercom/
Intercom-OpenAPI): contact, conversation_list_item, conversation_part.
"""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from connectors.reading import (
    Reading,
    Row,
    RowError,
    identifier,
    known,
    required,
    text,
    texts,
    unix_seconds,
)
from domain.ids import Kind
from domain.records import Actor, Contact, Conversation, Handle, Message
from domain.vocabulary import ActorKind, Channel, InteractionState

# `source.type` as the conversation search lists it. "conversation" is the messenger, in a page or
# in an app: the source does not say which.
CHANNEL = {
    "conversation": Channel.WEB_CHAT,
    "push": Channel.IN_APP,
    "email": Channel.EMAIL,
    "sms": Channel.SMS,
    "whatsapp": Channel.WHATSAPP,
    "phone_call": Channel.VOICE,
    "phone_switch": Channel.VOICE,
    "facebook": Channel.SOCIAL,
    "instagram": Channel.SOCIAL,
    "twitter": Channel.SOCIAL,
}
STATE = {
    "open": InteractionState.IN_PROGRESS,
    "snoozed": InteractionState.WAITING,
    "closed": InteractionState.ENDED,
}
AUTHOR = {
    "user": ActorKind.CUSTOMER,
    "lead": ActorKind.CUSTOMER,
    "contact": ActorKind.CUSTOMER,
    "admin": ActorKind.HUMAN,
    "team": ActorKind.HUMAN,
    "bot": ActorKind.SYSTEM,
}
# Parts the customer sees. Every other part with words in it (note, assignment, and what is added
# to the list later) is for staff: a mistake there hides a message, it never shows a note.
PUBLIC_PARTS = {"source", "comment", "open", "close", "quick_reply"}


def contact(row: Row, at: Reading) -> Contact:
    """One user or lead. `location` is where an address on the net points to, so not an address of
    the person; companies carry no name here.
    """
    external_id = identifier(row["id"])
    foreign = at.foreign(row.get("external_id"))
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(external_id, updated_at=unix_seconds(row.get("updated_at"))),
        full_name=text(row.get("name")),
        emails=texts(row.get("email")),
        phones=texts(row.get("phone")),
        handles=_handles(row),
        account_number=None if foreign else text(row.get("external_id")),
        created_at=unix_seconds(row.get("created_at")),
        merged_ids=_merged_ids(row),
        foreign_ids=foreign,
        raw=row,
    )


def conversation(row: Row, at: Reading) -> Conversation:
    """One conversation as searches give it: without its parts, so without its last message."""
    external_id = identifier(row["id"])
    state, raw = _state(row)
    return Conversation(
        key=at.key(Kind.CONVERSATION, external_id),
        provenance=at.provenance(external_id, updated_at=unix_seconds(row.get("updated_at"))),
        occurred_at=required(unix_seconds(row.get("created_at"))),
        channel=known(CHANNEL, (row.get("source") or {}).get("type"), Channel.UNKNOWN)[0],
        state=state,
        raw_state=raw,
        ended_at=_ended_at(row, state),
        owner=_owner(row),
        owner_ids=texts(*(one.get("id") for one in _listed(row, "contacts"))),
    )


def message(row: Row, at: Reading) -> Message:
    """The opening message or one part, with `conversation_id` put beside it by the reader."""
    external_id = f"{identifier(row['conversation_id'])}/{identifier(row['id'])}"
    deleted = row.get("redacted") is True
    return Message(
        key=at.key(Kind.MESSAGE, external_id),
        provenance=at.provenance(external_id, updated_at=unix_seconds(row.get("updated_at"))),
        at=required(unix_seconds(row.get("created_at"))),
        author=_author(row.get("author") or {}),
        body=None if deleted else text(row.get("body")),
        internal=row.get("part_type") not in PUBLIC_PARTS,
        deleted=deleted,
    )


def _listed(row: Row, name: str) -> Sequence[Row]:
    """A list of references: the source wraps it in an object of the same name, or in null."""
    return (row.get(name) or {}).get(name) or ()


def _state(row: Row) -> tuple[InteractionState, str | None]:
    """An open conversation that nobody has taken or answered yet is queued."""
    state, raw = known(STATE, row.get("state"), InteractionState.UNKNOWN)
    answered = _listed(row, "teammates") or row.get("ai_agent_participated")
    if state is InteractionState.IN_PROGRESS and not answered and not row.get("admin_assignee_id"):
        return InteractionState.QUEUED, raw
    return state, raw


def _ended_at(row: Row, state: InteractionState) -> datetime | None:
    if state is not InteractionState.ENDED:
        return None
    return unix_seconds((row.get("statistics") or {}).get("last_close_at"))


def _owner(row: Row) -> Actor | None:
    """0 is the source's word for nobody; names of admins are not in the row."""
    admin_id = text(row.get("admin_assignee_id") or None)
    return Actor(kind=ActorKind.HUMAN, id=admin_id) if admin_id else None


def _author(author: Row) -> Actor:
    """Raises RowError for an author of an unknown type: no message gets a wrong speaker."""
    kind = AUTHOR.get(text(author.get("type")) or "")
    if kind is None:
        raise RowError("the author's type is not known")
    if author.get("from_ai_agent") is True or author.get("is_ai_answer") is True:
        kind = ActorKind.AI
    return Actor(kind=kind, id=identifier(author.get("id")), name=text(author.get("name")))


def _handles(row: Row) -> tuple[Handle, ...]:
    """Social profiles: the platform's name, and the last part of the profile's address."""
    profiles = (row.get("social_profiles") or {}).get("data") or ()
    found = (
        (text(profile.get("name")), urlsplit(text(profile.get("url")) or "").path.strip("/"))
        for profile in profiles
    )
    return tuple(
        Handle(platform.lower(), path.rsplit("/", 1)[-1])
        for platform, path in found
        if platform and path
    )


def _merged_ids(row: Row) -> tuple[str, ...]:
    return texts(*(one.get("source_contact_id") for one in row.get("merge_history") or ()))
