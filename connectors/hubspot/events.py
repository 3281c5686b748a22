"""HubSpot's deliveries: signature v3, and which events are hints for us."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from connectors.reading import Row, identifier, unix_milliseconds
from connectors.webhooks import Hmac, Stamp, Timestamp, WebhookSpec
from domain.ids import Kind, SourceKey
from domain.sources import ChangeKind, SourceEvent, WebhookRequest

CHANGES: Mapping[str, ChangeKind] = {
    "creation": ChangeKind.CHANGED,
    "propertyChange": ChangeKind.CHANGED,
    "restore": ChangeKind.CHANGED,
    "deletion": ChangeKind.DELETED,
    "privacyDeletion": ChangeKind.REDACTED,
    "merge": ChangeKind.MERGED,
}
CONTACT_TYPE = "0-1"
TIMESTAMP = "x-hubspot-request-timestamp"

# The signed address has these written out (Validating requests, v3: table of encoded characters).
_WRITTEN_OUT = {f"%{ord(character):02X}": character for character in ":/?@!$'()*,;"}


def signed(request: WebhookRequest) -> bytes:
    """Method, address, raw body and timestamp, joined."""
    url = request.url
    for code, character in _WRITTEN_OUT.items():
        url = url.replace(code, character).replace(code.lower(), character)
    stamp = request.headers.get(TIMESTAMP, "")
    return f"{request.method}{url}".encode() + request.body + stamp.encode()


def parse(data: Any, _request: WebhookRequest, source: str) -> Sequence[SourceEvent]:
    """An array of small events, at least once and unordered. Contacts only."""
    return [event for row in data for event in _events(row, source)]


def _events(row: Row, source: str) -> list[SourceEvent]:
    """`contact.creation`, or `object.creation` of the contact type. A merge makes a new contact:
    both old ones are merged into it.
    """
    subject, _, name = str(row["subscriptionType"]).partition(".")
    is_contact = subject == "contact" or (
        subject == "object" and row.get("objectTypeId") == CONTACT_TYPE
    )
    change = CHANGES.get(name)
    if not is_contact or change is None:
        return []
    if change is not ChangeKind.MERGED:
        return [_event(row, source, change, identifier(row["objectId"]))]
    gone = [identifier(i) for i in (*row["mergedObjectIds"], row["primaryObjectId"])]
    into = identifier(row.get("newObjectId") or row["primaryObjectId"])
    return [_event(row, source, change, i, into) for i in dict.fromkeys(gone) if i != into]


def _event(
    row: Row, source: str, change: ChangeKind, external_id: str, into: str | None = None
) -> SourceEvent:
    """`eventId` alone "is not guaranteed to be unique" (Webhooks guide), and a redelivery differs
    in its attempt number.
    """
    parts = (row["eventId"], row["subscriptionType"], row.get("propertyName", ""), external_id)
    return SourceEvent(
        event_id=":".join(str(part) for part in (*parts, row.get("occurredAt", ""))),
        key=SourceKey(source, Kind.CONTACT, external_id),
        change=change,
        occurred_at=unix_milliseconds(row.get("occurredAt")),
        into=into,
    )


WEBHOOKS = WebhookSpec(
    signature=Hmac(
        header="x-hubspot-signature-v3",
        document="https://developers.hubspot.com/docs/apps/developer-platform/build-apps/"
        "authentication/request-validation",
        signed=signed,
        timestamp=Timestamp(
            header=TIMESTAMP, form=Stamp.MILLISECONDS, max_age=timedelta(minutes=5)
        ),
    ),
    parse=parse,
)
