"""Sunshine Conversations in memory, as far as the contract suite asks it: conversations of a user,
one by one, and messages backwards. Rows are those of the fixtures with other numbers in them.
"""

import base64
import copy
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from domain.customer import LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy

MOCK = "sunshine-conversations"
APP = "5d8cff3cd55b040010928b5b"
SECRETS = {"token": "planted-sunshine-secret"}
OPTIONS = {"app_id": APP, "key_id": "app_key"}
CUSTOMER_KEY = "shop"
FIXTURES = Path(__file__).parents[2] / "fixtures" / "sunshine"
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
PAGE = 100
_EMPTY = "its example shows the conversation as an empty text"
UNREADABLE_EXAMPLES = {
    "get_many CONVERSATION": _EMPTY,
    "children_of CONVERSATION by own": _EMPTY,
    "children_of CONVERSATION by foreign": _EMPTY,
    "children_of MESSAGE by own": "its example names the same page before whatever is asked",
}

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def recorded(name: str) -> Any:
    return json.loads(_text(name))


@cache
def _text(name: str) -> str:
    return (FIXTURES / f"{name}.json").read_text(encoding="utf-8")


def seed(count: int) -> Rows:
    return {
        Kind.CONVERSATION: [conversation(number) for number in range(5001, 5001 + count)],
        Kind.MESSAGE: [message(number) for number in range(70001, 70001 + count)],
    }


def hexed(number: int) -> str:
    return f"{number:024x}"


def user(number: int) -> str:
    return hexed(101 + number % 3)


def conversation(number: int) -> Row:
    """Three people write in turn, and two conversations begin in the same second."""
    row: Row = copy.deepcopy(recorded("conversation")["conversation"])
    began = stamp(BEGAN + timedelta(minutes=number // 2))
    row |= {"id": hexed(number), "createdAt": began, "lastUpdatedAt": began}
    return {"conversation": row, "messages": [], "user": user(number)}


def message(number: int) -> Row:
    row: Row = copy.deepcopy(recorded("messages")["messages"][0])
    received = stamp(BEGAN + timedelta(minutes=number // 4))
    row |= {"id": hexed(number), "received": received}
    return {**row, "conversation_id": hexed(5001 + number % 2)}


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def external_id(kind: Kind, row: Row) -> str:
    if kind is Kind.CONVERSATION:
        return str(row["conversation"]["id"])
    return f"{row['conversation_id']}/{row['id']}"


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first; users are known by an id of the shop, too."""
    found: dict[Parent, list[str]] = {}
    for row in sorted(rows[kind], key=lambda one: place(kind, one), reverse=True):
        for parent in owners(kind, row):
            found.setdefault(parent, []).append(external_id(kind, row))
    return found


def owners(kind: Kind, row: Row) -> list[Parent]:
    if kind is Kind.MESSAGE:
        return [Parent(ParentBy.OWN, row["conversation_id"])]
    return [Parent(ParentBy.OWN, row["user"]), Parent(ParentBy.FOREIGN, f"AC-{row['user']}")]


def place(kind: Kind, row: Row) -> tuple[str, str]:
    began = row["received"] if kind is Kind.MESSAGE else row["conversation"]["createdAt"]
    return began, external_id(kind, row)


def searches(_rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    return []


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    pair = f"{OPTIONS['key_id']}:{SECRETS['token']}"
    if request.headers["authorization"] != f"Basic {base64.b64encode(pair.encode()).decode()}":
        return refused(401, "unauthorized")
    path, query = request.url.path.removeprefix(f"/v2/apps/{APP}"), request.url.params
    if path == "/conversations":
        return listed(rows, query)
    asked = re.fullmatch(r"/conversations/([0-9a-f]{24})(/messages)?", path)
    known = [
        r["conversation"]
        for r in rows[Kind.CONVERSATION]
        if external_id(Kind.CONVERSATION, r) == asked[1]
    ]
    if asked[2]:
        said = [row for row in rows[Kind.MESSAGE] if row["conversation_id"] == asked[1]]
        return backwards(said, query) if said or known else refused(404, "not_found")
    if not known:
        return refused(404, "conversation_not_found")
    return httpx.Response(200, json={"conversation": known[0]})


def listed(rows: Rows, query: httpx.QueryParams) -> httpx.Response:
    assert 1 <= int(query["page[size]"]) <= PAGE
    wanted = query.get("filter[userId]") or query["filter[userExternalId]"].removeprefix("AC-")
    own = [row["conversation"] for row in rows[Kind.CONVERSATION] if row["user"] == wanted]
    return httpx.Response(200, json={"conversations": own, "meta": {"hasMore": False}})


def backwards(said: list[Row], query: httpx.QueryParams) -> httpx.Response:
    """The latest page, or the one before a message; oldest first within it."""
    older = [row for row in said if row["id"] < query.get("page[before]", "g")]
    shown = [{k: v for k, v in row.items() if k != "conversation_id"} for row in older[-PAGE:]]
    meta: Row = {"hasMore": len(older) > PAGE}
    if shown:
        meta["beforeCursor"] = shown[0]["id"]
    return httpx.Response(200, json={"messages": shown, "meta": meta})


def refused(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"code": code, "title": "no"}]})


def rate_limited(wait_s: int) -> httpx.Response:
    body = {"errors": [{"code": "too_many_requests", "title": "Too many requests"}]}
    return httpx.Response(429, json=body, headers={"retry-after": str(wait_s)})


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["conversation"]["createdAt"] = "the day before"
