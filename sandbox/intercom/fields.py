"""The fields that contacts and conversations can be searched by, with their types.

Source: the tables "Accepted Fields" of both searches, API 2.16. Of a listed field the emulator
holds nothing for, every row has no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeAlias

from sandbox.rows import ChatAdmin, ChatContact, Conversation, Part
from sandbox.world import World

Value: TypeAlias = str | int | bool | None
Getter: TypeAlias = Callable[[Any], "Value | tuple[str, ...]"]


class Kind(Enum):
    """A field's type, which decides its operators."""

    STRING = "String"
    INTEGER = "Integer"
    BOOLEAN = "Boolean"
    DATE = "Date"
    TAG = "Tag"


@dataclass(frozen=True, slots=True)
class Searchable:
    """One field. A row may hold several values (`contact_ids`); dates are Unix seconds."""

    kind: Kind
    get: Getter


def seconds(moment: datetime | None) -> int | None:
    """A time as the vendor writes it: whole Unix seconds."""
    return None if moment is None else int(moment.timestamp())


def nothing(_: object) -> None:
    return None


def email_domain(email: str | None) -> str | None:
    return email.partition("@")[2] or None if email else None


def words(html: str) -> tuple[str, ...]:
    """The single words of a body: `source.body` is searched word by word."""
    return tuple(re.findall(r"[\w'-]+", re.sub(r"<[^>]+>", " ", html)))


_CONTACT: Final[Mapping[str, Getter]] = {
    "id": lambda row: row.id,
    "role": lambda row: row.role,
    "name": lambda row: row.name,
    "email": lambda row: row.email,
    "email_domain": lambda row: email_domain(row.email),
    "phone": lambda row: row.phone,
    "formatted_phone": lambda row: row.phone,
    "external_id": lambda row: row.external_id,
    "location.country": lambda row: row.country,
    "location.region": lambda row: row.region,
    "location.city": lambda row: row.city,
}
_CONTACT_EMPTY: Final = [
    "avatar",
    "owner_id",
    "language_override",
    "browser",
    "browser_language",
    "os",
    "ios_app_version",
    "ios_device",
    "ios_app_device",
    "ios_os_version",
    "ios_app_name",
    "ios_sdk_version",
    "android_app_version",
    "android_device",
    "android_app_name",
    "andoid_sdk_version",
    "segment_id",
]
_CONTACT_DATES: Final[Mapping[str, Getter]] = {
    "created_at": lambda row: seconds(row.created_at),
    "updated_at": lambda row: seconds(row.updated_at),
    "signed_up_at": lambda row: seconds(row.signed_up_at),
    "last_seen_at": lambda row: seconds(row.last_seen_at),
    "last_replied_at": lambda row: seconds(row.last_replied_at),
}
_CONTACT_EMPTY_DATES: Final = [
    "last_contacted_at",
    "last_email_opened_at",
    "last_email_clicked_at",
    "ios_last_seen_at",
    "android_last_seen_at",
]
_CONTACT_FLAGS: Final = ["unsubscribed_from_emails", "marked_email_as_spam", "has_hard_bounced"]

CONTACT: Final[Mapping[str, Searchable]] = {
    **{name: Searchable(Kind.STRING, get) for name, get in _CONTACT.items()},
    **{name: Searchable(Kind.STRING, nothing) for name in _CONTACT_EMPTY},
    **{name: Searchable(Kind.DATE, get) for name, get in _CONTACT_DATES.items()},
    **{name: Searchable(Kind.DATE, nothing) for name in _CONTACT_EMPTY_DATES},
    **{name: Searchable(Kind.BOOLEAN, lambda _row: False) for name in _CONTACT_FLAGS},
    "tag_id": Searchable(Kind.TAG, nothing),
}


def _first(row: Conversation, wanted: Callable[[Part], bool]) -> int | None:
    return next((seconds(part.created_at) for part in row.parts if wanted(part)), None)


def _last(row: Conversation, wanted: Callable[[Part], bool]) -> int | None:
    return next((seconds(part.created_at) for part in reversed(row.parts) if wanted(part)), None)


def _answers(part: Part) -> bool:
    return part.author_type == "admin" and part.part_type == "comment"


def _asks(part: Part) -> bool:
    return part.author_type in ("user", "lead")


def _closes(part: Part) -> bool:
    return part.part_type == "close"


def _assigns(part: Part) -> bool:
    return part.part_type == "assignment"


def teammates(row: Conversation) -> tuple[str, ...]:
    """Admins who wrote at least one part, in the order they first did."""
    return tuple(dict.fromkeys(p.author_id for p in row.parts if p.author_type == "admin"))


_STRINGS: Final[Mapping[str, Getter]] = {
    "id": lambda row: row.id,
    "source.type": lambda row: row.source_type,
    "source.id": lambda row: row.source_id,
    "source.delivered_as": lambda row: row.delivered_as,
    "source.subject": lambda row: row.source_subject,
    "source.body": lambda row: words(row.source_body),
    "source.author.id": lambda row: row.source_author_id,
    "source.author.type": lambda row: row.source_author_type,
    "contact_ids": lambda row: row.contact_ids,
    "teammate_ids": teammates,
    "channel_initiated": lambda row: row.source_type,
    "state": lambda row: row.state,
    "priority": lambda row: row.priority,
    "tag_ids": lambda row: tuple(tag_id(name) for name in row.tags),
}
_EMPTY: Final = [
    "source.url",
    "statistics.last_closed_by_id",
    "conversation_rating.remark",
    "conversation_rating.contact_id",
    "conversation_rating.admin_d",
    "ai_agent.resolution_state",
    "ai_agent.last_answer_type",
    "ai_agent.rating_remark",
    "ai_agent.source_type",
    "ai_agent.source_title",
]
_DATES: Final[Mapping[str, Getter]] = {
    "created_at": lambda row: seconds(row.created_at),
    "updated_at": lambda row: seconds(row.updated_at),
    "waiting_since": lambda row: seconds(row.waiting_since),
    "snoozed_until": lambda row: seconds(row.snoozed_until),
    "statistics.first_contact_reply_at": lambda row: _first(row, _asks),
    "statistics.last_contact_reply_at": lambda row: _last(row, _asks),
    "statistics.first_admin_reply_at": lambda row: _first(row, _answers),
    "statistics.last_admin_reply_at": lambda row: _last(row, _answers),
    "statistics.first_close_at": lambda row: _first(row, _closes),
    "statistics.last_close_at": lambda row: _last(row, _closes),
    "statistics.first_assignment_at": lambda row: _first(row, _assigns),
    "statistics.last_assignment_at": lambda row: _last(row, _assigns),
}
_EMPTY_DATES: Final = [
    "statistics.last_assignment_admin_reply_at",
    "conversation_rating.requested_at",
    "conversation_rating.replied_at",
]
_INTEGERS: Final[Mapping[str, Getter]] = {
    "admin_assignee_id": lambda row: int(row.admin_assignee_id or 0),
    "team_assignee_id": lambda _row: 0,
    "statistics.count_conversation_parts": lambda row: len(row.parts),
    "statistics.count_assignments": lambda row: sum(map(_assigns, row.parts)),
    "statistics.count_reopens": lambda row: sum(part.part_type == "open" for part in row.parts),
}
_EMPTY_INTEGERS: Final = [
    "statistics.time_to_assignment",
    "statistics.time_to_admin_reply",
    "statistics.time_to_first_close",
    "statistics.time_to_last_close",
    "statistics.median_time_to_reply",
    "conversation_rating.score",
    "ai_agent.rating",
]
_FLAGS: Final[Mapping[str, Getter]] = {
    "open": lambda row: row.state != "closed",
    "read": lambda row: row.read,
    "ai_agent_participated": lambda _row: False,
}


def tag_id(name: str) -> str:
    """A tag's id, made of its name: the world keeps names alone."""
    return str(1_000_000 + int.from_bytes(name.encode()[:5], "big") % 9_000_000)


def conversation_fields(world: World) -> Mapping[str, Searchable]:
    """The author's name and e-mail stand on another row, hence the world."""

    def author(row: Conversation) -> ChatContact | ChatAdmin | None:
        author_id = row.source_author_id
        return world.chat_contacts.get(author_id) or world.chat_admins.get(author_id)

    return {
        **{name: Searchable(Kind.STRING, get) for name, get in _STRINGS.items()},
        **{name: Searchable(Kind.STRING, nothing) for name in _EMPTY},
        **{name: Searchable(Kind.DATE, get) for name, get in _DATES.items()},
        **{name: Searchable(Kind.DATE, nothing) for name in _EMPTY_DATES},
        **{name: Searchable(Kind.INTEGER, get) for name, get in _INTEGERS.items()},
        **{name: Searchable(Kind.INTEGER, nothing) for name in _EMPTY_INTEGERS},
        **{name: Searchable(Kind.BOOLEAN, get) for name, get in _FLAGS.items()},
        "source.author.name": Searchable(
            Kind.STRING, lambda row: getattr(author(row), "name", None)
        ),
        "source.author.email": Searchable(
            Kind.STRING, lambda row: getattr(author(row), "email", None)
        ),
    }
