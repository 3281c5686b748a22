"""Zendesk's webhooks: event subscriptions for users and tickets.

Documents: developer.zendesk.com/documentation/webhooks/verifying (signature) and
developer.zendesk.com/api-reference/webhooks/event-types (bodies). What a trigger sends has the form
somebody typed into it, and is left out.
"""

import re
from typing import Any

from connectors.reading import identifier, rfc3339
from connectors.webhooks import Hmac, Stamp, Timestamp, WebhookSpec
from domain.ids import Kind, SourceKey
from domain.sources import ChangeKind, SourceEvent, WebhookRequest

STAMP_HEADER = "x-zendesk-webhook-signature-timestamp"
# The vendor writes both "zen:event-type:user.created" and "zen:event-type/user.merged".
_TYPE = re.compile(r"zen:event-type[:/](user|ticket)\.([a-z_]+)")
_KINDS = {"user": Kind.CONTACT, "ticket": Kind.TICKET}
_GONE = {"deleted", "soft_deleted", "permanently_deleted", "marked_as_spam"}


def signed_part(request: WebhookRequest) -> bytes:
    return request.headers[STAMP_HEADER].encode() + request.body


def parse(body: Any, _request: WebhookRequest, source: str) -> list[SourceEvent]:
    """One event or none. A merge is told as a change: the row that lost is gone when re-read."""
    match = _TYPE.fullmatch(body["type"])
    if match is None:
        return []
    happening = match[2]
    switched_off = happening == "active_changed" and body["event"]["current"] is False
    gone = happening in _GONE or switched_off
    return [
        SourceEvent(
            event_id=identifier(body["id"]),
            key=SourceKey(source, _KINDS[match[1]], identifier(body["detail"]["id"])),
            change=ChangeKind.DELETED if gone else ChangeKind.CHANGED,
            occurred_at=rfc3339(body.get("time")),
        )
    ]


WEBHOOKS = WebhookSpec(
    signature=Hmac(
        header="x-zendesk-webhook-signature",
        document="https://developer.zendesk.com/documentation/webhooks/verifying/",
        signed=signed_part,
        timestamp=Timestamp(header=STAMP_HEADER, form=Stamp.RFC3339),
    ),
    parse=parse,
)
