"""Intercom's webhooks: notifications about contacts and conversations.

Source: the webhooks reference 2.16 (notification, topics) and "Setting up webhooks"
(X-Hub-Signature over the body).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sandbox.hooks import Change, Notice, sha1_hex
from sandbox.rows import ChatContact

_CONVERSATION = {"created": "conversation.user.created", "updated": "conversation.user.replied"}
_CONTACT = {"created": "created", "updated": "updated", "deleted": "deleted", "erased": "deleted"}


class IntercomHooks:
    def notices(self, change: Change) -> Sequence[Notice]:
        topic, item = _topic(change), change.kind
        if topic is None:
            return ()
        body = {
            "type": "notification_event",
            "app_id": "sandbox",
            "data": {
                "type": "notification_event_data",
                "item": {"type": item, "id": change.row.id},
            },
            "links": {},
            "id": f"notif_{uuid.uuid5(uuid.NAMESPACE_OID, f'chat-{change.number}')}",
            "topic": topic,
            "delivery_status": "pending",
            "delivery_attempts": 1,
            "first_sent_at": int(change.at.timestamp()),
            "created_at": int(change.at.timestamp()),
        }
        return [Notice(body=json.dumps(body).encode())]

    def signed(self, notice: Notice, url: str, secret: str, at: datetime) -> Mapping[str, str]:
        return {
            **notice.headers,
            "content-type": "application/json",
            "x-hub-signature": f"sha1={sha1_hex(secret, notice.body)}",
        }


def _topic(change: Change) -> str | None:
    row = change.row
    if not isinstance(row, ChatContact):
        return _CONVERSATION.get(change.happening)
    if change.happening in {"deleted", "erased"}:
        return "contact.deleted"
    return f"contact.{row.role}.{_CONTACT[change.happening]}"
