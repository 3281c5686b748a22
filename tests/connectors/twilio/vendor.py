"""Twilio in memory, as far as the contract suite asks it: lists by number, one call, deliveries.
Rows are the recorded ones with other numbers in them.
"""

import base64
import copy
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from connectors.twilio.threads import Ends, seal
from domain.customer import LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy, WebhookRequest

MOCK = "twilio-api"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
SECRETS = {"token": "planted-twilio-token", "webhook_secret": "planted-twilio-secret"}
OPTIONS = {"account_sid": ACCOUNT}
CUSTOMER_KEY = "phone"
FIXTURES = Path(__file__).parents[2] / "fixtures" / "twilio"
DELIVERY = (FIXTURES / "webhook_call_status.form").read_bytes()
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
PAGE = 100  # the vendor gives up to 1,000 and may give fewer
OURS = "+441134960001"

_NO_END = "its example names the same next page whatever is asked; lists are read to their end"
UNREADABLE_EXAMPLES = dict.fromkeys(
    (
        "children_of CALL by phone",
        "get_many CONVERSATION",
        "children_of CONVERSATION by phone",
        "children_of MESSAGE by own",
    ),
    _NO_END,
)

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def recorded(name: str, number: int) -> Row:
    found: Row = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))[name][number]
    return copy.deepcopy(found)


def seed(count: int) -> Rows:
    return {
        Kind.CALL: [call(number) for number in range(101, 101 + count)],
        Kind.CONVERSATION: [thread(number) for number in range(5001, 5001 + count)],
        Kind.MESSAGE: [said(number) for number in range(7001, 7001 + count)],
    }


def call(number: int) -> Row:
    """Three people, called and calling in turn, and two calls begin in the same second."""
    row = recorded("calls", 0 if number % 2 else 2)
    person = f"+44770090010{number % 3}"
    sides = {"from": person, "to": OURS} if number % 2 else {"from": OURS, "to": person}
    row |= {"sid": f"CA{number:032x}", **sides}
    begin(row, BEGAN + timedelta(minutes=number // 2))
    return row


def thread(number: int) -> Row:
    """What three people and the numbers of ours wrote each other: one message each."""
    between = Ends(f"+44770090020{number % 3}", f"+44113496{number:04}")
    began = BEGAN + timedelta(minutes=number // 2)
    return {
        "id": seal(ACCOUNT, between),
        "first": message(10 * number, between, began, inbound=True),
        "last": message(10 * number + 1, between, began + timedelta(days=1), inbound=False),
    }


def said(number: int) -> Row:
    """Messages of two threads, in both directions."""
    between = Ends(f"+44770090030{number % 2}", OURS)
    at = BEGAN + timedelta(minutes=number // 4)
    return message(10 * number, between, at, inbound=number % 4 > 1)


def message(number: int, between: Ends, at: datetime, *, inbound: bool) -> Row:
    row = recorded("messages", 1 if inbound else 0)
    sender, receiver = between if inbound else reversed(between)
    row |= {"sid": f"SM{number:032x}", "from": sender, "to": receiver}
    return row | dict.fromkeys(("date_created", "date_sent", "date_updated"), format_datetime(at))


def begin(row: Row, at: datetime) -> None:
    row |= dict.fromkeys(("date_created", "start_time", "date_updated"), format_datetime(at))


def touch(row: Row, at: datetime) -> None:
    """A call changes for as long as it lasts: one that does has begun of late."""
    begin(row, at)


def external_id(kind: Kind, row: Row) -> str:
    if kind is Kind.CONVERSATION:
        return str(row["id"])
    return f"{thread_of(row)}/{row['sid']}" if kind is Kind.MESSAGE else str(row["sid"])


def thread_of(row: Row) -> str:
    sides = (row["from"], row["to"])
    return seal(ACCOUNT, Ends(*(sides if row["direction"] == "inbound" else sides[::-1])))


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first."""
    found: dict[Parent, list[str]] = {}
    for row in sorted(rows[kind], key=lambda one: place(kind, one), reverse=True):
        found.setdefault(owner(kind, row), []).append(external_id(kind, row))
    return found


def owner(kind: Kind, row: Row) -> Parent:
    if kind is Kind.MESSAGE:
        return Parent(ParentBy.OWN, thread_of(row))
    first = row["first"] if kind is Kind.CONVERSATION else row
    return Parent(ParentBy.PHONE, first["to"] if first["from"] == OURS else first["from"])


def place(kind: Kind, row: Row) -> tuple[datetime, str]:
    first = row["first"] if kind is Kind.CONVERSATION else row
    return began(first), external_id(kind, row)


def began(row: Row) -> datetime:
    return parsedate_to_datetime(row.get("start_time") or row["date_created"])


def searches(_rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    return []


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    pair = f"{ACCOUNT}:{SECRETS['token']}"
    if request.headers["authorization"] != f"Basic {base64.b64encode(pair.encode()).decode()}":
        return refused(401, 20003)
    path, query = request.url.path.split(ACCOUNT)[1], request.url.params
    if single := re.fullmatch(r"/Calls/(CA[0-9a-f]{32})\.json", path):
        found = [row for row in rows[Kind.CALL] if row["sid"] == single[1]]
        return httpx.Response(200, json=found[0]) if found else refused(404, 20404)
    if path == "/Calls.json":
        return listed("calls", rows[Kind.CALL], request)
    assert path == "/Messages.json"
    assert {"To", "From"} & query.keys()
    threads = [row[end] for row in rows[Kind.CONVERSATION] for end in ("first", "last")]
    return listed("messages", [*threads, *rows[Kind.MESSAGE]], request)


def listed(name: str, rows: list[Row], request: httpx.Request) -> httpx.Response:
    """In an order nobody promised, page by page; the token of a page is a place in the list."""
    query = request.url.params
    assert 1 <= int(query["PageSize"]) <= 1000
    hits = [row for row in rows if is_found(row, query)]
    start = int(query.get("PageToken", "0"))
    end, following = start + min(PAGE, int(query["PageSize"])), None
    if end < len(hits):
        following = f"{request.url.path}?{query.set('PageToken', str(end))}"
    return httpx.Response(200, json={name: hits[start:end], "next_page_uri": following})


def is_found(row: Row, query: httpx.QueryParams) -> bool:
    since = query.get("StartTime>")
    return (
        query.get("To", row["to"]) == row["to"]
        and query.get("From", row["from"]) == row["from"]
        and (since is None or began(row) >= datetime.fromisoformat(since))
    )


def refused(status: int, code: int) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": "no", "status": status})


def rate_limited(wait_s: int) -> httpx.Response:
    body = {"code": 20429, "message": "Too Many Requests", "status": 429}
    return httpx.Response(429, json=body, headers={"retry-after": str(wait_s)})


def delivery(at: datetime, secret: str, body: bytes = DELIVERY) -> WebhookRequest:
    """A delivery signed by the vendor; it does not sign when."""
    url = "https://hooks.example.com/webhooks/here"
    fields = parse_qsl(body.decode(), keep_blank_values=True)
    covered = url + "".join(name + value for name, value in sorted(fields))
    signature = hmac.new(secret.encode(), covered.encode(), hashlib.sha1).digest()
    headers = {"x-twilio-signature": base64.b64encode(signature).decode()}
    return WebhookRequest(method="POST", url=url, headers=headers, body=body, received_at=at)


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["start_time"] = "the day before"
