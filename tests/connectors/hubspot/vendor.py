"""HubSpot in memory, as far as the contract suite asks it: batch reads, search, lists, deliveries.

Rows are the recorded contact with other numbers in it.
"""

import base64
import copy
import hashlib
import hmac
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import Parent, WebhookRequest

SECRETS = {"token": "planted-hubspot-token", "webhook_secret": "planted-hubspot-app-secret"}
OPTIONS = {
    "account_number_property": "account_number",
    "foreign_ids": {"erp": "erp_customer_id"},
}
CONTACTS = "/crm/v3/objects/contacts"
FIXTURES = Path(__file__).parents[2] / "fixtures" / "hubspot"
RECORDED = json.loads((FIXTURES / "contact.json").read_text(encoding="utf-8"))
DELIVERY = (FIXTURES / "delivery.json").read_bytes()

Rows = dict[Kind, list[dict[str, Any]]]


def seed(count: int) -> Rows:
    return {Kind.CONTACT: [contact(number) for number in range(101, 101 + count)]}


def contact(number: int) -> dict[str, Any]:
    row: dict[str, Any] = copy.deepcopy(RECORDED)
    row["id"] = str(number)
    row["properties"] |= {
        "hs_object_id": str(number),
        "email": f"person{number}@example.com",
        "hs_additional_emails": f"p{number}@example.org",
        "hs_merged_object_ids": None,
        "phone": f"0113 496 {number:04}",
        "mobilephone": None,
        "account_number": f"AC-{number:06}",
        "erp_customer_id": f"E-{number}",
    }
    touch(row, datetime.fromisoformat("2026-02-01T00:00:00.000Z").replace(second=number % 60))
    return row


def touch(row: dict[str, Any], at: datetime) -> None:
    """The vendor changed the row at that time."""
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    row["updatedAt"] = row["properties"]["lastmodifieddate"] = stamp


def external_id(_kind: Kind, row: dict[str, Any]) -> str:
    return str(row["id"])


def parents(_rows: Rows, _kind: Kind) -> dict[Parent, list[str]]:
    return {}


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    """Keys, with the ids of the contacts that carry them."""
    row = rows[Kind.CONTACT][3]
    values, found = row["properties"], {str(row["id"])}
    digits = values["phone"].replace(" ", "")[1:]
    return [
        (LookupKey(KeyKind.EMAIL, values["email"].upper()), found),
        (LookupKey(KeyKind.EMAIL, values["hs_additional_emails"]), found),
        (LookupKey(KeyKind.PHONE, f"+44{digits}"), found),
        (LookupKey(KeyKind.ACCOUNT_NUMBER, values["account_number"]), found),
        (LookupKey(KeyKind.EXTERNAL, values["erp_customer_id"], "erp"), found),
        (LookupKey(KeyKind.EMAIL, "nobody@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    if request.headers["authorization"] != f"Bearer {SECRETS['token']}":
        return refused(401)
    contacts = rows[Kind.CONTACT]
    if request.url.path == f"{CONTACTS}/batch/read":
        return batch(contacts, json.loads(request.content))
    if request.url.path == f"{CONTACTS}/search":
        return search(contacts, json.loads(request.content))
    if request.url.path == CONTACTS:
        return listed(contacts, request.url.params)
    return refused(404)


def batch(contacts: list[dict[str, Any]], body: dict[str, Any]) -> httpx.Response:
    """At most 100; in no order; holes make it a 207."""
    wanted = [entry["id"] for entry in body["inputs"]]
    if not 1 <= len(wanted) <= 100 or not all(i.isdecimal() for i in wanted):
        return refused(400)
    found = {row["id"]: row for row in contacts if row["id"] in wanted}
    missing = [i for i in wanted if i not in found]
    results = [shown(row, body["properties"]) for row in reversed(list(found.values()))]
    answer: dict[str, Any] = {"status": "COMPLETE", "results": results}
    if missing:
        error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": missing}}
        answer |= {"numErrors": 1, "errors": [{"status": "error", "message": "no", **error}]}
    return httpx.Response(207 if missing else 200, json=answer)


def search(contacts: list[dict[str, Any]], body: dict[str, Any]) -> httpx.Response:
    start, size = int(body.get("after", 0)), body["limit"]
    if size > 200 or start + size > 10_000:
        return refused(400)
    groups = [group["filters"] for group in body["filterGroups"]]
    hits = [r for r in contacts if any(all(passes(r, f) for f in group) for group in groups)]
    hits.sort(key=lambda row: row["properties"]["lastmodifieddate"])
    page = [shown(row, body["properties"]) for row in hits[start : start + size]]
    return paged({"total": len(hits), "results": page}, start + size, len(hits))


def passes(row: dict[str, Any], rule: dict[str, Any]) -> bool:
    values = row["properties"]
    name, wanted = rule["propertyName"], rule.get("value", "").lower()
    if name == "lastmodifieddate":
        at = datetime.fromisoformat(values[name])
        return round(at.timestamp() * 1000) >= int(wanted)
    if name.startswith("hs_searchable"):
        own = "phone" if "phone_number" in name else "mobilephone"
        return (values[own] or "").replace(" ", "").lstrip("0") in rule["values"]
    value = (values[name] or "").lower()
    return wanted in value.split(";") if rule["operator"] == "CONTAINS_TOKEN" else wanted == value


def listed(contacts: list[dict[str, Any]], query: httpx.QueryParams) -> httpx.Response:
    start, size = int(query.get("after", "0")), int(query["limit"])
    if size > 100:
        return refused(400)
    names = query["properties"].split(",")
    page = [shown(row, names) for row in contacts[start : start + size]]
    return paged({"results": page}, start + size, len(contacts))


def paged(body: dict[str, Any], end: int, total: int) -> httpx.Response:
    if end < total:
        body["paging"] = {"next": {"after": str(end)}}
    return httpx.Response(200, json=body)


def shown(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Only the properties asked for, as HubSpot does."""
    kept = {n: v for n, v in row["properties"].items() if n in names or n == "hs_object_id"}
    return {**row, "properties": kept}


def refused(status: int) -> httpx.Response:
    return httpx.Response(status, json={"status": "error", "category": "X", "message": "no"})


def rate_limited(wait_s: int) -> httpx.Response:
    body = {"status": "error", "policyName": "TEN_SECONDLY_ROLLING", "category": "RATE_LIMITS"}
    return httpx.Response(429, json=body, headers={"retry-after": str(wait_s)})


def delivery(at: datetime, secret: str, body: bytes = DELIVERY) -> WebhookRequest:
    """A delivery signed by the vendor at that time."""
    url, stamp = "https://hooks.example.com/webhooks/here", str(round(at.timestamp() * 1000))
    covered = f"POST{url}".encode() + body + stamp.encode()
    signature = hmac.new(secret.encode(), covered, hashlib.sha256).digest()
    headers = {
        "x-hubspot-signature-v3": base64.b64encode(signature).decode(),
        "x-hubspot-request-timestamp": stamp,
    }
    return WebhookRequest(method="POST", url=url, headers=headers, body=body, received_at=at)


def spoil(row: dict[str, Any]) -> None:
    """Make the row one that cannot be read."""
    row["updatedAt"] = "the day before"
