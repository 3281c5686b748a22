"""HubSpot's webhooks: arrays of small events about contacts, signature v3.

Source: the Webhooks guide (event forms, subscription types) and "Validating requests" (v3: method,
address, body and time).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sandbox.hooks import Change, Notice, sha256_base64
from sandbox.rows import CrmContact
from sandbox.vendor import Json
from sandbox.wire import epoch_milliseconds

_TYPES = {
    "created": "contact.creation",
    "updated": "contact.propertyChange",
    "deleted": "contact.deletion",
    "erased": "contact.privacyDeletion",
}


class HubSpotHooks:
    """A merge makes a third contact, and is told once: of the two it took nothing more is said."""

    def __init__(self) -> None:
        self._absorbed: set[str] = set()

    def notices(self, change: Change) -> Sequence[Notice]:
        row = change.row
        if not isinstance(row, CrmContact) or row.id in self._absorbed:
            return ()
        if change.happening == "created" and row.merged_ids:
            self._absorbed.update(row.merged_ids)
            return [self._notice(change, "contact.merge", self._merged(row))]
        more: dict[str, Json] = {"objectId": int(row.id)}
        if change.happening == "updated":
            more |= {"propertyName": "lastname", "propertyValue": row.lastname or ""}
        return [self._notice(change, _TYPES[change.happening], more)]

    def signed(self, notice: Notice, url: str, secret: str, at: datetime) -> Mapping[str, str]:
        stamp = str(epoch_milliseconds(at))
        covered = f"POST{url}".encode() + notice.body + stamp.encode()
        return {
            **notice.headers,
            "content-type": "application/json",
            "x-hubspot-request-timestamp": stamp,
            "x-hubspot-signature-v3": sha256_base64(secret, covered),
        }

    def _merged(self, row: CrmContact) -> dict[str, Json]:
        primary, *others = (int(one) for one in row.merged_ids)
        return {
            "objectId": primary,
            "primaryObjectId": primary,
            "mergedObjectIds": others,
            "newObjectId": int(row.id),
            "numberOfPropertiesMoved": 1,
        }

    def _notice(self, change: Change, kind: str, more: Mapping[str, Json]) -> Notice:
        event = {
            "eventId": change.number,
            "subscriptionId": 1,
            "portalId": 62515,
            "appId": 54321,
            "occurredAt": epoch_milliseconds(change.at),
            "subscriptionType": kind,
            "attemptNumber": 0,
            "changeSource": "CRM",
            **more,
        }
        return Notice(body=json.dumps([event]).encode())
