"""Chatwoot's webhooks.

Document: developers.chatwoot.com (webhooks): time, a dot and the raw body are signed, as
`sha256=<hex>`. Releases up to 4.11 sign nothing, and are not believed.
"""

from typing import Any

from connectors.reading import identifier, text, unix_seconds
from connectors.webhooks import Hmac, Stamp, Timestamp, WebhookSpec
from domain.ids import Kind, SourceKey
from domain.sources import ChangeKind, SourceEvent, WebhookRequest

TIMESTAMP = "x-chatwoot-timestamp"
DELIVERY = "x-chatwoot-delivery"
_CONTACT = {"contact_created", "contact_updated"}
_CONVERSATION = {"conversation_created", "conversation_updated", "conversation_status_changed"}
_MESSAGE = {"message_created", "message_updated"}


def signed(request: WebhookRequest) -> bytes:
    return f"{request.headers.get(TIMESTAMP, '')}.".encode() + request.body


def parse(body: Any, request: WebhookRequest, source: str) -> list[SourceEvent]:
    """One event, or none: somebody types, or opened the widget."""
    event = body["event"]
    if event in _CONTACT:
        key = SourceKey(source, Kind.CONTACT, identifier(body["id"]))
    elif event in _CONVERSATION:
        key = SourceKey(source, Kind.CONVERSATION, identifier(body["id"]))
    elif event in _MESSAGE:
        key = SourceKey(source, Kind.CONVERSATION, identifier(body["conversation"]["id"]))
    else:
        return []
    # The delivery has an id of its own; the signed time tells repeats of one that lacks it apart.
    told = text(request.headers.get(DELIVERY)) or request.headers[TIMESTAMP]
    return [
        SourceEvent(
            event_id=f"{told}:{event}:{identifier(body['id'])}",
            key=key,
            change=ChangeKind.CHANGED,
            occurred_at=unix_seconds(request.headers.get(TIMESTAMP)),
        )
    ]


WEBHOOKS = WebhookSpec(
    signature=Hmac(
        header="x-chatwoot-signature",
        document="https://developers.chatwoot.com (webhooks, verifying signatures)",
        encoding="hex",
        prefix="sha256=",
        signed=signed,
        timestamp=Timestamp(header=TIMESTAMP, form=Stamp.SECONDS),
    ),
    parse=parse,
)
