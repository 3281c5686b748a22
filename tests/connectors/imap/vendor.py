"""The mailbox's questions answered in memory, as rows.py shapes their answers. The way from a
question to a real server is tested in test_imap_mailbox.py and, over Dovecot, in tests/mailbox.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.veiling import veil
from domain.customer import LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy

USER = "support@here.example"
SECRETS = {"password": "planted-mail-password"}
OPTIONS = {"host": "mail.example", "user": USER}
CUSTOMER_KEY = "email"
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
PAGE = 150

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def seed(count: int) -> Rows:
    return {
        Kind.CONVERSATION: [thread(number) for number in range(5001, 5001 + count)],
        Kind.MESSAGE: [
            mail(number, id_of(5001 + number % 2)) for number in range(7001, 7001 + count)
        ],
    }


def thread(number: int) -> Row:
    """Three people wrote in turn, and two threads begin in the same second."""
    began = BEGAN + timedelta(minutes=number // 2)
    row = {"id": id_of(number), "at": began.isoformat(), "arrived": began.isoformat()}
    people = [f"person{number % 3}@example.com", "colleague@example.com"]
    return row | {"people": people, "last": mail(10 * number, row["id"]), "uid": number}


def id_of(number: int) -> str:
    return veil(f"{USER}@mail.example", f"<{number}@example.com>".encode())


def mail(number: int, thread_id: str) -> Row:
    at = (BEGAN + timedelta(minutes=number // 4)).isoformat()
    author = {"kind": "customer", "id": f"{thread_id}:1", "name": "Ann Person"}
    said = {"author": author, "body": "Late parcel\n\nWhere is it?"}
    return {"id": f"{thread_id}/{number:016x}", "at": at, "arrived": at, **said}


def touch(row: Row, at: datetime) -> None:
    """A new mail came in then: it has a higher number than any before."""
    row["uid"] = int(at.timestamp())


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["at"] = "the day before"


def external_id(_kind: Kind, row: Row) -> str:
    return str(row["id"])


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first."""
    found: dict[Parent, list[str]] = {}
    for row in ranked(rows[kind]):
        found.setdefault(owner(kind, row), []).append(row["id"])
    return found


def owner(kind: Kind, row: Row) -> Parent:
    if kind is Kind.MESSAGE:
        return Parent(ParentBy.OWN, row["id"].partition("/")[0])
    return Parent(ParentBy.EMAIL, row["people"][0])


def searches(_rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    return []


def ranked(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["at"], row["id"]), reverse=True)


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    pair = f"{USER}:{SECRETS['password']}"
    if request.headers["authorization"] != f"Basic {base64.b64encode(pair.encode()).decode()}":
        return httpx.Response(401, json=None)
    asked = json.loads(request.content)
    said: dict[str, Any] = {
        "/threads": threads,
        "/threads/of": threads_of,
        "/messages": messages,
        "/news": news,
    }[request.url.path](rows, asked)
    return httpx.Response(200, json=said)


def threads(rows: Rows, asked: Any) -> Any:
    assert len(asked["ids"]) <= 10
    return {"threads": [shown(row) for row in rows[Kind.CONVERSATION] if row["id"] in asked["ids"]]}


def threads_of(rows: Rows, asked: Any) -> Any:
    wanted = set(asked["people"])
    found = [row for row in rows[Kind.CONVERSATION] if wanted & set(row["people"])]
    return page(found, asked, "threads")


def messages(rows: Rows, asked: Any) -> Any:
    found = [row for row in rows[Kind.MESSAGE] if row["id"].partition("/")[0] in asked["ids"]]
    return page(found, asked, "messages")


def page(rows: list[Row], asked: Any, name: str) -> Any:
    until = datetime.fromisoformat(asked.get("until") or "2999-01-01T00:00:00+00:00")
    old = [row for row in ranked(rows) if datetime.fromisoformat(row["at"]) <= until]
    end = asked["start"] + asked["limit"]
    shown_now = [shown(row) for row in old[asked["start"] : end]]
    return {name: shown_now, "next": end if end < len(old) else None}


def news(rows: Rows, asked: Any) -> Any:
    cursor = asked["cursor"] or {"INBOX": [1, 0, None]}
    (folder, (validity, seen, _)) = next(iter(cursor.items()))
    fresh = sorted(
        (r for r in rows[Kind.CONVERSATION] if r["uid"] > seen), key=lambda row: row["uid"]
    )
    listed = fresh[:PAGE]
    last = listed[-1]["uid"] if listed else seen
    ids = [{"id": row["id"]} for row in listed]
    held = {folder: [validity, last, None]}
    return {"threads": ids, "gone": [], "cursor": held, "more": len(fresh) > PAGE}


def shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "uid"}


def rate_limited(wait_s: int) -> httpx.Response:
    return httpx.Response(429, json=None, headers={"retry-after": str(wait_s)})
