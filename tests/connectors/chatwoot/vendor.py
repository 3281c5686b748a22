"""Chatwoot in memory, as far as the contract suite asks it: one by one, filters of contacts, lists
by last activity, deliveries. Rows are those of the fixtures with other numbers in them.
"""

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

SECRETS = {"token": "planted-chatwoot-token", "webhook_secret": "planted-chatwoot-secret"}
OPTIONS = {"account_id": "3"}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "chatwoot"
DELIVERY = (FIXTURES / "webhook_message_created.json").read_bytes()
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
CONTACTS, CONVERSATIONS, MESSAGES = 15, 25, 20
UNREADABLE_EXAMPLES = {
    "get_many CONVERSATION": "its example is made of types: every number is 0, and 0 is no time",
}

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [contact(number) for number in range(101, 101 + count)],
        Kind.CONVERSATION: [conversation(number) for number in range(5001, 5001 + count)],
        Kind.MESSAGE: [message(number) for number in range(70001, 70001 + count)],
    }


def contact(number: int) -> Row:
    row: Row = copy.deepcopy(recorded("contacts")["payload"][0])
    own = {"email": f"person{number}@example.com", "phone_number": f"+44113496{number:04}"}
    row |= {"id": number, "identifier": f"AC-{number}", **own}
    touch(row, BEGAN + timedelta(seconds=number % 60))
    return row


def conversation(number: int) -> Row:
    """Three people write in turn, and two conversations begin in the same second."""
    row: Row = copy.deepcopy(recorded("conversation"))
    person = contact(101 + number % 3)
    row |= {"id": number, "meta": {**row["meta"], "sender": person}}
    row["created_at"] = stamp(BEGAN + timedelta(minutes=number // 2))
    touch(row, BEGAN + timedelta(days=1, seconds=number % 60))
    return row


def message(number: int) -> Row:
    row: Row = copy.deepcopy(recorded("messages")["payload"][0])
    row |= {"id": number, "conversation_id": 5001 + number % 2}
    row["created_at"] = stamp(BEGAN + timedelta(minutes=number // 4))
    return row


def stamp(at: datetime) -> int:
    return int(at.timestamp())


def touch(row: Row, at: datetime) -> None:
    row["last_activity_at"] = stamp(at)


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["created_at"] = "the day before"


def external_id(kind: Kind, row: Row) -> str:
    return f"{row['conversation_id']}/{row['id']}" if kind is Kind.MESSAGE else str(row["id"])


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first."""
    found: dict[Parent, list[str]] = {}
    ranked = sorted(rows[kind], key=lambda r: (r["created_at"], external_id(kind, r)), reverse=True)
    for row in ranked:
        for parent in owners(kind, row):
            found.setdefault(parent, []).append(external_id(kind, row))
    return found


def owners(kind: Kind, row: Row) -> list[Parent]:
    if kind is Kind.MESSAGE:
        return [Parent(ParentBy.OWN, str(row["conversation_id"]))]
    person = row["meta"]["sender"]
    return [
        Parent(ParentBy.OWN, str(person["id"])),
        Parent(ParentBy.EMAIL, person["email"]),
        Parent(ParentBy.PHONE, person["phone_number"]),
    ]


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    return [
        (LookupKey(KeyKind.EMAIL, row["email"].upper()), {str(row["id"])}),
        (LookupKey(KeyKind.PHONE, row["phone_number"]), {str(row["id"])}),
        (LookupKey(KeyKind.ACCOUNT_NUMBER, row["identifier"]), {str(row["id"])}),
        (LookupKey(KeyKind.EMAIL, "nobody@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    if request.headers["api_access_token"] != SECRETS["token"]:
        return httpx.Response(401, json={"errors": ["Invalid access token"]})
    path, query = request.url.path.removeprefix("/api/v1/accounts/3"), request.url.params
    if path == "/contacts/filter":
        return filtered(rows, json.loads(request.content)["payload"])
    if path == "/contacts":
        return contacts(active(rows[Kind.CONTACT], query, CONTACTS))
    if path == "/conversations":
        assert (query["status"], query["assignee_type"]) == ("all", "all")
        shown = active(rows[Kind.CONVERSATION], query, CONVERSATIONS)
        return httpx.Response(200, json={"data": {"meta": {}, "payload": shown}})
    if below := re.fullmatch(r"/(contacts|conversations)/(\d+)/(conversations|messages)", path):
        return listed(rows, below[3], int(below[2]), query)
    return single(rows, re.fullmatch(r"/(contacts|conversations)/(\d+)", path))


def single(rows: Rows, asked: Any) -> httpx.Response:
    kind = Kind.CONTACT if asked[1] == "contacts" else Kind.CONVERSATION
    found = [row for row in rows[kind] if row["id"] == int(asked[2])]
    if not found:
        return httpx.Response(404, json={"error": "Resource could not be found"})
    return httpx.Response(200, json={"payload": found[0]} if kind is Kind.CONTACT else found[0])


def filtered(rows: Rows, conditions: list[Row]) -> httpx.Response:
    """Only the first value of a condition counts; a plus sign is put before a number."""
    wanted: set[tuple[str, str]] = set()
    for place, one in enumerate(conditions, 1):
        assert one["filter_operator"] == "equal_to"
        assert ("query_operator" in one) == (place < len(conditions))
        (value,) = one["values"]
        name = one["attribute_key"]
        wanted.add((name, f"+{value}" if name == "phone_number" else value.lower()))
    found = [
        row
        for row in rows[Kind.CONTACT]
        if any(str(row[name]).lower() == value for name, value in wanted)
    ]
    return contacts(found[:CONTACTS])


def contacts(found: list[Row]) -> httpx.Response:
    return httpx.Response(200, json={"meta": {"count": len(found)}, "payload": found})


def active(rows: list[Row], query: httpx.QueryParams, size: int) -> list[Row]:
    assert query.get("sort", "-last_activity_at") == "-last_activity_at"
    ranked = sorted(rows, key=lambda row: row["last_activity_at"], reverse=True)
    page = int(query["page"])
    return ranked[(page - 1) * size : page * size]


def listed(rows: Rows, what: str, number: int, query: httpx.QueryParams) -> httpx.Response:
    if what == "conversations":
        own = [r for r in rows[Kind.CONVERSATION] if r["meta"]["sender"]["id"] == number]
        own.sort(key=lambda row: row["last_activity_at"], reverse=True)
        return httpx.Response(200, json={"payload": own[:20]})
    before = int(query.get("before", 10**9))
    said = [r for r in rows[Kind.MESSAGE] if r["conversation_id"] == number and r["id"] < before]
    return httpx.Response(200, json={"meta": {}, "payload": said[-MESSAGES:]})


def rate_limited(wait_s: int) -> httpx.Response:
    return httpx.Response(429, text="Retry later\n", headers={"retry-after": str(wait_s)})


def delivery(at: datetime, secret: str, body: bytes = DELIVERY) -> WebhookRequest:
    """A delivery signed by the vendor at that time."""
    signed_at = str(stamp(at))
    signature = hmac.new(secret.encode(), f"{signed_at}.".encode() + body, hashlib.sha256)
    headers = {
        "x-chatwoot-signature": f"sha256={signature.hexdigest()}",
        "x-chatwoot-timestamp": signed_at,
        "x-chatwoot-delivery": "6e1c2a0e-6d2e-4a53-b1f3-2f9cdd3b0a10",
    }
    url = "https://hooks.example.com/webhooks/here"
    return WebhookRequest(method="POST", url=url, headers=headers, body=body, received_at=at)
