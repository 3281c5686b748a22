"""commercetools in memory, as far as the contract suite asks it: two lists, cut by predicates. Rows
are those of the fixtures with other numbers in them.
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

MOCK = "commercetools-graphql"
SECRETS = {"token": "planted-commercetools-token"}
OPTIONS = {"project": "lighthouse"}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "commercetools"
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
UNREADABLE_EXAMPLES = dict.fromkeys(
    ("get_many CONTACT", "get_many ORDER", "search email", "search accountNumber"),
    "the mock answers with strangers whatever is asked, and a strict form does not take them",
)
LISTS = {"customers": Kind.CONTACT, "orders": Kind.ORDER}

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


@cache
def _text(name: str) -> str:
    return (FIXTURES / f"{name}.json").read_text(encoding="utf-8")


def recorded(name: str) -> Row:
    row: Row = json.loads(_text(name))["data"][name]["results"][0]
    return row


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [customer(number) for number in range(101, 101 + count)],
        Kind.ORDER: [order(number) for number in range(5001, 5001 + count)],
    }


def uuid(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012x}"


def customer(number: int) -> Row:
    row = recorded("customers")
    row |= {"id": uuid(number), "email": f"Person{number}@example.com"}
    row |= {"customerNumber": f"AC-{number}", "externalId": None}
    touch(row, BEGAN + timedelta(seconds=number % 60))
    return row


def order(number: int) -> Row:
    """Three people buy in turn, and two orders are placed in the same second."""
    row = recorded("orders")
    buyer = 101 + number % 3
    row |= {"id": uuid(number), "orderNumber": f"A-{number}"}
    row |= {"customerId": uuid(buyer), "customerEmail": f"person{buyer}@example.com"}
    row["createdAt"] = stamp(BEGAN + timedelta(minutes=number // 2))
    touch(row, BEGAN + timedelta(days=1, seconds=number % 60))
    return row


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def touch(row: Row, at: datetime) -> None:
    row["lastModifiedAt"] = stamp(at)


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["lastModifiedAt"] = "the day before"


def external_id(_kind: Kind, row: Row) -> str:
    return str(row["id"])


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first."""
    found: dict[Parent, list[str]] = {}
    for row in sorted(rows[kind], key=lambda one: (one["createdAt"], one["id"]), reverse=True):
        owners = [
            Parent(ParentBy.OWN, row["customerId"]),
            Parent(ParentBy.EMAIL, row["customerEmail"]),
        ]
        for parent in owners:
            found.setdefault(parent, []).append(row["id"])
    return found


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    return [
        (LookupKey(KeyKind.EMAIL, row["email"].upper()), {row["id"]}),
        (LookupKey(KeyKind.ACCOUNT_NUMBER, row["customerNumber"]), {row["id"]}),
        (LookupKey(KeyKind.EMAIL, 'nobody" or "1" = "1@example.com'), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    if request.headers["authorization"] != f"Bearer {SECRETS['token']}":
        return httpx.Response(401, json={"statusCode": 401, "error": "invalid_token"})
    assert request.url.path == "/lighthouse/graphql"
    asked = json.loads(request.content)
    name = re.search(r"\{ (customers|orders)\(", asked["query"])[1]
    given = asked["variables"]
    assert 1 <= given["limit"] <= 500
    found = [row for row in rows[LISTS[name]] if is_found(row, given["where"])]
    for each in reversed(given["sort"]):
        column, way = each.split()
        found.sort(key=lambda row, column=column: row[column], reverse=way == "desc")
    wanted = set(re.findall(r"\w+", asked["query"]))
    shown = [
        {key: value for key, value in copy.deepcopy(row).items() if key in wanted}
        for row in found[: given["limit"]]
    ]
    return httpx.Response(200, json={"data": {name: {"results": shown}}})


TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|(<=|>=|[<>=(),])|(\w+)')


def is_found(row: Row, where: str | None) -> bool:
    """The predicate, as an expression over the row."""
    if where is None:
        return True
    told = {**row, "lowercaseEmail": str(row.get("email", "")).lower()}
    words = []
    for text, sign, name in TOKEN.findall(where):
        if name in ("and", "or", "in"):
            words.append(name)
        elif name:
            words.append(repr(told[name]))
        else:
            words.append({"=": "=="}.get(sign, sign) or repr(text.replace('\\"', '"')))
    expression = re.sub(r"in \(([^()]*)\)", r"in (\1,)", " ".join(words))
    return bool(eval(expression, {"__builtins__": {}}))  # noqa: S307  # literals, made above


def rate_limited(wait_s: int) -> httpx.Response:
    body = {"statusCode": 429, "message": "Too many requests"}
    return httpx.Response(429, json=body, headers={"retry-after": str(wait_s)})
