"""Contacts and conversations as Intercom writes them.

Source: the schemas contact, conversation, conversation_list_item and conversation_part, with the
examples of the operations for what the schemas leave open, API 2.16.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from sandbox.intercom.fields import email_domain, seconds, tag_id, teammates
from sandbox.rows import ChatContact, Conversation, Part
from sandbox.vendor import Json
from sandbox.world import World

MOST_PARTS: Final = 500
WORKSPACE: Final = "sandbox1"
_CHANNELS: Final = {"conversation": "messenger"}
_EMPTY_CONTACT: Final = [
    "avatar",
    "owner_id",
    "last_contacted_at",
    "last_email_opened_at",
    "last_email_clicked_at",
    "language_override",
    "browser",
    "browser_version",
    "browser_language",
    "os",
    "android_app_name",
    "android_app_version",
    "android_device",
    "android_os_version",
    "android_sdk_version",
    "android_last_seen_at",
    "ios_app_name",
    "ios_app_version",
    "ios_device",
    "ios_os_version",
    "ios_sdk_version",
    "ios_last_seen_at",
    "utm_campaign",
    "utm_content",
    "utm_medium",
    "utm_source",
    "utm_term",
    "referrer",
    "enabled_push_messaging",
]
_CONTACT_LISTS: Final = {
    "tags": "tags",
    "notes": "notes",
    "companies": "companies",
    "opted_out_subscription_types": "subscriptions",
    "opted_in_subscription_types": "subscriptions",
}


def contact(row: ChatContact) -> Json:
    """A whole contact. `email` is text even where there is none: the schema knows no null."""
    lists = {name: _list_of(f"/contacts/{row.id}/{at}") for name, at in _CONTACT_LISTS.items()}
    domain = email_domain(row.email)
    return {
        "type": "contact",
        "id": row.id,
        "workspace_id": WORKSPACE,
        "external_id": row.external_id,
        "role": row.role,
        "email": row.email or "",
        **({} if domain is None else {"email_domain": domain}),
        "phone": row.phone,
        "name": row.name,
        "social_profiles": {"type": "list", "data": []},
        "has_hard_bounced": False,
        "marked_email_as_spam": False,
        "unsubscribed_from_emails": False,
        "created_at": seconds(row.created_at),
        "updated_at": seconds(row.updated_at),
        "signed_up_at": seconds(row.signed_up_at),
        "last_seen_at": seconds(row.last_seen_at),
        "last_replied_at": seconds(row.last_replied_at),
        "location": {
            "type": "location",
            "country": row.country,
            "region": row.region,
            "city": row.city,
        },
        "custom_attributes": {},
        **dict.fromkeys(_EMPTY_CONTACT),
        **lists,
    }


def _list_of(url: str) -> Json:
    return {"type": "list", "data": [], "url": url, "total_count": 0, "has_more": False}


class Writer:
    """Writes conversations, whose authors stand on other rows."""

    def __init__(self, world: World, *, plain: bool = False) -> None:
        self._world = world
        self._plain = plain

    def listed(self, row: Conversation) -> Json:
        """A conversation in a list: without its parts."""
        return {
            "type": "conversation",
            "id": row.id,
            "title": row.title,
            "created_at": seconds(row.created_at),
            "updated_at": seconds(row.updated_at),
            "waiting_since": seconds(row.waiting_since),
            "snoozed_until": seconds(row.snoozed_until),
            "open": row.state != "closed",
            "state": row.state,
            "read": row.read,
            "priority": row.priority,
            "admin_assignee_id": int(row.admin_assignee_id or 0),
            "team_assignee_id": 0,
            "source": self._source(row),
            "contacts": self._contacts(row.contact_ids),
            "teammates": _teammates(row),
            "tags": {"type": "tag.list", "tags": [_tag(name, row.created_at) for name in row.tags]},
            "first_contact_reply": self._first_reply(row),
            "channel": {"initial": _channel(row), "current": _channel(row)},
            "custom_attributes": {},
            "topics": {},
            "ticket": None,
            "conversation_rating": None,
            "sla_applied": None,
            "statistics": None,
            "linked_objects": {"type": "list", "data": [], "total_count": 0, "has_more": False},
            "ai_agent": None,
            "ai_agent_participated": False,
            "external_references": [],
        }

    def whole(self, row: Conversation) -> Json:
        """A conversation with its parts: the 500 most recent ones, oldest first."""
        stated = list(zip(row.parts, _states(row), strict=True))
        parts = [self._part(part, state) for part, state in stated[-MOST_PARTS:]]
        return {
            **self.listed(row),
            "conversation_parts": {
                "type": "conversation_part.list",
                "conversation_parts": parts,
                "total_count": len(row.parts),
            },
        }

    def _source(self, row: Conversation) -> Json:
        return {
            "type": row.source_type,
            "id": row.source_id,
            "delivered_as": row.delivered_as,
            "subject": self._text(row.source_subject) or "",
            "body": self._text(row.source_body),
            "author": self._author(row.source_author_type, row.source_author_id),
            "attachments": [],
            "url": None,
            "redacted": False,
        }

    def _part(self, part: Part, state: str) -> Json:
        assigned = part.assigned_to and {"type": "admin", "id": part.assigned_to}
        return {
            "type": "conversation_part",
            "id": part.id,
            "part_type": part.part_type,
            "body": None if part.redacted else self._text(part.body),
            "created_at": seconds(part.created_at),
            "updated_at": seconds(part.updated_at),
            "notified_at": seconds(part.created_at),
            "assigned_to": assigned,
            "author": self._author(part.author_type, part.author_id),
            "attachments": [],
            "external_id": None,
            "redacted": part.redacted,
            "email_message_metadata": None,
            "metadata": {},
            "state": state,
            "tags": [],
            "event_details": None,
            "app_package_code": None,
        }

    def _author(self, kind: str, author_id: str) -> Json:
        """Who wrote it. One who is gone keeps an id; the bot is the vendor's Operator."""
        if kind == "bot":
            name, email = "Operator", f"operator+{WORKSPACE}@intercom.io"
        elif kind == "admin":
            admin = self._world.chat_admins.get(author_id)
            name, email = (admin.name, admin.email) if admin else ("", "")
        else:
            row = self._world.chat_contacts.get(author_id)
            name, email = (row and row.name) or "", (row and row.email) or ""
        return {"type": kind, "id": author_id, "name": name or None, "email": email}

    def _contacts(self, ids: Sequence[str]) -> Json:
        rows = [(one, self._world.chat_contacts.get(one)) for one in ids]
        shown = [
            {"type": "contact", "id": one, "external_id": row and row.external_id}
            for one, row in rows
        ]
        return {"type": "contact.list", "contacts": shown}

    def _first_reply(self, row: Conversation) -> Json:
        """The contact's first message: the opening one where the contact began."""
        if row.source_author_type in ("user", "lead"):
            first: datetime | None = row.created_at
        else:
            own = (part for part in row.parts if part.author_type in ("user", "lead"))
            first = next((part.created_at for part in own), None)
        if first is None:
            return None
        return {"type": "conversation", "created_at": seconds(first), "url": None}

    def _text(self, body: str | None) -> str | None:
        return plain_text(body) if self._plain and body is not None else body


def plain_text(body: str) -> str:
    """A body as `display_as=plaintext` shows it: links as `label (url)`, no tags, no entities."""
    linked = re.sub(r'<a\s[^>]*href="([^"]*)"[^>]*>(.*?)</a>', r"\2 (\1)", body)
    broken = re.sub(r"<br\s*/?>|</p>\s*<p[^>]*>", "\n", linked)
    return html.unescape(re.sub(r"<[^>]+>", "", broken)).strip()


def _tag(name: str, applied: datetime) -> Json:
    return {
        "type": "tag",
        "id": tag_id(name),
        "name": name,
        "applied_at": seconds(applied),
        "applied_by": None,
    }


def _teammates(row: Conversation) -> Json:
    wrote = teammates(row)
    shown = [{"type": "admin", "id": one} for one in wrote]
    return {"type": "admin.list", "teammates": shown} if shown else None


def _channel(row: Conversation) -> str:
    return _CHANNELS.get(row.source_type, row.source_type)


def _states(row: Conversation) -> Iterator[str]:
    """The conversation's state once each of its parts was made."""
    state = "open"
    for part in row.parts:
        if part.part_type in ("close", "snoozed"):
            state = "closed" if part.part_type == "close" else "snoozed"
        elif part.part_type == "open" or part.author_type in ("user", "lead"):
            state = "open"
        yield state
