"""What is asked of Zendesk Support and how the answers are read.

Documents: the published description of the Support API. Repeating one keyword in a search means
"any of these" (Zendesk Support search reference).
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.matching import digits
from connectors.reading import Row, identifier
from connectors.request import ACCOUNT, Request, get, segment
from connectors.spec import ChildrenAsk, Figure, GetAsk, Page, SearchAsk, StreamAsk
from domain.sources import Fields
from domain.vocabulary import TicketStatus

REFERENCE = "https://developer.zendesk.com/api-reference"
SEARCH = f"{REFERENCE}/ticketing/ticket-management/search/"
FOUND_PAGE = Figure(100, f"{SEARCH}: at most 100 results a page")
FOUND_PAGES = 10
"""Of 100: a search gives 1,000 results and refuses page 11 (422)."""
COMMENTS_PAGE = Figure(100, "Ticket Comments: a maximum of 100 records per page")
INCREMENTAL = "incremental"

# The description requires a start beside the cursor too; the exports take no 0.
_BEGINNING = "1"
_IDENTITIES = ("include", "identities")
_STATUS = {
    TicketStatus.NEW: "new",
    TicketStatus.OPEN: "open",
    TicketStatus.PENDING: "pending",
    TicketStatus.ON_HOLD: "hold",
    TicketStatus.RESOLVED: "solved",
    TicketStatus.CLOSED: "closed",
}


def ask_users(ask: GetAsk) -> Request:
    return get("/api/v2/users/show_many", (("ids", ",".join(ask.ids)), _IDENTITIES))


def ask_user_by_email(ask: SearchAsk) -> Request:
    return _users_found(f"email:{_quoted(ask.key.value)}")


def ask_user_by_phone(ask: SearchAsk) -> Request:
    """As given, or any number that ends like it: people type numbers with and without a country,
    whose code has one to three digits.
    """
    number = digits(ask.key.value)
    ending = number[3:] if ask.key.value.strip().startswith("+") else number.lstrip("0")
    return _users_found(f"phone:{_quoted(ask.key.value)} phone:*{ending}")


def ask_user_by_number(ask: SearchAsk) -> Request:
    return get("/api/v2/users/search", (("external_id", ask.key.value), _IDENTITIES))


def ask_changed_users(ask: StreamAsk) -> Request:
    return _export("/api/v2/incremental/users/cursor", ask, "identities")


def ask_tickets(ask: GetAsk) -> Request:
    query = [("ids", ",".join(ask.ids))]
    if _wants(ask.fields, "owner"):
        query.append(("include", "users"))
    return get("/api/v2/tickets/show_many", query)


def ask_tickets_of(ask: ChildrenAsk) -> Request:
    """Offset pages: the cursor is the number of the page."""
    query = [
        ("query", " ".join(_terms(ask))),
        ("sort_by", "created_at"),
        ("sort_order", "desc"),
        ("per_page", str(ask.limit)),
        ("page", ask.cursor or "1"),
    ]
    if _wants(ask.fields, "owner"):
        query.append(("include", "tickets(users)"))
    return get("/api/v2/search", query)


def ask_changed_tickets(ask: StreamAsk) -> Request:
    return _export("/api/v2/incremental/tickets/cursor", ask, "users")


def ask_comments(ask: ChildrenAsk) -> Request:
    """Newest first. They cannot be asked for by time, so what lies above is read in full pages."""
    size = COMMENTS_PAGE.value if ask.until else ask.limit
    query = [("include", "users"), ("sort", "-created_at"), ("page[size]", str(size))]
    if ask.cursor:
        query.append(("page[after]", ask.cursor))
    path = f"/api/v2/tickets/{segment(ask.parents[0])}/comments"
    return get(path, query, empty=frozenset({404}))


def read_users(data: Any, _ask: object) -> Page:
    """End users only: agents and admins are not customers, and the inactive ones are deleted."""
    return Page(rows=[user for user in _with_identities(data) if _is_customer(user)])


def read_changed_users(data: Any, ask: StreamAsk) -> Page:
    users = _with_identities(data)
    gone = [identifier(user["id"]) for user in users if not _is_customer(user)]
    return _exported(data, ask, [user for user in users if _is_customer(user)], gone)


def read_tickets(data: Any, _ask: object) -> Page:
    return Page(rows=_with_assignee(data["tickets"], data.get("users")))


def read_found_tickets(data: Any, ask: ChildrenAsk) -> Page:
    """`next_page` is an address; its page is the one after ours."""
    more = data.get("next_page") is not None
    rows = _with_assignee(data["results"], data.get("users"))
    return Page(rows=rows, cursor=str(int(ask.cursor or "1") + 1) if more else None)


def read_changed_tickets(data: Any, ask: StreamAsk) -> Page:
    """Deleted tickets stay in the export, with a status that nothing else shows."""
    rows = _with_assignee(data["tickets"], data.get("users"))
    gone = [identifier(row["id"]) for row in rows if row.get("status") == "deleted"]
    return _exported(data, ask, [row for row in rows if row.get("status") != "deleted"], gone)


def read_comments(data: Any, ask: ChildrenAsk) -> Page:
    authors = _by_id(data.get("users"))
    rows = [
        {**row, "ticket_id": ask.parents[0], "author": authors.get(row.get("author_id"))}
        for row in data["comments"]
    ]
    meta = data.get("meta") or {}
    return Page(rows=rows, cursor=meta.get("after_cursor") if meta.get("has_more") else None)


def _users_found(terms: str) -> Request:
    return get("/api/v2/users/search", (("query", f"role:end-user {terms}"), _IDENTITIES))


def _quoted(value: str) -> str:
    """Held together, so that the words of an address are not searched one by one."""
    return '"' + value.replace('"', "") + '"'


def _export(path: str, ask: StreamAsk, include: str) -> Request:
    query = [("start_time", _BEGINNING), ("include", include)]
    if ask.cursor:
        query.append(("cursor", ask.cursor))
    return get(path, query, lanes=(ACCOUNT, INCREMENTAL))


def _exported(data: Any, ask: StreamAsk, rows: list[Row], gone: list[str]) -> Page:
    """The cursor at the end of the stream is where the next reading begins; a stream that holds
    nothing yet has none.
    """
    after = data.get("after_cursor") or ask.cursor or ""
    if data["end_of_stream"] is True:
        return Page(rows=rows, deleted=gone, resume=after)
    return Page(rows=rows, deleted=gone, cursor=after)


def _terms(ask: ChildrenAsk) -> list[str]:
    terms = ["type:ticket", *(f"requester:{parent}" for parent in ask.parents)]
    if ask.until:
        terms.append(f"created<={_stamp(ask.until)}")
    if ask.where.ticket_status <= _STATUS.keys():
        terms += sorted(f"status:{_STATUS[status]}" for status in ask.where.ticket_status)
    return terms


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wants(fields: Fields, attribute: str) -> bool:
    return fields is None or attribute in fields


def _is_customer(user: Row) -> bool:
    return user.get("role") == "end-user" and user.get("active") is not False


def _with_identities(data: Any) -> list[Row]:
    """Users, each with the addresses that were loaded beside them."""
    found: dict[object, list[Row]] = {}
    for identity in data.get("identities") or ():
        found.setdefault(identity.get("user_id"), []).append(identity)
    return [{**user, "identities": found.get(user.get("id"), [])} for user in data["users"]]


def _with_assignee(tickets: Iterable[Row], users: Iterable[Row] | None) -> list[Row]:
    names = _by_id(users)
    return [{**ticket, "assignee": names.get(ticket.get("assignee_id"))} for ticket in tickets]


def _by_id(users: Iterable[Row] | None) -> dict[object, Row]:
    return {user.get("id"): user for user in users or ()}
