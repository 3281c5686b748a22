"""Vendure in memory, as far as the contract suite asks it: lists with filters, and the orders of
customers. Rows are the recorded ones with other numbers in them.
"""

import copy
import json
import re
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy

SECRETS = {"token": "planted-vendure-token"}
OPTIONS = {"host": "here.example"}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "vendure"
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def recorded(name: str, rows: str) -> Row:
    data = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))["data"]
    row: Row = data[rows]["items"][0]
    return copy.deepcopy(row)


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [customer(number) for number in range(101, 101 + count)],
        Kind.ORDER: [order(number) for number in range(5001, 5001 + count)],
    }


def customer(number: int) -> Row:
    row = recorded("customers", "customers") | {"id": str(number)}
    row |= {"emailAddress": f"person{number}@example.com", "phoneNumber": f"0113 496 {number:04}"}
    row["addresses"][0]["updatedAt"] = stamp(BEGAN - timedelta(days=9))
    touch(row, BEGAN + timedelta(seconds=number % 60))
    return row


def order(number: int) -> Row:
    """Three people buy in turn, and two orders are placed in the same second."""
    row = recorded("order_shipped", "orders")
    row |= {"id": str(number), "code": f"CODE{number}", "customer": {"id": str(101 + number % 3)}}
    row["orderPlacedAt"] = stamp(BEGAN + timedelta(minutes=number // 2))
    touch(row, BEGAN - timedelta(days=60))
    return row


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def touch(row: Row, at: datetime) -> None:
    """The vendor changed the row at that time. Of an order no time moves: it stays among the young
    ones, which are read again.
    """
    if "orderPlacedAt" not in row or at < BEGAN:
        row["updatedAt"] = stamp(at)


def external_id(_kind: Kind, row: Row) -> str:
    return str(row["id"])


def parents(rows: Rows, _kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first."""
    found: dict[Parent, list[str]] = {}
    for row in newest_first(rows[Kind.ORDER]):
        found.setdefault(Parent(ParentBy.OWN, row["customer"]["id"]), []).append(row["id"])
    return found


def newest_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["orderPlacedAt"], row["id"]), reverse=True)


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row, sold = rows[Kind.CONTACT][3], rows[Kind.ORDER][0]
    found = {row["id"]}
    return [
        (LookupKey(KeyKind.EMAIL, row["emailAddress"].upper()), found),
        (LookupKey(KeyKind.PHONE, f"+44{row['phoneNumber'].replace(' ', '')[1:]}"), found),
        (LookupKey(KeyKind.ORDER_NUMBER, f"#{sold['code'].lower()}"), {sold["customer"]["id"]}),
        (LookupKey(KeyKind.EMAIL, "nobody@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    if request.headers["authorization"] != f"Bearer {SECRETS['token']}":
        return errors("FORBIDDEN")
    assert request.url.path == "/admin-api"
    asked = json.loads(request.content)
    document, variables = asked["query"], asked["variables"]
    if "query OrdersOf" in document:
        return orders_of(rows, variables)
    options = variables["options"]
    if "query Customers" in document:
        return listed("customers", rows[Kind.CONTACT], options)
    found = rows[Kind.ORDER]
    if "query Buyer" in document:
        people = {row["id"]: row for row in rows[Kind.CONTACT]}
        found = [row | {"customer": people[row["customer"]["id"]]} for row in found]
    return listed("orders", [shown(row, document) for row in found], options)


def listed(name: str, rows: list[Row], options: Row) -> httpx.Response:
    return httpx.Response(200, json={"data": {name: page(rows, options)}})


def page(rows: list[Row], options: Row) -> Row:
    take, skip = options["take"], options.get("skip", 0)
    assert 1 <= take <= 1_000
    ((by, way),) = options.get("sort", {"id": "ASC"}).items()
    hits = [row for row in rows if fits(row, options["filter"])]
    hits.sort(key=lambda row: (row[by], row["id"]), reverse=way == "DESC")
    return {"totalItems": len(hits), "items": hits[skip : skip + take]}


def orders_of(rows: Rows, variables: Row) -> httpx.Response:
    """Orders of the customers there are, each list cut by itself."""
    ids = variables["ids"]
    assert 1 <= len(ids) == variables["take"]
    people = [row["id"] for row in reversed(rows[Kind.CONTACT]) if row["id"] in ids]
    items = [
        {
            "id": one,
            "orders": page(
                [row for row in rows[Kind.ORDER] if row["customer"]["id"] == one],
                variables["orders"],
            ),
        }
        for one in people
    ]
    return httpx.Response(200, json={"data": {"customers": {"items": items}}})


def fits(row: Row, wanted: Row) -> bool:
    """Whether the row satisfies every filter."""
    return all(is_so(row, name, value) for name, value in wanted.items())


def is_so(row: Row, name: str, value: Any) -> bool:
    if name == "_and":
        return all(fits(row, one) for one in value)
    if name == "_or":
        return any(fits(row, one) for one in value)
    held = row.get(name, "Regular")
    ((sign, operand),) = value.items()
    return bool(SIGNS[sign](held, operand))


SIGNS = {
    "in": lambda held, operand: held in operand,
    "contains": lambda held, operand: fnmatchcase(held, f"*{operand.replace('%', '*')}*"),
    "after": lambda held, operand: held > operand,
    "before": lambda held, operand: held < operand,
    "isNull": lambda held, operand: (held is None) == operand,
    "notEq": lambda held, operand: held != operand,
}


def shown(row: Row, document: str) -> Row:
    """Only what the document selects, to the first level."""
    return {name: value for name, value in row.items() if re.search(rf"\b{name}\b", document)}


def errors(code: str) -> httpx.Response:
    error = {"message": "no", "path": ["customers"], "extensions": {"code": code}}
    return httpx.Response(200, json={"errors": [error], "data": None})


def rate_limited(wait_s: int) -> httpx.Response:
    """Vendure limits nothing by itself; the server in front of it may."""
    return httpx.Response(429, json={}, headers={"retry-after": str(wait_s)})


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["updatedAt"] = "the day before"
