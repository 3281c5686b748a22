"""What is asked of Tryton over JSON-RPC, and how the answers are read.

Documents: docs.tryton.org, trytond reference, Model ("search_read", domain syntax) and JSON-RPC.
Everything is a search, since `read` refuses a whole batch over one unknown id. The last argument of
every call is the context; `active_test` off shows what was put out of use.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.matching import digits
from connectors.reading import Options, identifier
from connectors.request import Request, post, segment
from connectors.spec import Figure, GetAsk, Page, SearchAsk, SinceAsk

PAGE = Figure(200, "ours: Tryton names no limit; 200 parties are about 200 kB")
FIELDS = (
    "name",
    "code",
    "active",
    "create_date",
    "write_date",
    *(
        f"contact_mechanisms.{name}"
        for name in ("type", "value", "active", "create_date", "write_date")
    ),
    *(f"addresses.{name}" for name in ("street", "city", "postal_code", "active")),
    *(f"addresses.{name}" for name in ("country.code", "subdivision.name")),
    *(f"addresses.{name}" for name in ("create_date", "write_date")),
)

Domain = Sequence[Any]


def ask_parties(ask: GetAsk) -> Request:
    return _search([["id", "in", [int(one) for one in ask.ids]]], ask.options)


def ask_by_email(ask: SearchAsk) -> Request:
    """Whatever its case: Tryton keeps the local part as it was typed."""
    return _search(_mechanism(["email"], _escaped(ask.key.value)), ask.options)


def ask_by_phone(ask: SearchAsk) -> Request:
    """By the last seven digits, whatever stands between them: the number is kept as it was typed
    where the server lacks the library that formats it.
    """
    ending = "%".join(digits(ask.key.value)[-7:])
    return _search(_mechanism(["phone", "mobile"], f"%{ending}"), ask.options)


def ask_by_code(ask: SearchAsk) -> Request:
    return _search([["code", "=", ask.key.value.strip()]], ask.options)


def ask_changed(ask: SinceAsk) -> Request:
    """By id, behind the last one read, so that what changes meanwhile moves nothing. A party's time
    does not move with its e-mails, numbers and addresses: theirs are asked for too.
    """
    domain: list[Any] = [["id", ">", int(ask.cursor)]] if ask.cursor else []
    if ask.since is not None:
        changed = _changed(ask.since)
        below = [[name, "where", [changed]] for name in ("contact_mechanisms", "addresses")]
        domain.append([*changed, *below])
    return _search(domain, ask.options, limit=PAGE.value, context={"active_test": False})


def read_parties(data: Any, _ask: object) -> Page:
    return Page(rows=data["result"])


def read_changed(data: Any, _ask: SinceAsk) -> Page:
    """A party out of use is gone: Tryton does so when two are merged."""
    rows = data["result"]
    gone = [identifier(row["id"]) for row in rows if not row["active"]]
    full = len(rows) == PAGE.value
    return Page(
        rows=[row for row in rows if row["active"]],
        deleted=gone,
        cursor=identifier(rows[-1]["id"]) if full else None,
    )


def _search(
    domain: Domain,
    options: Options,
    *,
    limit: int | None = None,
    context: Mapping[str, Any] | None = None,
) -> Request:
    order = [["id", "ASC"]]
    params = [domain, 0, limit, order, FIELDS, context or {}]
    call = {"id": 1, "method": "model.party.party.search_read", "params": params}
    return post(f"/{segment(str(options['database']))}/rpc/", call)


def _mechanism(types: Sequence[str], pattern: str) -> Domain:
    inner = [["type", "in", types], ["value", "ilike", pattern]]
    return [["contact_mechanisms", "where", inner]]


def _changed(since: datetime) -> Domain:
    """What was never written has a time of creation alone."""
    moment = _moment(since)
    return ["OR", ["write_date", ">=", moment], ["create_date", ">=", moment]]


def _moment(at: datetime) -> Mapping[str, object]:
    utc = at.astimezone(UTC)
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{part: getattr(utc, part) for part in parts}}


def _escaped(value: str) -> str:
    """The text itself, where a pattern is expected."""
    plain = value.strip().replace("\\", "\\\\")
    return plain.replace("%", "\\%").replace("_", "\\_")
