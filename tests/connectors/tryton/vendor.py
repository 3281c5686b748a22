"""Tryton in memory, as far as the contract suite asks it: searches of parties by domain. Rows are
the recorded ones with other numbers in them.
"""

import base64
import copy
import json
import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import Parent

SECRETS = {"token": "planted:7:tryton-session"}
OPTIONS = {"host": "here.example", "database": "lighthouse"}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "tryton"
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def recorded() -> Row:
    found: Row = json.loads((FIXTURES / "parties.json").read_text(encoding="utf-8"))["result"][0]
    return copy.deepcopy(found)


def seed(count: int) -> Rows:
    return {Kind.CONTACT: [party(number) for number in range(101, 101 + count)]}


def party(number: int) -> Row:
    row = recorded() | {"id": number, "code": f"P{number}"}
    email, phone = row["contact_mechanisms."]
    email["value"], phone["value"] = f"Person{number}@example.com", f"+44 113 496 {number:04}"
    touch(row, BEGAN + timedelta(seconds=number % 60))
    return row


def touch(row: Row, at: datetime) -> None:
    """The vendor changed the e-mail of the party at that time; the party's own time stays."""
    moment = stamp(BEGAN - timedelta(days=30))
    for each in (row, *row["contact_mechanisms."], *row["addresses."]):
        each |= {"create_date": moment, "write_date": None}
    row["contact_mechanisms."][0]["write_date"] = stamp(at)


def stamp(at: datetime) -> Row:
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{part: getattr(at, part) for part in parts}}


def external_id(_kind: Kind, row: Row) -> str:
    return str(row["id"])


def parents(_rows: Rows, _kind: Kind) -> dict[Parent, list[str]]:
    return {}


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    found = {str(row["id"])}
    return [
        (LookupKey(KeyKind.EMAIL, row["contact_mechanisms."][0]["value"].upper()), found),
        (LookupKey(KeyKind.PHONE, row["contact_mechanisms."][1]["value"].replace(" ", "")), found),
        (LookupKey(KeyKind.ACCOUNT_NUMBER, row["code"]), found),
        (LookupKey(KeyKind.EMAIL, "nobody@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    session = base64.b64encode(SECRETS["token"].encode()).decode()
    if request.headers["authorization"] != f"Session {session}":
        return httpx.Response(401, content=b"")
    assert request.url.path == "/lighthouse/rpc/"
    call = json.loads(request.content)
    assert call["method"] == "model.party.party.search_read"
    domain, offset, limit, order, fields, context = call["params"]
    assert (offset, order) == (0, [["id", "ASC"]])
    assert "contact_mechanisms.write_date" in fields
    # In use only, unless the context says otherwise.
    active = [row for row in rows[Kind.CONTACT] if row["active"] or "active_test" in context]
    hits = sorted((row for row in active if fits(row, domain)), key=lambda row: row["id"])
    return httpx.Response(200, json={"id": call["id"], "result": hits[:limit]})


def fits(row: Row, domain: list[Any]) -> bool:
    """Whether the row satisfies the domain: all of it, or any of it behind "OR"."""
    if domain and domain[0] == "OR":
        return any(is_so(row, clause) for clause in domain[1:])
    return all(is_so(row, clause) for clause in domain)


def is_so(row: Row, clause: Any) -> bool:
    if not clause or isinstance(clause[0], list) or clause[0] == "OR":
        return fits(row, clause)
    name, sign, value = clause
    return SIGNS[sign](row[f"{name}."] if sign == "where" else row[name], value)


def moment(value: Row) -> datetime:
    parts = {name: number for name, number in value.items() if name != "__class__"}
    return datetime(**parts, tzinfo=UTC)


def later(held: Row | None, value: Row) -> bool:
    return held is not None and moment(held) >= moment(value)


def like(held: str, pattern: str) -> bool:
    assert "\\" not in pattern
    return fnmatchcase(held.lower(), pattern.lower().replace("%", "*"))


SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "where": lambda held, value: any(fits(each, value) for each in held),
    "in": lambda held, value: held in value,
    "=": operator.eq,
    ">": operator.gt,
    ">=": later,
    "ilike": like,
}


def rate_limited(wait_s: int) -> httpx.Response:
    """Tryton's own 429 names no wait; the server in front of it does."""
    return httpx.Response(429, content=b"", headers={"retry-after": str(wait_s)})


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["create_date"] = "the day before"
