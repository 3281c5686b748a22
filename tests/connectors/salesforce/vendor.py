"""Salesforce in memory, as far as the contract suite asks it: SOQL, page by page, with the deleted
rows or without. Rows are the recorded ones with other numbers in them.
"""

import copy
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import Parent, ParentBy

SECRETS = {"token": "planted-salesforce-token"}
OPTIONS: dict[str, Any] = {
    "domain": "here",
    "account_number_field": "Account_Number__c",
    "foreign_ids": {"erp": "ERP_Id__c"},
}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "salesforce"
BEGAN = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
CUT = 200  # the vendor gives up to 2,000 and may give fewer
DATA = "/services/data/v63.0"
OBJECTS = {"Contact": Kind.CONTACT, "Case": Kind.TICKET, "CaseComment": Kind.MESSAGE}

Row = dict[str, Any]
Rows = dict[Kind, list[Row]]
Test = Callable[[Row], bool]


def recorded(name: str) -> Row:
    found: Row = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))["records"][0]
    return copy.deepcopy(found)


def seed(count: int) -> Rows:
    return {
        Kind.CONTACT: [contact(number) for number in range(101, 101 + count)],
        Kind.TICKET: [case(number) for number in range(5001, 5001 + count)],
        Kind.MESSAGE: [comment(number) for number in range(7001, 7001 + count)],
    }


def sf_id(prefix: str, number: int) -> str:
    return f"{prefix}RO{number:010}YAM"


def contact(number: int) -> Row:
    row = recorded("contacts")
    row |= {
        "Id": sf_id("003", number),
        "Email": f"person{number}@example.com",
        "Phone": f"(0113) 496-{number:04}",
        "MobilePhone": None,
        "Account_Number__c": f"AC-{number:06}",
        "ERP_Id__c": f"E-{number}",
    }
    touch(row, BEGAN + timedelta(seconds=number % 60))
    return row


def case(number: int) -> Row:
    """Three people ask in turn, and two cases begin in the same second."""
    row = recorded("cases")
    person = 101 + number % 3
    row |= {
        "Id": sf_id("500", number),
        "ContactId": sf_id("003", person),
        "Contact": {"Email": f"person{person}@example.com"},
        "CreatedDate": stamp(BEGAN + timedelta(minutes=number // 2)),
        "Description": None,
    }
    touch(row, BEGAN + timedelta(days=1, seconds=number % 60))
    return row


def comment(number: int) -> Row:
    row = recorded("comments")
    row |= {"Id": sf_id("00a", number), "ParentId": sf_id("500", 5001 + number % 2)}
    row["CreatedDate"] = stamp(BEGAN + timedelta(minutes=number // 4))
    return row


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def touch(row: Row, at: datetime) -> None:
    """The vendor changed the row at that time."""
    row["SystemModstamp"] = stamp(at)


def external_id(kind: Kind, row: Row) -> str:
    return f"{row['ParentId']}/{row['Id']}" if kind is Kind.MESSAGE else str(row["Id"])


def parents(rows: Rows, kind: Kind) -> dict[Parent, list[str]]:
    """Who has what, newest first, by every key a parent can be known by."""
    found: dict[Parent, list[str]] = {}
    for row in sorted(rows[kind], key=lambda r: (r["CreatedDate"], r["Id"]), reverse=True):
        owners = [Parent(ParentBy.OWN, row.get("ParentId", ""))]
        if kind is Kind.TICKET:
            number = int(row["ContactId"][5:15])
            owners = [
                Parent(ParentBy.OWN, row["ContactId"]),
                Parent(ParentBy.EMAIL, row["Contact"]["Email"].upper()),
                Parent(ParentBy.PHONE, f"+44113496{number:04}"),
            ]
        for parent in owners:
            found.setdefault(parent, []).append(external_id(kind, row))
    return found


def searches(rows: Rows) -> list[tuple[LookupKey, set[str]]]:
    row = rows[Kind.CONTACT][3]
    found, number = {row["Id"]}, int(row["Id"][5:15])
    return [
        (LookupKey(KeyKind.EMAIL, row["Email"].upper()), found),
        (LookupKey(KeyKind.PHONE, f"+44113496{number:04}"), found),
        (LookupKey(KeyKind.ACCOUNT_NUMBER, row["Account_Number__c"]), found),
        (LookupKey(KeyKind.EXTERNAL, row["ERP_Id__c"], "erp"), found),
        (LookupKey(KeyKind.EMAIL, "nobody' OR Email != '@example.com"), set()),
    ]


def answer(rows: Rows, request: httpx.Request) -> httpx.Response:
    assert request.url.host == "here.my.salesforce.com"
    assert len(str(request.url)) < 16_384 - 2_000
    if request.headers["authorization"] != f"Bearer {SECRETS['token']}":
        return refused(401, "INVALID_SESSION_ID")
    resource = request.url.path.removeprefix(DATA)
    if more := re.fullmatch(r"/query/01g([0-9a-f]+)-(\d+)", resource):
        statement = bytes.fromhex(more[1]).decode()
        return page(queried(rows, statement, deleted=False), statement, int(more[2]))
    assert resource in {"/query", "/queryAll"}
    statement = request.url.params["q"]
    return page(queried(rows, statement, deleted=resource == "/queryAll"), statement, 0)


def page(rows: list[Row], statement: str, start: int) -> httpx.Response:
    end = start + CUT
    body: Row = {"totalSize": len(rows), "done": end >= len(rows), "records": rows[start:end]}
    if end < len(rows):
        body["nextRecordsUrl"] = f"{DATA}/query/01g{statement.encode().hex()}-{end}"
    return httpx.Response(200, json=body)


def queried(rows: Rows, statement: str, *, deleted: bool) -> list[Row]:
    form = r"SELECT (\S+) FROM (\w+)(?: WHERE (.*?))?(?: ORDER BY (.*?))? LIMIT (\d+)"
    match = re.fullmatch(form, statement, re.DOTALL)
    assert match, statement
    fields, source, where, order, limit = match.groups()
    assert int(limit) <= 2_000
    test = condition(where) if where else lambda _row: True
    found = [r for r in rows[OBJECTS[source]] if test(r) and (deleted or not r.get("IsDeleted"))]
    for part in reversed(order.split(", ") if order else []):
        name, way = part.split()
        found.sort(key=lambda row, name=name: row[name], reverse=way == "DESC")  # type: ignore[misc]
    return [shown(row, fields.split(",")) for row in found[: int(limit)]]


def shown(row: Row, fields: list[str]) -> Row:
    """Only the fields asked for; those of another object inside it."""
    found: Row = {}
    for field in fields:
        first, _, second = field.partition(".")
        if second:
            found[first] = {**(found.get(first) or {}), second: value(row, field)}
        else:
            found[first] = row.get(first)
    return found


TOKEN = re.compile(r"\s*('(?:\\.|[^'\\])*'|\(|\)|,|[<>]=?|=|[\w.:+-]+)")


def condition(text: str) -> Test:
    """AND binds as in the statements asked: groups in brackets hold ORs, or ANDs."""
    tokens = TOKEN.findall(text)
    assert not TOKEN.sub("", text).strip(), text
    test = group(tokens)
    assert not tokens
    return test


def group(tokens: list[str]) -> Test:
    tests, word = [term(tokens)], ""
    while tokens and tokens[0] in {"AND", "OR"}:
        assert word in {"", tokens[0]}, "mixed without brackets"
        word = tokens.pop(0)
        tests.append(term(tokens))
    check = any if word == "OR" else all
    return lambda row: check(test(row) for test in tests)


def term(tokens: list[str]) -> Test:
    if tokens[0] == "(":
        tokens.pop(0)
        test = group(tokens)
        assert tokens.pop(0) == ")"
        return test
    field, operator = tokens.pop(0), tokens.pop(0)
    if operator == "IN":
        assert tokens.pop(0) == "("
        values = [literal(tokens.pop(0))]
        while tokens.pop(0) == ",":
            values.append(literal(tokens.pop(0)))
        return lambda row: folded(value(row, field)) in {folded(one) for one in values}
    return compared(field, operator, literal(tokens.pop(0)))


def compared(field: str, operator: str, wanted: str) -> Test:
    if operator == "LIKE":
        pattern = re.compile(".*".join(map(re.escape, wanted.split("%"))), re.IGNORECASE)
        return lambda row: bool(pattern.fullmatch(value(row, field) or ""))
    checks: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda one, other: one == other,
        "<": lambda one, other: one < other,
        ">": lambda one, other: one > other,
        "<=": lambda one, other: one <= other,
        ">=": lambda one, other: one >= other,
    }
    return lambda row: checks[operator](ordered(field, value(row, field)), ordered(field, wanted))


def ordered(field: str, given: Any) -> Any:
    return datetime.fromisoformat(given) if field in {"CreatedDate", "SystemModstamp"} else given


def literal(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith("'") else token


def folded(given: Any) -> Any:
    return given.lower() if isinstance(given, str) else given


def value(row: Row, field: str) -> Any:
    first, _, second = field.partition(".")
    return (row.get(first) or {}).get(second) if second else row.get(first)


def refused(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json=[{"errorCode": code, "message": "no"}])


def rate_limited(wait_s: int) -> httpx.Response:
    """The vendor itself names no wait."""
    response = refused(403, "REQUEST_LIMIT_EXCEEDED")
    response.headers["retry-after"] = str(wait_s)
    return response


def spoil(row: Row) -> None:
    """Make the row one that cannot be read."""
    row["CreatedDate"] = "the day before"
