"""Shopify in memory, as far as the contract suite asks it: nodes, customers, orders, deliveries.
Rows are the recorded ones with other numbers in them.
"""

import base64
import copy
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy, WebhookRequest

SECRETS = {"token": "planted-shopify-token", "webhook_secret": "planted-shopify-secret"}
OPTIONS = {"shop": "here"}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "shopify"
DELIVERY = (FIXTURES / "webhook_customers_update.json").read_bytes()
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def recorded(name: str) -> Row:
    data = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    row: Row = data["data"][name]["nodes"][0]
    return row


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [customer(number) for number in range(101, 101 + count)],
        Kind.ORDER: [order(number) for number in range(5001, 5001 + count)],
    }


def customer(number: int) -> Row:
    row = copy.deepcopy(recorded("customers"))
    row["legacyResourceId"] = str(number)
    row["defaultEmailAddress"]["emailAddress"] = f"person{number}@example.com"
    row["defaultPhoneNumber"]["phoneNumber"] = f"+44113496{number:04}"
    touch(row, BEGAN + timedelta(seconds=number % 60))
    return row


def order(number: int) -> Row:
    """Three people buy in turn, and two orders are placed in the same second."""
    row = copy.deepcopy(recorded("orders"))
    buyer = 101 + number % 3
    row |= {"legacyResourceId": str(number), "name": f"#{number}"}
    row |= {"customer": {"legacyResourceId": str(buyer)}, "email": f"person{buyer}@example.com"}
    row["createdAt"] = stamp(BEGAN + timedelta(minutes=number // 2))
    touch(row, BEGAN + timedelta(days=1, seconds=number % 60))
    return row


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def touch(row: Row, at: datetime) -> None:
    """The vendor changed the row at that time."""
    row["updatedAt"] = stamp(at)


def external_id(_kind: Kind, row: Row) -> str:
    return str(row["legacyResourceId"])


def parents(rows: Rows, _kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first, by every key a parent can be known by."""
    listed: dict[Parent, list[str]] = {}
    for row in newest_first(rows[Kind.ORDER]):
        buyer = row["customer"]["legacyResourceId"]
        (person,) = (one for one in rows[Kind.CONTACT] if one["legacyResourceId"] == buyer)
        phone = person["defaultPhoneNumber"]["phoneNumber"]
        for by, value in (
            (ParentBy.OWN, buyer),
            (ParentBy.EMAIL, row["email"]),
            (ParentBy.PHONE, phone),
        ):
            listed.setdefault(Parent(by, value), []).append(row["legacyResourceId"])
    return listed


def newest_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["createdAt"], row["legacyResourceId"]), reverse=True)


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    found = {row["legacyResourceId"]}
    sold = rows[Kind.ORDER][0]
    return [
        (LookupKey(KeyKind.EMAIL, row["defaultEmailAddress"]["emailAddress"].upper()), found),
        (LookupKey(KeyKind.PHONE, row["defaultPhoneNumber"]["phoneNumber"]), found),
        (LookupKey(KeyKind.ORDER_NUMBER, sold["name"]), {sold["customer"]["legacyResourceId"]}),
        (LookupKey(KeyKind.EMAIL, "nobody@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    if request.headers["x-shopify-access-token"] != SECRETS["token"]:
        return httpx.Response(401, json={"errors": "Invalid API key or access token"})
    assert request.url.path == "/admin/api/2026-07/graphql.json"
    asked = json.loads(request.content)
    document, variables = asked["query"], asked["variables"]
    if "nodes(ids:" in document:
        return nodes(rows, document, variables["ids"])
    if "query Buyer" in document:
        return buyers(rows, variables["query"])
    if " customers(" in document:
        hits = [row for row in rows[Kind.CONTACT] if is_found(customer_values(row), variables)]
        hits.sort(key=lambda row: (row["updatedAt"], row["legacyResourceId"]))
        return listed("customers", hits, variables)
    hits = [row for row in rows[Kind.ORDER] if is_found(order_values(row), variables)]
    return listed("orders", [shown(row, document) for row in newest_first(hits)], variables)


def nodes(rows: Rows, document: str, ids: list[str]) -> httpx.Response:
    """In the order asked, null for what is not there."""
    assert 1 <= len(ids) <= 250
    by_id = {
        f"gid://shopify/{name}/{row['legacyResourceId']}": shown(row, document)
        for name, kind in (("Customer", Kind.CONTACT), ("Order", Kind.ORDER))
        for row in rows[kind]
    }
    return httpx.Response(200, json={"data": {"nodes": [by_id.get(one) for one in ids]}})


def shown(row: Row, document: str) -> Row:
    """Only what the document selects, to the first level."""
    return {name: value for name, value in row.items() if re.search(rf"\b{name}\b", document)}


def buyers(rows: Rows, query: str) -> httpx.Response:
    people = {row["legacyResourceId"]: row for row in rows[Kind.CONTACT]}
    found = [
        {"name": row["name"], "customer": people[row["customer"]["legacyResourceId"]]}
        for row in rows[Kind.ORDER]
        if is_found(order_values(row), {"query": query})
    ]
    return httpx.Response(200, json={"data": {"orders": {"nodes": found}}})


def customer_values(row: Row) -> Row:
    return {
        "email": row["defaultEmailAddress"]["emailAddress"].lower(),
        "phone": row["defaultPhoneNumber"]["phoneNumber"],
        "updated_at": row["updatedAt"],
    }


def order_values(row: Row) -> Row:
    return {
        "customer_id": row["customer"]["legacyResourceId"],
        "email": row["email"].lower(),
        "name": row["name"].lower(),
        "created_at": row["createdAt"],
    }


def is_found(values: Row, variables: Row) -> bool:
    """Any of the equalities, and every bound in time."""
    query = variables.get("query") or ""
    equal = re.findall(r'(\w+):"([^"]*)"', query) + re.findall(r"(customer_id):(\d+)", query)
    bounds = re.findall(r"(\w+):(<=|>=)'([^']*)'", query)
    assert equal or bounds or not query
    fits = any(values[name] == asked.lower() for name, asked in equal)
    within = all(
        values[name] <= at if sign == "<=" else values[name] >= at for name, sign, at in bounds
    )
    return within and (fits or not equal)


def listed(name: str, rows: list[Row], variables: Row) -> httpx.Response:
    start, first = int(variables.get("after") or 0), variables["first"]
    assert 1 <= first <= 250
    end = min(start + first, len(rows))
    info = {"hasNextPage": end < len(rows), "endCursor": str(end)}
    return httpx.Response(200, json={"data": {name: {"nodes": rows[start:end], "pageInfo": info}}})


def rate_limited(wait_s: int) -> httpx.Response:
    """HTTP 200: the bucket lacks what is restored in that time."""
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": 0, "restoreRate": 100.0}
    cost = {"requestedQueryCost": 100 * wait_s, "actualQueryCost": None, "throttleStatus": status}
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    return httpx.Response(200, json={"errors": [error], "extensions": {"cost": cost}})


def delivery(at: datetime, secret: str, body: bytes = DELIVERY) -> WebhookRequest:
    """A signed delivery; the vendor signs no time."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    headers = {
        "x-shopify-hmac-sha256": base64.b64encode(signature).decode(),
        "x-shopify-topic": "customers/update",
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "x-shopify-shop-domain": "here.myshopify.com",
        "x-shopify-triggered-at": "2026-03-02T08:59:59Z",
    }
    url = "https://hooks.example.com/webhooks/here"
    return WebhookRequest(method="POST", url=url, headers=headers, body=body, received_at=at)


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["createdAt"] = "the day before"
