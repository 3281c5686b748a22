"""Shopify's webhooks: one resource each, the topic in a header.

Source: shopify.dev/docs/apps/build/webhooks (headers, privacy topics, HMAC over the body).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sandbox.hooks import Change, Notice, sha256_base64
from sandbox.vendor import Json
from sandbox.wire import iso_milliseconds

_RESOURCES = {"contact": ("customers", "Customer"), "order": ("orders", "Order")}
_HAPPENINGS = {"created": "create", "updated": "update", "deleted": "delete"}
_ORDER_HAPPENINGS = {**_HAPPENINGS, "updated": "updated"}


class ShopifyHooks:
    """Who is erased is told by the privacy topic, orders and all."""

    def notices(self, change: Change) -> Sequence[Notice]:
        if change.kind not in _RESOURCES:
            return ()
        resource, name = _RESOURCES[change.kind]
        number = int(change.row.id)
        body: dict[str, Json] = {"id": number}
        if change.happening == "erased":
            topic = "customers/redact"
            body = {"shop_id": 1, "customer": {"id": number}, "orders_to_redact": []}
        else:
            words = _ORDER_HAPPENINGS if change.kind == "order" else _HAPPENINGS
            topic = f"{resource}/{words[change.happening]}"
            body["admin_graphql_api_id"] = f"gid://shopify/{name}/{number}"
        headers = {
            "x-shopify-topic": topic,
            "x-shopify-webhook-id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"shop-{change.number}")),
            "x-shopify-triggered-at": iso_milliseconds(change.at),
            "x-shopify-shop-domain": "sandbox.myshopify.com",
        }
        return [Notice(body=json.dumps(body).encode(), headers=headers)]

    def signed(self, notice: Notice, url: str, secret: str, at: datetime) -> Mapping[str, str]:
        return {
            **notice.headers,
            "content-type": "application/json",
            "x-shopify-hmac-sha256": sha256_base64(secret, notice.body),
        }
