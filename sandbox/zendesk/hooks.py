"""Zendesk's webhooks: event subscriptions for users and tickets.

Source: the webhook event types reference (bodies) and "Verifying webhooks" (time and body).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sandbox.hooks import Change, Notice, sha256_base64
from sandbox.wire import iso_seconds

_TYPES = {
    ("contact", "created"): "user.created",
    ("contact", "updated"): "user.details_changed",
    ("contact", "deleted"): "user.deleted",
    ("ticket", "created"): "ticket.created",
    ("ticket", "updated"): "ticket.status_changed",
    ("ticket", "deleted"): "ticket.soft_deleted",
}


class ZendeskHooks:
    def notices(self, change: Change) -> Sequence[Notice]:
        kind = _TYPES.get((change.kind, change.happening))
        if kind is None:
            return ()
        body = {
            "account_id": 22129848,
            "detail": {"id": change.row.id, "updated_at": iso_seconds(change.row.updated_at)},
            "event": {},
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"desk-{change.number}")),
            "subject": f"zen:{kind.partition('.')[0]}:{change.row.id}",
            "time": iso_seconds(change.at),
            "type": f"zen:event-type:{kind}",
            "zendesk_event_version": "2022-11-06",
        }
        return [Notice(body=json.dumps(body).encode())]

    def signed(self, notice: Notice, url: str, secret: str, at: datetime) -> Mapping[str, str]:
        stamp = iso_seconds(at)
        return {
            **notice.headers,
            "content-type": "application/json",
            "x-zendesk-webhook-signature": sha256_base64(secret, stamp.encode() + notice.body),
            "x-zendesk-webhook-signature-timestamp": stamp,
        }
