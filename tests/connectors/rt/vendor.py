"""Request Tracker in memory, as far as the contract suite asks it: users, searches of tickets, and
what was said in them. Rows are the recorded ones with other numbers in them.
"""

import copy
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy

SECRETS = {"token": "1-14-planted-rt-token"}
OPTIONS = {"host": "here.example", "staff": "root, @staff.example"}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "rt"
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
AGENT = {"id": 14, "Name": "root", "RealName": "Enoch Root", "type": "user"}

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [user(number) for number in range(101, 101 + count)],
        Kind.TICKET: [ticket(number) for number in range(5001, 5001 + count)],
        Kind.MESSAGE: [message(number) for number in range(70001, 70001 + count)],
    }


def user(number: int) -> Row:
    row: Row = copy.deepcopy(recorded("user"))
    email = f"Person{number}@example.com"
    row |= {"id": number, "Name": email, "EmailAddress": email}
    row["HomePhone"] = f"0113 496 {number:04}"
    touch(row, BEGAN + timedelta(seconds=number % 60))
    return row


def ticket(number: int) -> Row:
    """Three people ask in turn, and two tickets begin in the same second."""
    row: Row = copy.deepcopy(recorded("tickets")["items"][0])
    row |= {"id": str(number), "Requestor": [{"id": 101 + number % 3, "type": "user"}]}
    row["Created"] = stamp(BEGAN + timedelta(minutes=number // 2))
    touch(row, BEGAN + timedelta(days=1, seconds=number % 60))
    return row


def message(number: int) -> Row:
    row: Row = copy.deepcopy(recorded("history")["items"][0])
    part = {"TransactionId": str(number), "ContentType": "text/plain", "Content": "Where is it?"}
    row |= {"id": str(number), "Type": "Correspond", "Creator": {**AGENT, "id": 101}}
    row |= {"ticket_id": str(5001 + number % 2), "customers": ["101"], "parts": [part]}
    row["Created"] = stamp(BEGAN + timedelta(minutes=number // 4))
    return row


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def touch(row: Row, at: datetime) -> None:
    """The vendor changed the row at that time."""
    row["LastUpdated"] = stamp(at)


def external_id(kind: Kind, row: Row) -> str:
    return f"{row['ticket_id']}/{row['id']}" if kind is Kind.MESSAGE else str(row["id"])


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first."""
    found: dict[Parent, list[str]] = {}
    for row in sorted(rows[kind], key=lambda row: (row["Created"], row["id"]), reverse=True):
        value = row["ticket_id"] if kind is Kind.MESSAGE else str(row["Requestor"][0]["id"])
        found.setdefault(Parent(ParentBy.OWN, value), []).append(external_id(kind, row))
    return found


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    return [
        (LookupKey(KeyKind.EMAIL, row["EmailAddress"].upper()), {str(row["id"])}),
        (LookupKey(KeyKind.EMAIL, "nobody@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    if request.headers["authorization"] != f"token {SECRETS['token']}":
        return httpx.Response(401, json={"message": "Unauthorized"})
    path, query = request.url.path.removeprefix("/REST/2.0"), request.url.params
    if match := re.fullmatch(r"/user/(\d+)", path):
        found = [row for row in rows[Kind.CONTACT] if row["id"] == int(match[1])]
        return httpx.Response(200, json=found[0]) if found else missing()
    return listed(asked(rows, path, query), query)


def asked(rows: Rows, path: str, query: httpx.QueryParams) -> list[Row]:
    """The rows of a list."""
    if path == "/users":
        return [row for row in rows[Kind.CONTACT] if is_found(row, query)]
    if path == "/tickets" and "fields[Cc]" in query:
        return people(rows, query["query"])
    if path == "/tickets":
        return [row for row in rows[Kind.TICKET] if is_asked(row, query["query"])]
    match = re.fullmatch(r"/ticket/(\d+)/(history|attachments)", path)
    said = [row for row in rows[Kind.MESSAGE] if row["ticket_id"] == match[1]]
    if match[2] == "attachments":
        return [part for row in said for part in row["parts"]]
    return [*map(bare, said), {"id": "9", "Type": "Status", "Creator": AGENT}]


def bare(row: Row) -> Row:
    """What the history shows: no text."""
    return {k: v for k, v in row.items() if k not in ("ticket_id", "customers", "parts")}


def people(rows: Rows, query: str) -> list[Row]:
    said = [row for row in rows[Kind.MESSAGE] if query == f"id = {row['ticket_id']}"]
    return [{"id": row["ticket_id"], "Requestor": [{"id": 101}], "Cc": []} for row in said[:1]]


def is_found(row: Row, query: httpx.QueryParams) -> bool:
    """Only public fields are searched; others would find everybody."""
    (wanted,) = json.loads(query["query"])
    assert wanted["field"] in ("EmailAddress", "Name")
    same = str(row[wanted["field"]]).lower() == wanted["value"].lower()
    return not same if wanted["operator"] == "!=" else same


def is_asked(row: Row, query: str) -> bool:
    assert len(query) < 1_500
    if query == "id > 0":
        return True
    terms = dict.fromkeys(query.split(" OR "))
    return f"id = {row['id']}" in terms or f"Requestor.id = {row['Requestor'][0]['id']}" in terms


def listed(rows: list[Row], query: httpx.QueryParams) -> httpx.Response:
    """At most 100 a page, whatever is asked for."""
    size, page = min(int(query["per_page"]), 100), int(query["page"])
    assert size == int(query["per_page"])
    by = query.get("orderby", "id")
    ranked = sorted(rows, key=lambda row: (row.get(by, ""), int(row.get("id", 0))))
    if query.get("order") == "DESC":
        ranked.reverse()
    pages = -(-len(ranked) // size)
    items = ranked[(page - 1) * size : page * size]
    body = {"page": page, "pages": pages, "per_page": size, "count": len(items), "items": items}
    return httpx.Response(200, json={**body, "total": len(ranked)})


def missing() -> httpx.Response:
    return httpx.Response(404, json={"message": "Not Found"})


def rate_limited(wait_s: int) -> httpx.Response:
    """RT limits nothing by itself; the server in front of it may."""
    return httpx.Response(429, json={}, headers={"retry-after": str(wait_s)})


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["Created"] = "the day before"
