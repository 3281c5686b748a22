"""The ERP of connectors/rest/example.toml in memory, as far as the contract suite asks it."""

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy, WebhookRequest

SECRETS = {"token": "planted-rest-token", "webhook_secret": "planted-rest-webhook-secret"}
OPTIONS: dict[str, Any] = {}
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
PAGE = 100
DELIVERY = json.dumps(
    {
        "events": [
            {"id": "e1", "type": "customer.changed", "object": {"id": "k101"}},
            {"id": "e2", "type": "order.changed", "object": {"id": 5001}},
            {
                "id": "e3",
                "type": "customer.merged",
                "object": {"id": "k102", "merged_into": "k101"},
                "at": "2026-03-02T08:59:58Z",
            },
            {"id": "e4", "type": "customer.erased", "object": {"id": "k103"}},
            {"id": "e5", "type": "invoice.sent", "object": {"id": "i1"}},
        ]
    }
).encode()

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [customer(number) for number in range(101, 101 + count)],
        Kind.ORDER: [order(number) for number in range(5001, 5001 + count)],
        Kind.TICKET: [ticket(number) for number in range(9001, 9001 + count)],
        Kind.CONVERSATION: [chat(number) for number in range(7001, 7001 + count)],
        Kind.MESSAGE: [message(number) for number in range(1, 1 + count)],
    }


def customer(number: int) -> Row:
    return {
        "id": f"k{number}",
        "changed_at": iso(BEGAN + timedelta(seconds=number % 60)),
        "name": f"Ann Person{number}",
        "first_name": "Ann",
        "last_name": f"Person{number}",
        "email": f"person{number}@example.com",
        "other_emails": [f"p{number}@work.example"],
        "phones": [
            {"kind": "mobile", "number": f"+44 113 496 {number:04}"},
            {"kind": "fax", "number": "+44 113 496 9999"},
        ],
        "customer_no": f"AC-{number}",
        "company": {"name": "Acme"},
        "born": "24.12.1980",
        "since": 1_600_000_000 + number,
        "address": {"line1": "1 High St", "town": "Leeds", "zip": "LS1 1AA", "country": "GB"},
        "twitter": f"ann{number}",
        "shop_id": f"s{number}",
        "was": [],
        "links": {"page": f"https://erp.example/k{number}"},
        "deleted": False,
    }


def order(number: int) -> Row:
    """Two orders are placed in the same minute, three people in turn."""
    person = 101 + number % 3
    return {
        "no": number,
        "changed": int((BEGAN + timedelta(days=1, seconds=number % 60)).timestamp() * 1000),
        "placed_at": iso(BEGAN + timedelta(minutes=number // 2)),
        "number": f"#{number}",
        "state": "shipped",
        "via": "web",
        "total": {"amount": 12.5, "currency": "EUR"},
        "lines": [{"article": "A-1", "text": "Shoes", "qty": 1, "each_cents": 1250}],
        "parcels": [],
        "customer": f"k{person}",
        "email": f"person{person}@example.com",
    }


def ticket(number: int) -> Row:
    return {
        "key": f"T-{number}",
        "opened": iso(BEGAN + timedelta(minutes=number // 2)),
        "title": "Late parcel",
        "status": "waiting",
        "priority": "high",
        "queue": "delivery",
        "agent": {"id": 7, "name": "Eve"},
        "customer_id": f"k{101 + number % 3}",
    }


def chat(number: int) -> Row:
    return {
        "id": f"v{number}",
        "started": iso(BEGAN + timedelta(minutes=number // 2)),
        "channel": "web",
        "closed": "no",
        "ended": None,
        "who": f"k{101 + number % 3}",
        "last": {"id": "m1", "text": "Thanks", "at": iso(BEGAN), "by": "customer"},
    }


def message(number: int) -> Row:
    return {
        "id": f"m{number}",
        "chat": f"v{7001 + number % 2}",
        "at": iso(BEGAN + timedelta(minutes=number // 4)),
        "text": "Hello",
        "by": {"role": "agent", "id": "a1", "name": "Eve"},
        "note": False,
        "edited": None,
    }


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def touch(row: Row, at: datetime) -> None:
    if "changed" in row:
        row["changed"] = int(at.timestamp() * 1000)
    else:
        row["changed_at"] = iso(at)


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["placed_at" if "placed_at" in row else "changed_at"] = "the day before"


ID = {Kind.CONTACT: "id", Kind.ORDER: "no", Kind.TICKET: "key", Kind.CONVERSATION: "id"}
TIME = {
    Kind.ORDER: "placed_at",
    Kind.TICKET: "opened",
    Kind.CONVERSATION: "started",
    Kind.MESSAGE: "at",
}
OWNER = {
    Kind.ORDER: "customer",
    Kind.TICKET: "customer_id",
    Kind.CONVERSATION: "who",
    Kind.MESSAGE: "chat",
}


def external_id(kind: Kind, row: Row) -> str:
    return f"{row['chat']}/{row['id']}" if kind is Kind.MESSAGE else str(row[ID[kind]])


def newest(kind: Kind, rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row[TIME[kind]], external_id(kind, row)), reverse=True)


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    found: dict[Parent, list[str]] = {}
    for row in newest(kind, rows[kind]):
        owners = [Parent(ParentBy.OWN, row[OWNER[kind]])]
        if kind is Kind.ORDER:
            number = int(row["customer"][1:])
            owners.append(Parent(ParentBy.EMAIL, row["email"].upper()))
            owners.append(Parent(ParentBy.PHONE, f"+44113496{number:04}"))
        for parent in owners:
            found.setdefault(parent, []).append(external_id(kind, row))
    return found


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    found = {row["id"]}
    return [
        (LookupKey(KeyKind.EMAIL, row["email"].upper()), found),
        (LookupKey(KeyKind.PHONE, row["phones"][0]["number"]), found),
        (LookupKey(KeyKind.ACCOUNT_NUMBER, row["customer_no"]), found),
        (LookupKey(KeyKind.EXTERNAL, row["shop_id"], "shop"), found),
        (LookupKey(KeyKind.EMAIL, "nobody@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    assert request.url.host == "erp.example"
    assert request.headers["x-api-version"] == "3"
    if request.headers["authorization"] != f"Bearer {SECRETS['token']}":
        return httpx.Response(401, json={"error": "no"})
    path = request.url.path.removeprefix("/api")
    query = parse_qs(request.url.query.decode(), keep_blank_values=True)
    collections: dict[str, Callable[[], httpx.Response]] = {
        "/customers": lambda: customers(rows[Kind.CONTACT], query),
        "/customers/search": lambda: searched(rows[Kind.CONTACT], query),
        "/orders/batch": lambda: batch(rows[Kind.ORDER], json.loads(request.content)),
        "/orders": lambda: orders(rows[Kind.ORDER], query),
        "/chats": lambda: chats(rows[Kind.CONVERSATION], query),
    }
    return collections.get(path, lambda: below(rows, path, query))()


def below(rows: Rows, path: str, query: dict[str, list[str]]) -> httpx.Response:
    """One thing, or what hangs on one thing."""
    if one := re.fullmatch(r"/tickets/(.+)", path):
        row = next((row for row in rows[Kind.TICKET] if row["key"] == one[1]), None)
        return httpx.Response(200, json=row) if row else httpx.Response(404, json={})
    if one := re.fullmatch(r"/customers/([^/]+)/tickets", path):
        return tickets(rows[Kind.TICKET], one[1], query)
    one = re.fullmatch(r"/chats/([^/]+)/messages", path)
    assert one, path
    found = [row for row in newest(Kind.MESSAGE, rows[Kind.MESSAGE]) if row["chat"] == one[1]]
    return cursored("messages", found, query)


def customers(rows: list[Row], query: dict[str, list[str]]) -> httpx.Response:
    if "ids" in query:
        wanted = query["ids"][0].split(",")
        assert len(wanted) <= PAGE
        return httpx.Response(200, json={"customers": [r for r in rows if r["id"] in wanted]})
    since = query.get("changed_since", [""])[0]
    found = [row for row in rows if row["changed_at"] >= since]
    found.sort(key=lambda row: (row["changed_at"], row["id"]))
    start = (int(query["page"][0]) - 1) * PAGE
    return httpx.Response(200, json={"customers": found[start : start + PAGE]})


def searched(rows: list[Row], query: dict[str, list[str]]) -> httpx.Response:
    if "system" in query:
        assert query["system"] == ["shop"]
        query = {"shop_id": query["id"]}
    ((name, (value,)),) = query.items()
    if name == "email":
        found = [row for row in rows if row["email"] == value.lower()]
    elif name == "phone_ends":
        found = [r for r in rows if re.sub(r"\D", "", r["phones"][0]["number"])[-4:] == value[-4:]]
    else:
        found = [row for row in rows if row[name] == value]
    return httpx.Response(200, json={"customers": found})


def batch(rows: list[Row], body: Any) -> httpx.Response:
    """One unknown number fails the whole batch."""
    held = {row["no"]: row for row in rows}
    assert len(body["numbers"]) <= 50
    if not set(body["numbers"]) <= held.keys():
        return httpx.Response(422, json={"error": "no such order"})
    return httpx.Response(200, json={"orders": [held[number] for number in body["numbers"]]})


def orders(rows: list[Row], query: dict[str, list[str]]) -> httpx.Response:
    if "changed_since" in query or not {"customer", "email"} & query.keys():
        since = int(query.get("changed_since", ["0"])[0])
        found = sorted((r for r in rows if r["changed"] >= since), key=lambda r: r["changed"])
    else:
        until = query.get("placed_before", ["9"])[0]
        wanted = {*query.get("customer", ()), *(one.lower() for one in query.get("email", ()))}
        kept = [r for r in rows if {r["customer"], r["email"]} & wanted]
        found = newest(Kind.ORDER, [row for row in kept if row["placed_at"] <= until])
    start, limit = int(query["offset"][0]), min(50, int(query["limit"][0]))
    return httpx.Response(200, json={"orders": found[start : start + limit], "total": len(found)})


def tickets(rows: list[Row], owner: str, query: dict[str, list[str]]) -> httpx.Response:
    until, start = query.get("before", ["9"])[0], int(query.get("start", ["0"])[0])
    kept = [row for row in rows if row["customer_id"] == owner and row["opened"] <= until]
    if not kept and owner not in {row["customer_id"] for row in rows}:
        return httpx.Response(404, json={})
    found, size = newest(Kind.TICKET, kept), int(query["size"][0])
    link = f"<https://erp.example/api/customers/{owner}/tickets?before={until}&size={size}&start="
    more = start + size < len(found)
    headers = {"link": f'<x>; rel="prev", {link}{start + size}>; rel="next"'} if more else {}
    return httpx.Response(200, json={"items": found[start : start + size]}, headers=headers)


def chats(rows: list[Row], query: dict[str, list[str]]) -> httpx.Response:
    if "ids" in query:
        wanted = query["ids"][0].split(",")
        assert len(wanted) <= 30
        return httpx.Response(200, json={"chats": [r for r in rows if r["id"] in wanted]})
    wanted = query["who"][0].split(",")
    found = newest(Kind.CONVERSATION, [row for row in rows if row["who"] in wanted])
    return cursored("chats", found, query)


def cursored(name: str, rows: list[Row], query: dict[str, list[str]]) -> httpx.Response:
    start, size = int(query.get("after", ["0"])[0]), min(50, int(query["size"][0]))
    more = str(start + size) if start + size < len(rows) else None
    return httpx.Response(200, json={name: rows[start : start + size], "next": more})


def rate_limited(wait_s: int) -> httpx.Response:
    return httpx.Response(429, json={}, headers={"retry-after": str(wait_s)})


def delivery(at: datetime, secret: str, body: bytes = DELIVERY) -> WebhookRequest:
    """A delivery signed by the ERP at that time."""
    signed_at = str(int(at.timestamp()))
    signature = hmac.new(secret.encode(), f"{signed_at}.".encode() + body, hashlib.sha256)
    headers = {"x-erp-signature": f"sha256={signature.hexdigest()}", "x-erp-time": signed_at}
    url = "https://hooks.example.com/webhooks/here"
    return WebhookRequest(method="POST", url=url, headers=headers, body=body, received_at=at)
