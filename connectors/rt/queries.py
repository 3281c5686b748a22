"""What is asked of Request Tracker's REST2, and how the answers are read.

Document: docs.bestpractical.com/rt/5.0.3/RT/REST2.html. Measured: `per_page` above 100 is 100
without a word; a filter of users on a field that is not public (id, telephone numbers, LastUpdated)
is left out without a word; times in TicketSQL are in the time zone of the user, even where they
name another. Changes are therefore read newest first, down to the time asked for.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.reading import UNREADABLE, Options, Row, RowError, identifier, rfc3339, text
from connectors.request import Pairs, Request, get, segment
from connectors.rt.mapping import NOBODY, SYSTEM
from connectors.spec import ChildrenAsk, Figure, GetAsk, Page, SearchAsk, SinceAsk

ROOT = "/REST/2.0"
PAGE = Figure(100, "RT::REST2, Paging: per_page is at most 100; measured: cut without an error")
GONE = frozenset({404})
USER = (
    "id,Name,EmailAddress,RealName,HomePhone,WorkPhone,MobilePhone,Address1,Address2,City,State,"
    "Zip,Country,Organization,Created,LastUpdated"
)
_PERSON = "id,Name,RealName"
TICKET: Pairs = (
    ("fields", "Subject,Status,Priority,Queue,Owner,Requestor,Created,LastUpdated,Resolved"),
    ("fields[Requestor]", "id"),
    ("fields[Owner]", _PERSON),
    ("fields[Queue]", "Name"),
)
_PEOPLE: Pairs = (
    ("fields", "Requestor,Cc"),
    ("fields[Requestor]", "id"),
    ("fields[Cc]", "id"),
)
SPOKEN = {"Create", "Correspond", "Comment"}
HISTORY, ATTACHMENTS, PEOPLE = 0, 1, 2
LISTS = 3
"""A ticket's transactions, their texts, and who its customers are: no list holds two of them."""
_BELOW: Mapping[int, tuple[str, Pairs]] = {
    HISTORY: ("history", (("fields", "Type,Created,Creator"), ("fields[Creator]", _PERSON))),
    ATTACHMENTS: ("attachments", (("fields", "TransactionId,ContentType,Content,Filename"),)),
}


def ask_user(ask: GetAsk) -> Request:
    return get(f"{ROOT}/user/{segment(ask.ids[0])}", empty=GONE)


def ask_by_email(ask: SearchAsk) -> Request:
    wanted = {"field": "EmailAddress", "operator": "=", "value": ask.key.value.strip()}
    return _users(wanted, (("page", "1"),))


def ask_changed_users(ask: SinceAsk) -> Request:
    everybody = {"field": "Name", "operator": "!=", "value": ""}
    return _users(everybody, _place(ask))


def ask_tickets(ask: GetAsk) -> Request:
    return _tickets(_any("id", ask.ids), (("page", "1"),))


def ask_tickets_of(ask: ChildrenAsk) -> Request:
    """Newest first. They cannot be asked for by time, so what lies above is read in full pages."""
    page = (("orderby", "Created"), ("order", "DESC"), ("page", ask.cursor or "1"))
    return _tickets(_any("Requestor.id", ask.parents), page)


def ask_changed_tickets(ask: SinceAsk) -> Request:
    return _tickets("id > 0", _place(ask))


def ask_messages(ask: ChildrenAsk) -> Request:
    """One of the lists a message is put together from."""
    ticket, page = segment(ask.parents[0]), ("page", ask.cursor or "1")
    if ask.part == PEOPLE:
        return _tickets(f"id = {ask.parents[0]}", (page,), _PEOPLE)
    name, fields = _BELOW[ask.part]
    query = (*fields, ("per_page", str(PAGE.value)), page)
    return get(f"{ROOT}/ticket/{ticket}/{name}", query, empty=GONE)


def read_user(data: Any, ask: GetAsk) -> Page:
    """Nobody for one who was switched off or works here."""
    gone = str(data["Disabled"]) == "1" or data["Privileged"] == 1
    return Page(rows=() if gone else _customers([data], ask.options))


def read_users(data: Any, ask: SearchAsk) -> Page:
    return Page(rows=_customers(data["items"], ask.options))


def read_changed_users(data: Any, ask: SinceAsk) -> Page:
    page = _changed(data, ask)
    return Page(rows=_customers(page.rows, ask.options), cursor=page.cursor)


def read_tickets(data: Any, _ask: object) -> Page:
    return Page(rows=data["items"])


def read_tickets_of(data: Any, _ask: ChildrenAsk) -> Page:
    return Page(rows=data["items"], cursor=str(int(data["page"]) + 1) if _more(data) else None)


def read_changed_tickets(data: Any, ask: SinceAsk) -> Page:
    return _changed(data, ask)


def read_messages(data: Any, ask: ChildrenAsk) -> Page:
    """Rows of one list, each with the number of its list."""
    rows = [{"list": ask.part, "row": row} for row in data["items"]]
    return Page(rows=rows, cursor=str(int(data["page"]) + 1) if _more(data) else None)


def gather_messages(rows: Sequence[Row], ask: ChildrenAsk) -> Sequence[Row]:
    """What was said, each with its text and the customers of the ticket."""
    parts: dict[str, list[Row]] = {}
    for row in _listed(rows, ATTACHMENTS):
        parts.setdefault(_word(row, "TransactionId"), []).append(row)
    beside = {"ticket_id": ask.parents[0], "customers": _people(_listed(rows, PEOPLE))}
    return [
        {**row, **beside, "parts": parts.get(_word(row, "id"), [])}
        for row in _listed(rows, HISTORY)
        if _word(row, "Type") in SPOKEN
    ]


def _listed(rows: Iterable[Row], number: int) -> list[Row]:
    found = [each["row"] for each in rows if each["list"] == number]
    return [row for row in found if isinstance(row, Mapping)]


def _people(tickets: Iterable[Row]) -> list[str]:
    """Who asked and who is in copy."""
    listed = [ticket.get(name) for ticket in tickets for name in ("Requestor", "Cc")]
    found = [one for people in listed if isinstance(people, list) for one in people]
    return [_word(one, "id") for one in found if isinstance(one, Mapping)]


def _word(row: Row, name: str) -> str:
    """A value as text, whatever it is."""
    return str(row.get(name, ""))


def _users(wanted: Mapping[str, str], page: Pairs) -> Request:
    query = (("query", json.dumps([wanted])), ("fields", USER), ("per_page", str(PAGE.value)))
    return get(f"{ROOT}/users", (*query, *page))


def _tickets(wanted: str, page: Pairs, fields: Pairs = TICKET) -> Request:
    query = (("query", wanted), *fields, ("per_page", str(PAGE.value)))
    return get(f"{ROOT}/tickets", (*query, *page))


def _any(field: str, ids: Iterable[str]) -> str:
    return " OR ".join(f"{field} = {external_id}" for external_id in ids)


def _place(ask: SinceAsk) -> Pairs:
    """Everything runs by id; changes run newest first, which needs no time in the question."""
    by, way = ("id", "ASC") if ask.since is None else ("LastUpdated", "DESC")
    return (("orderby", by), ("order", way), ("page", (ask.cursor or "1/").partition("/")[0]))


def _changed(data: Any, ask: SinceAsk) -> Page:
    """A page, down to the time asked for. Raises RowError where the page before comes again."""
    rows, before = data["items"], (ask.cursor or "").partition("/")[2]
    last = identifier(rows[-1]["id"]) if rows else ""
    if last and last == before:
        raise RowError("the page before")
    oldest = rfc3339(rows[-1]["LastUpdated"]) if rows and ask.since is not None else None
    reached = oldest is not None and ask.since is not None and oldest < ask.since
    more = _more(data) and not reached
    return Page(rows=rows, cursor=f"{int(data['page']) + 1}/{last}" if more else None)


def _more(data: Any) -> bool:
    """How many pages there are is not told to a user who may not see everything."""
    pages = data.get("pages")
    return bool(data["items"]) if pages is None else int(data["page"]) < pages


def _customers(rows: Iterable[Row], options: Options) -> list[Row]:
    """Without RT's own users and staff, whom a list does not tell from customers."""
    staff = {name.strip().lower() for name in str(options.get("staff") or "").split(",")} - {""}
    own = {NOBODY.lower(), SYSTEM.lower()}
    return [row for row in rows if not _names(row) & (staff | own)]


def _names(row: Row) -> set[str]:
    """The login and the domain ("@...") a user may be left out by."""
    try:
        login, address = text(row.get("Name")) or "", text(row.get("EmailAddress")) or ""
    except UNREADABLE:
        return set()
    _, at, domain = address.lower().rpartition("@")
    return {login.lower(), f"@{domain}" if at else ""} - {""}
