"""The shop of connectors/graphql/example.toml in memory: its operations, by their names."""

import base64
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy, WebhookRequest

SECRETS = {"token": "planted-graphql-token", "webhook_secret": "planted-graphql-webhook-secret"}
OPTIONS: dict[str, Any] = {}
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
DELIVERY = b'{"node":{"id":"101","updatedAt":"2026-03-02T08:59:58Z"}}'

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [customer(number) for number in range(101, 101 + count)],
        Kind.ORDER: [order(number) for number in range(5001, 5001 + count)],
    }


def customer(number: int) -> Row:
    return {
        "id": str(number),
        "name": f"Ann Person{number}",
        "email": f"person{number}@example.com",
        "phone": f"+44113496{number:04}",
        "createdAt": iso(BEGAN),
        "updatedAt": iso(BEGAN + timedelta(seconds=number % 60)),
    }


def order(number: int) -> Row:
    return {
        "id": str(number),
        "code": f"O{number}",
        "state": "Shipped",
        "placedAt": iso(BEGAN + timedelta(minutes=number // 2)),
        "totalWithTax": 1250,
        "currencyCode": "EUR",
        "customer": {"id": str(101 + number % 3)},
        "lines": [{"sku": "A-1", "name": "Shoes", "quantity": 1, "price": "12.50"}],
    }


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def touch(row: Row, at: datetime) -> None:
    row["updatedAt"] = iso(at)


def spoil(row: Row) -> None:
    row["updatedAt"] = "the day before"


def external_id(_kind: Kind, row: Row) -> str:
    return str(row["id"])


def newest(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["placedAt"], row["id"]), reverse=True)


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    found: dict[Parent, list[str]] = {}
    for row in newest(rows[kind]):
        number = row["customer"]["id"]
        for parent in (
            Parent(ParentBy.OWN, number),
            Parent(ParentBy.EMAIL, f"Person{number}@example.com"),
        ):
            found.setdefault(parent, []).append(row["id"])
    return found


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    return [
        (LookupKey(KeyKind.EMAIL, row["email"].upper()), {row["id"]}),
        (LookupKey(KeyKind.EMAIL, "nobody@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    assert str(request.url) == "https://shop.example/graphql"
    if request.headers["x-shop-key"] != SECRETS["token"]:
        return httpx.Response(200, json=error("UNAUTHENTICATED"))
    asked = json.loads(request.content)
    match = re.match(r"\s*query (\w+)", asked["query"])
    assert match
    given = asked["variables"]
    people, orders = rows[Kind.CONTACT], rows[Kind.ORDER]
    data: dict[str, Any] = {}
    match match[1]:
        case "ContactsById":
            data["customers"] = by_id(people, given["ids"])
        case "OrdersById":
            data["orders"] = by_id(orders, given["ids"])
        case "ContactsByEmail":
            data["search"] = [r for r in people if r["email"] == given["email"].lower()]
        case "ContactsChanged":
            since = given.get("since", "")
            found = [row for row in people if row["updatedAt"] >= since]
            found.sort(key=lambda row: (row["updatedAt"], row["id"]))
            data["changes"] = connection(found, given)
        case "OrdersOf":
            kept = [row for row in orders if row["customer"]["id"] in given["ids"]]
            kept = [row for row in kept if row["placedAt"] <= given.get("until", "9")]
            data["ordersOf"] = connection(newest(kept), given)
    assert data, match[1]
    return httpx.Response(200, json={"data": data})


def by_id(rows: list[Row], ids: list[str]) -> list[Row | None]:
    """One entry for each id, null for those that are unknown."""
    assert len(ids) <= 50
    held = {row["id"]: row for row in rows}
    return [held.get(one) for one in ids]


def connection(rows: list[Row], given: dict[str, Any]) -> dict[str, Any]:
    start, first = int(given.get("after") or 0), min(100, given["first"])
    more = start + first < len(rows)
    return {
        "nodes": rows[start : start + first],
        "pageInfo": {"hasNextPage": more, "endCursor": str(start + first)},
    }


def error(code: str) -> dict[str, Any]:
    return {"data": None, "errors": [{"message": "no", "extensions": {"code": code}}]}


def rate_limited(wait_s: int) -> httpx.Response:
    return httpx.Response(429, json=error("THROTTLED"), headers={"retry-after": str(wait_s)})


def delivery(at: datetime, secret: str, body: bytes = DELIVERY) -> WebhookRequest:
    """A delivery as the shop signs it; no time is signed."""
    signature = base64.b64encode(hmac.digest(secret.encode(), body, "sha512"))
    headers = {
        "x-shop-hmac": signature.decode(),
        "x-shop-delivery": "5d3d3f1c",
        "x-shop-topic": "CUSTOMER_UPDATED",
    }
    url = "https://hooks.example.com/webhooks/here"
    return WebhookRequest(method="POST", url=url, headers=headers, body=body, received_at=at)
