"""Intercom in memory, as far as the contract suite asks it: searches, one conversation, deliveries.
Rows are the recorded ones with other numbers in them.
"""

import copy
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy, WebhookRequest

SECRETS = {"token": "planted-intercom-token", "webhook_secret": "planted-intercom-secret"}
OPTIONS: dict[str, str] = {}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "intercom"
DELIVERY = (FIXTURES / "webhook_conversation_user_replied.json").read_bytes()
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
DAY_S = 86_400
UNDECLARED = {
    "body.sort: field not in the description": "declared for contacts alone; conversations are "
    "sorted by the same object, and the description lacks it (Intercom-OpenAPI, issue 114)",
}

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [contact(number) for number in range(101, 101 + count)],
        Kind.CONVERSATION: [conversation(number) for number in range(5001, 5001 + count)],
        Kind.MESSAGE: [part(number) for number in range(70001, 70001 + count)],
    }


def contact_id(number: int) -> str:
    return f"{number:024x}"


def contact(number: int) -> Row:
    row: Row = copy.deepcopy(recorded("contacts")["data"][0])
    row |= {
        "id": contact_id(number),
        "external_id": f"AC-{number:06}",
        "email": f"person{number}@example.com",
        "phone": f"+44113496{number:04}",
        "merge_history": [],
    }
    touch(row, BEGAN + timedelta(seconds=number % 60))
    return row


def conversation(number: int) -> Row:
    """Three people write in turn, and two conversations begin in the same second."""
    row: Row = copy.deepcopy(recorded("conversations")["conversations"][0])
    row["id"] = str(number)
    row["contacts"]["contacts"][0]["id"] = contact_id(101 + number % 3)
    row["created_at"] = seconds(BEGAN + timedelta(minutes=number // 2))
    touch(row, BEGAN + timedelta(days=1, seconds=number % 60))
    return row


def part(number: int) -> Row:
    """Parts of two conversations; the first one of each is its opening message."""
    row: Row = copy.deepcopy(
        recorded("conversation")["conversation_parts"]["conversation_parts"][2]
    )
    row |= {"id": str(number), "conversation_id": str(5001 + number % 2), "part_type": "comment"}
    row["created_at"] = row["updated_at"] = seconds(BEGAN + timedelta(minutes=number // 4))
    return row


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def touch(row: Row, at: datetime) -> None:
    """The vendor changed the row at that time."""
    row["updated_at"] = seconds(at)


def external_id(kind: Kind, row: Row) -> str:
    return f"{row['conversation_id']}/{row['id']}" if kind is Kind.MESSAGE else str(row["id"])


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first, by every key a parent can be known by."""
    listed: dict[Parent, list[str]] = {}
    for row in newest_first(rows[kind]):
        owners = [Parent(ParentBy.OWN, str(row.get("conversation_id")))]
        if kind is Kind.CONVERSATION:
            owner = row["contacts"]["contacts"][0]["id"]
            (person,) = (one for one in rows[Kind.CONTACT] if one["id"] == owner)
            by_email = Parent(ParentBy.EMAIL, person["email"])
            owners = [
                Parent(ParentBy.OWN, owner),
                by_email,
                Parent(ParentBy.PHONE, person["phone"]),
            ]
        for parent in owners:
            listed.setdefault(parent, []).append(external_id(kind, row))
    return listed


def newest_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]), reverse=True)


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    found = {row["id"]}
    return [
        (LookupKey(KeyKind.EMAIL, row["email"].upper()), found),
        (LookupKey(KeyKind.PHONE, row["phone"]), found),
        (LookupKey(KeyKind.PHONE, f"0{row['phone'][3:]}"), found),
        (LookupKey(KeyKind.ACCOUNT_NUMBER, row["external_id"]), found),
        (LookupKey(KeyKind.EMAIL, "nobody@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    if request.headers["authorization"] != f"Bearer {SECRETS['token']}":
        return refused(401)
    assert request.headers["intercom-version"] == "2.16"
    if request.url.path == "/contacts/search":
        assert request.url.params["include_merge_history"] == "true"
        return found(rows[Kind.CONTACT], json.loads(request.content), "data", whole_days=True)
    if request.url.path == "/conversations/search":
        body = json.loads(request.content)
        return found(rows[Kind.CONVERSATION], body, "conversations", whole_days=False)
    assert request.url.params["display_as"] == "plaintext"
    wanted = request.url.path.removeprefix("/conversations/")
    return thread([row for row in rows[Kind.MESSAGE] if row["conversation_id"] == wanted])


def found(rows: list[Row], body: Row, name: str, *, whole_days: bool) -> httpx.Response:
    start, size = int(body["pagination"].get("starting_after", 0)), body["pagination"]["per_page"]
    assert 1 <= size <= 150
    passes = judged(body["query"], whole_days=whole_days, depth=1)
    sort = body.get("sort", {"field": "created_at", "order": "descending"})
    hits = sorted(
        (row for row in rows if passes(row)),
        key=lambda row: (row[sort["field"]], row["id"]),
        reverse=sort["order"] == "descending",
    )
    end = start + size
    pages = {"next": {"per_page": size, "starting_after": str(end)}} if end < len(hits) else {}
    return httpx.Response(200, json={name: hits[start:end], "pages": pages})


def judged(query: Row, *, whole_days: bool, depth: int) -> Callable[[Row], bool]:
    if "field" in query:
        return lambda row: compares(query, values(row, query["field"]), whole_days=whole_days)
    parts = query["value"]
    assert depth <= 2
    assert 1 <= len(parts) <= 15
    tests = [judged(one, whole_days=whole_days, depth=depth + 1) for one in parts]
    every = all if query["operator"] == "AND" else any
    return lambda row: every(test(row) for test in tests)


def values(row: Row, field: str) -> list[Any]:
    if field == "contact_ids":
        return [one["id"] for one in row["contacts"]["contacts"]]
    return [row[field]]


def compares(query: Row, has: list[Any], *, whole_days: bool) -> bool:
    """Contacts match times by the day, conversations by the second and with the value itself."""
    asked = query["value"]
    if query["operator"] == "IN":
        assert len(asked) <= 15
        return not set(map(lowered, asked)).isdisjoint(map(lowered, has))
    if query["operator"] == "=":
        return lowered(asked) in map(lowered, has)
    if query["operator"] == "$":
        return any(str(one).endswith(asked) for one in has)
    if query["operator"] == "<":
        return has[0] <= asked and not whole_days
    return bool(has[0] // DAY_S > asked // DAY_S) if whole_days else bool(has[0] >= asked)


def lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def thread(rows: list[Row]) -> httpx.Response:
    if not rows:
        return refused(404)
    opening, *parts = sorted(rows, key=lambda row: (row["created_at"], row["id"]))
    data = recorded("conversation")
    data["created_at"] = opening["created_at"]
    data["source"] |= {"id": opening["id"], "body": opening["body"], "author": opening["author"]}
    data["conversation_parts"]["conversation_parts"] = parts
    return httpx.Response(200, json=data)


def refused(status: int) -> httpx.Response:
    return httpx.Response(status, json={"type": "error.list", "errors": []})


def rate_limited(wait_s: int) -> httpx.Response:
    """The vendor sends no Retry-After: when the next window begins, beside its own time."""
    headers = {"date": "Mon, 02 Mar 2026 09:00:00 GMT"}
    now = seconds(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    headers["x-ratelimit-reset"] = str(now + wait_s)
    return httpx.Response(429, json={"type": "error.list"}, headers=headers)


def delivery(_at: datetime, secret: str, body: bytes = DELIVERY) -> WebhookRequest:
    """A signed delivery; the vendor signs no time."""
    signature = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    headers = {"x-hub-signature": f"sha1={signature}"}
    url = "https://hooks.example.com/webhooks/here"
    return WebhookRequest(method="POST", url=url, headers=headers, body=body, received_at=_at)


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["created_at"] = "the day before"
