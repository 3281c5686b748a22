"""Replies to a conversation: what a contact or a teammate adds, and what that changes.

Source: `POST /conversations/{id}/reply` with its request schemas, API 2.16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.intercom.errors import Refused, error, invalid, not_found
from sandbox.rows import ChatContact, Conversation, Part
from sandbox.vendor import Json
from sandbox.world import World


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply that was understood."""

    kind: str
    author: tuple[str, str]
    body: str
    at: datetime


def replied(world: World, conversation_id: str, asked: Mapping[str, Json]) -> Conversation:
    """The conversation with the reply on it. Raises Refused; "last" is the contact's latest."""
    contact = _contact(world, asked) if asked.get("type") == "user" else None
    row = _conversation(world, conversation_id, contact)
    reply = _understood(world, asked, row, contact)
    part = Part(
        id=world.part_id(),
        part_type=reply.kind,
        author_type=reply.author[0],
        author_id=reply.author[1],
        body=f"<p>{reply.body}</p>",
        created_at=reply.at,
        updated_at=reply.at,
    )
    if contact is not None:
        world.chat_contacts.change(contact.id, last_replied_at=reply.at)
    return world.conversations.change(
        row.id, parts=(*row.parts, part), **_consequences(row, reply, contact)
    )


def _conversation(world: World, asked: str, contact: ChatContact | None) -> Conversation:
    if asked == "last" and contact is not None:
        own = [row for row in world.conversations.live() if contact.id in row.contact_ids]
        row = max(own, key=lambda row: row.updated_at, default=None)
    else:
        row = world.conversations.get(asked)
    if row is None or row.deleted_at is not None:
        raise not_found()
    return row


def _contact(world: World, asked: Mapping[str, Json]) -> ChatContact:
    """The contact a reply speaks for: by its id, its e-mail or the client's own id for it."""
    columns = {"intercom_user_id": "id", "user_id": "external_id", "email": "email"}
    for name, column in columns.items():
        if name in asked:
            rows = world.chat_contacts.live()
            row = next((row for row in rows if getattr(row, column) == asked[name]), None)
            if row is None:
                raise not_found("User Not Found")
            return row
    raise invalid(f"a reply of a user names one of {', '.join(columns)}", "parameter_not_found")


def _understood(
    world: World, asked: Mapping[str, Json], row: Conversation, contact: ChatContact | None
) -> _Reply:
    kind, body = asked.get("message_type"), asked.get("body")
    allowed = ("comment", "note") if contact is None else ("comment",)
    if not isinstance(kind, str) or kind not in allowed or not isinstance(body, str) or not body:
        raise invalid(f"a reply has a body and a message_type of {' or '.join(allowed)}")
    at = _stated_time(world, asked.get("created_at"))
    if contact is not None:
        reopens = row.state != "open"
        return _Reply("open" if reopens else "comment", (contact.role, contact.id), body, at)
    admin_id = str(asked.get("admin_id"))
    if asked.get("type") != "admin" or admin_id not in world.chat_admins:
        raise Refused(error(404, "admin_not_found", "Admin not found"))
    return _Reply(kind, ("admin", admin_id), body, at)


def _stated_time(world: World, asked: Json) -> datetime:
    if asked is None:
        return world.now()
    if type(asked) is not int:
        raise invalid(f"created_at must be Unix seconds, was {asked!r}")
    return datetime.fromtimestamp(asked, UTC)


def _consequences(
    row: Conversation, reply: _Reply, contact: ChatContact | None
) -> dict[str, object]:
    """A contact's word opens the conversation and waits; a teammate's comment ends the waiting."""
    if contact is not None:
        waiting = row.waiting_since or reply.at
        return {"state": "open", "read": False, "snoozed_until": None, "waiting_since": waiting}
    return {"waiting_since": None} if reply.kind == "comment" else {}
