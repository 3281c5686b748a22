"""Zendesk in memory, as far as the contract suite asks it: many at once, searches, exports,
comments, deliveries. Rows are the recorded ones with other numbers in them.
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

SECRETS = {"token": "planted-zendesk-token", "webhook_secret": "planted-zendesk-secret"}
OPTIONS = {"subdomain": "here", "email": "agent@support.example"}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "zendesk"
DELIVERY = (FIXTURES / "webhook_user_active_changed.json").read_bytes()
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
EXPORT_PAGE = 100  # the vendor gives up to 1,000 and may give fewer
AGENT = {"id": 9001, "name": "Ada Lovegrove", "role": "agent", "email": "ada@support.example"}

_PAGING = "said in the text of the operation and in API reference, Pagination; not as a parameter"
UNDECLARED = {
    "query.include: query parameter not in the description": "Side-loading related records: "
    "users beside tickets, identities beside users (Show Many Users, exports)",
    "query.page[size]: query parameter not in the description": _PAGING,
    "query.sort: query parameter not in the description": "said in the text of List Comments",
    "query.page: query parameter not in the description": _PAGING,
    "query.per_page: query parameter not in the description": _PAGING,
}

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def recorded(name: str, rows: str) -> Row:
    found: Row = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))[rows][0]
    return found


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [user(number) for number in range(101, 101 + count)],
        Kind.TICKET: [ticket(number) for number in range(5001, 5001 + count)],
        Kind.MESSAGE: [comment(number) for number in range(70001, 70001 + count)],
    }


def user(number: int) -> Row:
    row = copy.deepcopy(recorded("users", "users"))
    email, phone = f"person{number}@example.com", f"0113 496 {number:04}"
    row |= {"id": number, "email": email, "phone": phone, "external_id": f"AC-{number:06}"}
    row["identities"] = [
        identity(number, 1, "email", email),
        identity(number, 2, "email", f"p{number}@example.org"),
        identity(number, 3, "phone_number", phone),
    ]
    touch(row, BEGAN + timedelta(seconds=number % 60))
    return row


def identity(number: int, place: int, kind: str, value: str) -> Row:
    return {
        "id": number * 10 + place,
        "user_id": number,
        "type": kind,
        "value": value,
        "primary": place == 1,
        "verified": True,
    }


def ticket(number: int) -> Row:
    """Three people ask in turn, and two tickets begin in the same second."""
    row = copy.deepcopy(recorded("tickets", "tickets"))
    requester = 101 + number % 3
    row |= {"id": number, "requester_id": requester, "submitter_id": requester}
    row |= {"assignee_id": AGENT["id"], "assignee": AGENT}
    row["created_at"] = stamp(BEGAN + timedelta(minutes=number // 2))
    touch(row, BEGAN + timedelta(days=1, seconds=number % 60))
    return row


def comment(number: int) -> Row:
    row = copy.deepcopy(recorded("comments", "comments"))
    ticket_id = 5001 + number % 2
    author = {**AGENT, "role": "end-user", "id": 101, "name": "person101"}
    row |= {"id": number, "ticket_id": str(ticket_id), "author_id": 101, "author": author}
    row["created_at"] = stamp(BEGAN + timedelta(minutes=number // 4))
    return row


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def touch(row: Row, at: datetime) -> None:
    """The vendor changed the row at that time."""
    row["updated_at"] = stamp(at)


def external_id(kind: Kind, row: Row) -> str:
    return f"{row['ticket_id']}/{row['id']}" if kind is Kind.MESSAGE else str(row["id"])


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first."""
    name = {Kind.TICKET: "requester_id", Kind.MESSAGE: "ticket_id"}[kind]
    found: dict[Parent, list[str]] = {}
    for row in newest_first(rows[kind]):
        parent = Parent(ParentBy.OWN, str(row[name]))
        found.setdefault(parent, []).append(external_id(kind, row))
    return found


def newest_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]), reverse=True)


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    found = {str(row["id"])}
    return [
        (LookupKey(KeyKind.EMAIL, row["email"].upper()), found),
        (LookupKey(KeyKind.EMAIL, f"p{row['id']}@example.org"), found),
        (LookupKey(KeyKind.PHONE, f"+44{row['phone'].replace(' ', '')[1:]}"), found),
        (LookupKey(KeyKind.ACCOUNT_NUMBER, row["external_id"]), found),
        (LookupKey(KeyKind.EMAIL, "nobody@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    pair = f"{OPTIONS['email']}/token:{SECRETS['token']}"
    if request.headers["authorization"] != f"Basic {base64.b64encode(pair.encode()).decode()}":
        return refused(401)
    path, query = request.url.path.removeprefix("/api/v2"), request.url.params
    if path.startswith("/users/"):
        wanted = by_ids if path == "/users/show_many" else found
        return users(wanted(rows[Kind.CONTACT], query))
    if path == "/tickets/show_many":
        return tickets("tickets", by_ids(rows[Kind.TICKET], query), {})
    if path == "/search":
        return searched(rows[Kind.TICKET], query)
    if match := re.fullmatch(r"/incremental/(users|tickets)/cursor", path):
        kind = Kind.CONTACT if match[1] == "users" else Kind.TICKET
        return exported(match[1], rows[kind], query)
    ticket_id = re.fullmatch(r"/tickets/(\d+)/comments", path)[1]
    return comments([r for r in rows[Kind.MESSAGE] if r["ticket_id"] == ticket_id], query)


def by_ids(rows: list[Row], query: httpx.QueryParams) -> list[Row]:
    """In no order the caller knows."""
    wanted = query["ids"].split(",")
    assert 1 <= len(wanted) <= 100
    assert all(one.isdecimal() for one in wanted)
    return [row for row in reversed(rows) if str(row["id"]) in wanted]


def found(rows: list[Row], query: httpx.QueryParams) -> list[Row]:
    return [row for row in rows if is_found(row, query)]


def is_found(row: Row, query: httpx.QueryParams) -> bool:
    if "external_id" in query:
        return bool(row["external_id"] == query["external_id"])
    text, values = query["query"], [one["value"].lower() for one in row["identities"]]
    emails = re.findall(r'email:"([^"]*)"', text)
    endings = re.findall(r"phone:\*(\d+)", text)
    numbers = [value.replace(" ", "") for value in values]
    return any(email.lower() in values for email in emails) or any(
        number.endswith(ending) for number in numbers for ending in endings
    )


def users(rows: list[Row], **more: Any) -> httpx.Response:
    shown = [{name: value for name, value in r.items() if name != "identities"} for r in rows]
    held = [one for row in rows for one in row["identities"]]
    return httpx.Response(200, json={"users": shown, "identities": held, **more})


def tickets(name: str, rows: list[Row], more: Row) -> httpx.Response:
    shown = [{key: value for key, value in r.items() if key != "assignee"} for r in rows]
    return httpx.Response(200, json={name: shown, "users": [AGENT], **more})


def searched(rows: list[Row], query: httpx.QueryParams) -> httpx.Response:
    page, size = int(query["page"]), int(query["per_page"])
    if size > 100 or page * size > 1_000:
        return refused(422)
    text = query["query"]
    wanted = re.findall(r"requester:(\d+)", text)
    until = re.search(r"created<=(\S+)", text)
    hits = [
        row
        for row in newest_first(rows)
        if str(row["requester_id"]) in wanted and (not until or row["created_at"] <= until[1])
    ]
    following = f"https://here.zendesk.com/api/v2/search?page={page + 1}"
    more = {"count": len(hits), "next_page": following if page * size < len(hits) else None}
    return tickets("results", hits[(page - 1) * size : page * size], more)


def exported(name: str, rows: list[Row], query: httpx.QueryParams) -> httpx.Response:
    after = json.loads(query["cursor"]) if "cursor" in query else ["", 0]
    changed = sorted(
        (row for row in rows if [row["updated_at"], row["id"]] > after),
        key=lambda row: (row["updated_at"], row["id"]),
    )
    shown = changed[:EXPORT_PAGE]
    cursor = json.dumps([shown[-1]["updated_at"], shown[-1]["id"]] if shown else after)
    more = {"after_cursor": cursor, "end_of_stream": len(changed) <= EXPORT_PAGE}
    return users(shown, **more) if name == "users" else tickets("tickets", shown, more)


def comments(rows: list[Row], query: httpx.QueryParams) -> httpx.Response:
    if not rows:
        return refused(404)
    assert query["sort"] == "-created_at"
    start, size = int(query.get("page[after]", "0")), int(query["page[size]"])
    assert size <= 100
    listed = newest_first(rows)[start : start + size]
    shown = [{k: v for k, v in row.items() if k not in ("author", "ticket_id")} for row in listed]
    end = start + len(listed)
    meta = {"has_more": end < len(rows), "after_cursor": str(end)}
    authors = [row["author"] for row in listed]
    return httpx.Response(200, json={"comments": shown, "users": authors, "meta": meta})


def refused(status: int) -> httpx.Response:
    return httpx.Response(status, json={"error": "X", "description": "no"})


def rate_limited(wait_s: int) -> httpx.Response:
    return httpx.Response(429, json={"error": "X"}, headers={"retry-after": str(wait_s)})


def delivery(at: datetime, secret: str, body: bytes = DELIVERY) -> WebhookRequest:
    """A delivery signed by the vendor at that time."""
    signed_at = stamp(at)
    signature = hmac.new(secret.encode(), signed_at.encode() + body, hashlib.sha256).digest()
    headers = {
        "x-zendesk-webhook-signature": base64.b64encode(signature).decode(),
        "x-zendesk-webhook-signature-timestamp": signed_at,
    }
    url = "https://hooks.example.com/webhooks/here"
    return WebhookRequest(method="POST", url=url, headers=headers, body=body, received_at=at)


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["created_at"] = "the day before"
