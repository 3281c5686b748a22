"""Intercom's webhooks.

Documents: developers.intercom.com/docs/references/2.16/webhooks (notifications and topics) and
developers.intercom.com/docs/webhooks/setting-up-webhooks (signed notifications). No time is signed,
so age cannot be judged; a delivery's id tells repeats apart.
"""

from typing import Any

from connectors.reading import Row, identifier, text, unix_seconds
from connectors.webhooks import Hmac, WebhookSpec
from domain.ids import Kind, SourceKey
from domain.sources import ChangeKind, SourceEvent, WebhookRequest

_KINDS = {
    "contact": Kind.CONTACT,
    "user": Kind.CONTACT,
    "lead": Kind.CONTACT,
    "conversation": Kind.CONVERSATION,
    "conversation_part": Kind.CONVERSATION,
}


def parse(body: Any, _request: WebhookRequest, source: str) -> list[SourceEvent]:
    """One event, or none for what is neither a contact nor a conversation (a ping, an admin...).

    A merge is told as a change: the contact that lost is gone when re-read, and the other one
    shows it in its history.
    """
    topic = body["topic"]
    kind = _KINDS.get(topic.partition(".")[0])
    if kind is None:
        return []
    gone = topic.endswith(".deleted")
    return [
        SourceEvent(
            event_id=identifier(body["id"]),
            key=SourceKey(source, kind, _subject(kind, body["data"]["item"])),
            change=ChangeKind.DELETED if gone else ChangeKind.CHANGED,
            occurred_at=unix_seconds(body.get("created_at")),
        )
    ]


def _subject(kind: Kind, item: Row) -> str:
    """The id of the contact or conversation: the item itself, or what it names (a tag, a part)."""
    name = "contact" if kind is Kind.CONTACT else "conversation"
    own = text(item.get("type"))
    held = item.get(name)
    carries = isinstance(held, dict) and own not in {None, name, "user", "lead"}
    return identifier(held["id"] if carries and held else item["id"])


WEBHOOKS = WebhookSpec(
    signature=Hmac(
        header="x-hub-signature",
        document="https://developers.intercom.com/docs/webhooks/setting-up-webhooks",
        digest="sha1",
        encoding="hex",
        prefix="sha1=",
    ),
    parse=parse,
)
