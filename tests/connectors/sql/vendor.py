"""The database of connectors/sql/example.toml: an SQLite in memory that runs its statements. The
way from a request to a real database is tested in test_sql.py.
"""

import base64
import hmac
import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.mapped.example import example
from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy, WebhookRequest

SECRETS = {
    "url": "postgresql://reader:planted-sql-password@database.example/erp",
    "webhook_secret": "planted-sql-webhook-secret",
}
OPTIONS: dict[str, Any] = {}
CUSTOMER_KEY = "own"
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
DELIVERY = b"""[{"change": 71, "table": "customers", "row": 101},
    {"change": 72, "table": "orders", "row": "5001"}, {"change": 73, "table": "stock", "row": 9}]"""
EXAMPLE = example("connectors.sql")
TABLES = {Kind.CONTACT: "customers", Kind.ORDER: "orders", Kind.TICKET: "calls"}

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [customer(number) for number in range(101, 101 + count)],
        Kind.ORDER: [order(number) for number in range(5001, 5001 + count)],
        Kind.TICKET: [call(number) for number in range(9001, 9001 + count)],
    }


def customer(number: int) -> Row:
    return {
        "id": number,
        "name": f"Ann Person{number}",
        "email": f"person{number}@example.com",
        "phone": f"+44113496{number:04}",
        "customer_no": f"AC-{number}",
        "born": "1980-12-24",
        "created_at": plain(BEGAN),
        "changed_at": plain(BEGAN + timedelta(seconds=number % 60)),
    }


def order(number: int) -> Row:
    return {
        "no": str(number),
        "placed_at": plain(BEGAN + timedelta(minutes=number // 2)),
        "state": "sent",
        "total": "12.50",
        "currency": "EUR",
        "customer_id": 101 + number % 3,
    }


def call(number: int) -> Row:
    return {
        "id": f"c{number}",
        "opened": plain(BEGAN + timedelta(minutes=number // 2)),
        "title": "Late parcel",
        "status": "open",
        "priority": "high",
        "phone": f"+44113496{101 + number % 3:04}",
        "customer_id": 101 + number % 3,
    }


def plain(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(" ")


def touch(row: Row, at: datetime) -> None:
    row["changed_at"] = plain(at)


def spoil(row: Row) -> None:
    """A word that sorts behind every time."""
    row["changed_at"] = "the day before"


def external_id(kind: Kind, row: Row) -> str:
    return str(row["no" if kind is Kind.ORDER else "id"])


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    found: dict[Parent, list[str]] = {}
    moment = "placed_at" if kind is Kind.ORDER else "opened"
    ranked = sorted(rows[kind], key=lambda r: (r[moment], external_id(kind, r)), reverse=True)
    for row in ranked:
        number = row["customer_id"]
        other = Parent(ParentBy.EMAIL, f"person{number}@example.com")
        if kind is Kind.TICKET:
            other = Parent(ParentBy.PHONE, row["phone"])
        owners = [Parent(ParentBy.OWN, str(number)), other]
        for parent in owners:
            found.setdefault(parent, []).append(external_id(kind, row))
    return found


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    return [
        (LookupKey(KeyKind.EMAIL, row["email"].upper()), {str(row["id"])}),
        (LookupKey(KeyKind.PHONE, row["phone"]), {str(row["id"])}),
        (LookupKey(KeyKind.EMAIL, "nobody' OR '1'='1"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    if request.headers["authorization"] != SECRETS["url"]:
        return httpx.Response(401, json=None)
    table: Any = EXAMPLE
    for key in request.url.path.lstrip("/").split("."):
        table = table[key]
    statement, values = bound(table["sql"], json.loads(request.content))
    with closing(sqlite3.connect(":memory:")) as database:
        database.row_factory = sqlite3.Row
        for kind, name in TABLES.items():
            fill(database, name, list(seed(1)[kind][0]), rows[kind])
        found = database.execute(statement, values).fetchall()
        return httpx.Response(200, json=[dict(row) for row in found])


def fill(database: sqlite3.Connection, table: str, columns: list[str], rows: list[Row]) -> None:
    database.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
    places = ", ".join(f":{column}" for column in columns)
    database.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608  # ours


def bound(statement: str, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Lists expanded, times as this database compares them."""
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name in ("since", "until"):
            far = "0001" if name == "since" else "9999"
            given[name] = plain(datetime.fromisoformat(value)) if value else far
        elif isinstance(value, list):
            assert len(value) <= 200
            names = [f"{name}_{i}" for i in range(len(value))]
            statement = re.sub(rf":{name}\b", f"({', '.join(f':{n}' for n in names)})", statement)
            given |= dict(zip(names, value, strict=True))
        else:
            given[name] = value
    return statement, given


def rate_limited(wait_s: int) -> httpx.Response:
    return httpx.Response(429, json=None, headers={"retry-after": str(wait_s)})


def delivery(at: datetime, secret: str, body: bytes = DELIVERY) -> WebhookRequest:
    """A delivery signed at that time by what listens to the database."""
    sent = at.isoformat()
    signature = hmac.digest(secret.encode(), f"{sent}:".encode() + body, "sha1")
    headers = {"x-signature": base64.b64encode(signature).decode(), "x-sent": sent}
    url = "https://hooks.example.com/webhooks/here"
    return WebhookRequest(method="POST", url=url, headers=headers, body=body, received_at=at)
