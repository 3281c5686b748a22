"""Shopify's webhooks.

Document: shopify.dev/docs/apps/build/webhooks (headers, HMAC verification, privacy topics); topics
are the enum WebhookSubscriptionTopic. No time is signed, so age cannot be judged; the webhook id
tells repeats apart.

The topic stands in a header the signature does not cover. A delivery replayed under another topic
must therefore do no more than cause a re-read: what erases is also known by its own body.
"""

from typing import Any

from connectors.reading import identifier, rfc3339
from connectors.webhooks import Hmac, WebhookSpec
from domain.ids import Kind, SourceKey
from domain.sources import ChangeKind, SourceEvent, WebhookRequest

_KINDS = {"customers": Kind.CONTACT, "orders": Kind.ORDER}
_ABOUT_AN_ORDER = {"fulfillments", "refunds"}
Change = tuple[Kind, str, ChangeKind, str | None]


def parse(body: Any, request: WebhookRequest, source: str) -> list[SourceEvent]:
    """The events of a delivery, each with an id of its own where there are several."""
    topic = request.headers.get("x-shopify-topic", "")
    webhook_id = identifier(request.headers.get("x-shopify-webhook-id"))
    changes = _changes(topic, body)
    return [
        SourceEvent(
            event_id=webhook_id if len(changes) == 1 else f"{webhook_id}/{number}",
            key=SourceKey(source, kind, external_id),
            change=change,
            occurred_at=rfc3339(request.headers.get("x-shopify-triggered-at")),
            into=into,
        )
        for number, (kind, external_id, change, into) in enumerate(changes)
    ]


def _changes(topic: str, body: Any) -> list[Change]:
    resource, _, happening = topic.partition("/")
    if topic == "customers/merge":
        return _merged(body)
    if topic == "customers/redact":
        return _redacted(body)
    if resource in _ABOUT_AN_ORDER:
        return [(Kind.ORDER, identifier(body["order_id"]), ChangeKind.CHANGED, None)]
    if topic == "orders/edited":
        edit = body["order_edit"]
        return [(Kind.ORDER, identifier(edit["order_id"]), ChangeKind.CHANGED, None)]
    if resource not in _KINDS or happening == "data_request":
        return []
    change = ChangeKind.DELETED if happening == "delete" else ChangeKind.CHANGED
    return [(_KINDS[resource], identifier(body["id"]), change, None)]


def _merged(body: Any) -> list[Change]:
    lost = _bare(body["admin_graphql_api_customer_deleted_id"])
    kept = _bare(body["admin_graphql_api_customer_kept_id"])
    return [(Kind.CONTACT, lost, ChangeKind.MERGED, kept)]


def _redacted(body: Any) -> list[Change]:
    """`orders_to_redact` is in no other body: an order's own would name a customer too."""
    orders = body["orders_to_redact"]
    customer = identifier(body["customer"]["id"])
    return [
        (Kind.CONTACT, customer, ChangeKind.REDACTED, None),
        *((Kind.ORDER, identifier(one), ChangeKind.REDACTED, None) for one in orders),
    ]


def _bare(global_id: str) -> str:
    return identifier(global_id.rpartition("/")[2])


WEBHOOKS = WebhookSpec(
    signature=Hmac(
        header="x-shopify-hmac-sha256",
        document="https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
    ),
    parse=parse,
)
