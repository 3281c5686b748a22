"""Matrix Synapse in memory, as far as the contract suite asks it: accounts, rooms, what is said in
them, and the stream. Rows are the recorded ones with other numbers in them.
"""

import copy
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy

SECRETS = {"token": "planted-synapse-token"}
DESK = "@support-desk:realsys.test"
OPTIONS = {"host": "here.example", "desk": DESK}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "synapse"
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
ADMIN = "/_synapse/admin/"
TALKED = {"!room5001", "!room5002"}
"""The rooms in which something was said."""

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def recorded(name: str) -> Any:
    return json.loads(_text(name))


@cache
def _text(name: str) -> str:
    return (FIXTURES / f"{name}.json").read_text(encoding="utf-8")


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [account(number) for number in range(101, 101 + count)],
        Kind.CONVERSATION: [room(number) for number in range(5001, 5001 + count)],
        Kind.MESSAGE: [event(number) for number in range(70001, 70001 + count)],
    }


def mxid(number: int) -> str:
    return f"@person{number}:realsys.test"


def account(number: int) -> Row:
    row: Row = recorded("account")
    row |= {"name": mxid(number), "displayname": f"Name {number}"}
    row["threepids"] = [
        {"medium": "msisdn", "address": f"44113496{number:04}"},
        {"medium": "email", "address": f"person{number}@example.com"},
    ]
    touch(row, BEGAN + timedelta(seconds=number % 60))
    return row


def room(number: int) -> Row:
    """Three people write in turn, and two rooms are opened in the same second."""
    state: list[Row] = copy.deepcopy(recorded("state")["state"])
    row = {"room_id": f"!room{number}", "state": state, "last": event(number), "desk": [DESK]}
    for each in state:
        if each["type"] == "m.room.create":
            each["origin_server_ts"] = millis(BEGAN + timedelta(minutes=number // 2))
        if each["type"] == "m.room.member" and each["state_key"] != DESK:
            each["state_key"] = mxid(101 + number % 3)
    touch(row, BEGAN)
    return row


def event(number: int) -> Row:
    row: Row = copy.deepcopy(recorded("messages")["chunk"][-1])
    row |= {"event_id": f"$event{number}", "room_id": f"!room{5001 + number % 2}", "desk": [DESK]}
    row["origin_server_ts"] = millis(BEGAN + timedelta(minutes=number // 4))
    return row


def millis(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


def touch(row: Row, at: datetime) -> None:
    """What the vendor tells of a change: when an account was made, in seconds; that something
    happened in a room, by its place in the stream.
    """
    row["stream" if "room_id" in row else "creation_ts"] = round(at.timestamp())


def external_id(kind: Kind, row: Row) -> str:
    if kind is Kind.CONTACT:
        return str(row["name"])
    return row["room_id"] if kind is Kind.CONVERSATION else f"{row['room_id']}/{row['event_id']}"


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first."""
    found: dict[Parent, list[str]] = {}
    for row in newest_first(rows[kind]):
        value = row["room_id"] if kind is Kind.MESSAGE else customer(row)
        found.setdefault(Parent(ParentBy.OWN, value), []).append(external_id(kind, row))
    return found


def newest_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (began(row), external(row)), reverse=True)


def began(row: Row) -> int:
    """When a message was sent or a room opened."""
    events = [row, *(each for each in row.get("state", []) if each["type"] == "m.room.create")]
    return int(events[-1]["origin_server_ts"])


def external(row: Row) -> str:
    return str(row.get("event_id", row["room_id"]))


def customer(row: Row) -> str:
    members = (each["state_key"] for each in row["state"] if each["type"] == "m.room.member")
    return next(member for member in members if member != DESK)


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    phone, email = (one["address"] for one in row["threepids"])
    found = {row["name"]}
    return [
        (LookupKey(KeyKind.EMAIL, email.upper()), found),
        (LookupKey(KeyKind.PHONE, f"+{phone}"), found),
        (LookupKey(KeyKind.HANDLE, row["name"], "matrix"), found),
        (LookupKey(KeyKind.EMAIL, "nobody@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    if request.headers["authorization"] != f"Bearer {SECRETS['token']}":
        return httpx.Response(401, json={"errcode": "M_UNKNOWN_TOKEN", "error": "Invalid token"})
    path, query = request.url.path, request.url.params
    if path == "/_matrix/client/v3/sync":
        return synced(rows[Kind.CONVERSATION], query)
    parts = path.removeprefix(ADMIN).split("/")
    handlers = {"users": people, "threepid": bound, "rooms": talk}
    return handlers[parts[1]](rows, parts[2:], query)


def people(rows: Rows, parts: list[str], query: httpx.QueryParams) -> httpx.Response:
    accounts = rows[Kind.CONTACT]
    if not parts:
        return accounts_listed(accounts, query)
    if len(parts) == 2:
        found = [row["room_id"] for row in rows[Kind.CONVERSATION] if customer(row) == parts[0]]
        return httpx.Response(200, json={"joined_rooms": found, "total": len(found)})
    known = numbered(accounts, 101, parts[0], "name")
    return httpx.Response(200, json=known) if known else missing()


def numbered(rows: list[Row], first: int, name: str, column: str) -> Row | None:
    """The row of that name, by the number in it: a search through all of them for each call takes
    longer than everything else.
    """
    place = int(re.sub(r"\D", "", name) or first - 1) - first
    row = rows[place] if 0 <= place < len(rows) else None
    return row if row and row[column] == name else None


def accounts_listed(accounts: list[Row], query: httpx.QueryParams) -> httpx.Response:
    """Without what is bound to them, and with times in milliseconds."""
    assert query["order_by"] == "creation_ts"
    start, limit = int(query["from"]), int(query["limit"])
    ranked = sorted(accounts, key=lambda row: (row["creation_ts"], row["name"]))
    if query["dir"] == "b":
        ranked.reverse()
    shown = [
        {k: v for k, v in row.items() if k != "threepids"}
        | {"creation_ts": row["creation_ts"] * 1_000}
        for row in ranked[start : start + limit]
    ]
    end = start + limit
    more = {"next_token": str(end)} if end < len(ranked) else {}
    return httpx.Response(200, json={"users": shown, "total": len(ranked), **more})


def bound(rows: Rows, parts: list[str], _query: httpx.QueryParams) -> httpx.Response:
    medium, _, address = parts
    wanted = {"medium": medium, "address": address}
    found = [row["name"] for row in rows[Kind.CONTACT] if wanted in row["threepids"]]
    return httpx.Response(200, json={"user_id": found[0]}) if found else missing()


def talk(rows: Rows, parts: list[str], query: httpx.QueryParams) -> httpx.Response:
    name, what = parts
    if what == "state":
        known = numbered(rows[Kind.CONVERSATION], 5001, name, "room_id")
        return httpx.Response(200, json={"state": known["state"]}) if known else missing()
    assert query["dir"] == "b"
    talked = rows[Kind.MESSAGE] if name in TALKED else []
    said = newest_first([row for row in talked if row["room_id"] == name])
    start, limit = int(query.get("from", "0")), int(query["limit"])
    chunk = [{k: v for k, v in row.items() if k != "desk"} for row in said[start : start + limit]]
    more = {"end": str(start + limit)} if start + limit < len(said) else {}
    return httpx.Response(200, json={"chunk": chunk, "start": str(start), **more})


def synced(rooms: list[Row], query: httpx.QueryParams) -> httpx.Response:
    """Rooms in which something happened behind the token."""
    since = int(re.sub(r"\D", "", query.get("since", "")) or 0)
    joined = {row["room_id"]: {"timeline": {}} for row in rooms if row["stream"] > since}
    latest = max([since, *(row["stream"] for row in rooms)])
    changes = {"rooms": {"join": joined}} if joined else {}
    return httpx.Response(200, json={"next_batch": f"s{latest}", **changes})


def missing() -> httpx.Response:
    return httpx.Response(404, json={"errcode": "M_NOT_FOUND", "error": "not found"})


def rate_limited(wait_s: int) -> httpx.Response:
    body = {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": wait_s * 1_000}
    return httpx.Response(429, json=body, headers={"retry-after": str(wait_s)})


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["displayname"] = []
    if "state" in row:
        row["state"] = [each for each in row["state"] if each["type"] == "m.room.member"]
