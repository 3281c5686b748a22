"""What is asked of Intercom and how the answers are read.

Document: the published description of the REST API, version 2.16. Searches take 15 filters in a
group, in two levels; `IN` counts here as the group of 15 it is short for.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.matching import digits
from connectors.reading import Row, identifier, unix_seconds
from connectors.request import Request, get, post, segment
from connectors.spec import ChildrenAsk, Figure, GetAsk, Page, SearchAsk, SinceAsk

GROUP = Figure(15, "Search: max 15 filters for each AND or OR group")
MOST_A_PAGE = Figure(150, "Search for conversations: maximum is 150 results per page")

# Contacts match times by the day, in the time zone of the workspace: ">" begins with the day after
# the one that holds the value. 25 hours earlier is that day or one before it, everywhere, also
# when a day has 25 hours.
DAY_TRAP = timedelta(hours=25)
# Digits that are mostly written without a gap between them.
_ENDING = 6
Query = dict[str, Any]


def ask_contacts(ask: GetAsk) -> Request:
    return _contacts(_any_of("id", ask.ids), len(ask.ids))


def ask_contacts_by_email(ask: GetAsk) -> Request:
    return _contacts(_any_of("email", ask.ids), MOST_A_PAGE.value)


def ask_contacts_by_phone(ask: GetAsk) -> Request:
    return _contacts(_any_of("phone", ask.ids), MOST_A_PAGE.value)


def ask_contact_by_email(ask: SearchAsk) -> Request:
    return _contacts(_equal("email", ask.key.value), MOST_A_PAGE.value)


def ask_contact_by_phone(ask: SearchAsk) -> Request:
    """As given, or any number that ends like it: numbers are kept as they were typed."""
    ending = {"field": "phone", "operator": "$", "value": digits(ask.key.value)[-_ENDING:]}
    either = [_equal("phone", ask.key.value), ending]
    return _contacts({"operator": "OR", "value": either}, MOST_A_PAGE.value)


def ask_contact_by_number(ask: SearchAsk) -> Request:
    return _contacts(_equal("external_id", ask.key.value), MOST_A_PAGE.value)


def ask_changed_contacts(ask: SinceAsk) -> Request:
    since = 0 if ask.since is None else int((ask.since - DAY_TRAP).timestamp())
    query = {"field": "updated_at", "operator": ">", "value": max(since, 0)}
    sort = {"field": "updated_at", "order": "ascending"}
    return _contacts(query, MOST_A_PAGE.value, cursor=ask.cursor, sort=sort)


def ask_conversations(ask: GetAsk) -> Request:
    return _conversations(_any_of("id", ask.ids), len(ask.ids))


def ask_conversations_of(ask: ChildrenAsk) -> Request:
    """Newest first. Times are matched to the second here, "<" with the value itself or without it:
    a second is added.
    """
    query = _any_of("contact_ids", ask.parents)
    if ask.until is not None:
        until = {"field": "created_at", "operator": "<", "value": _second_after(ask.until)}
        query = {"operator": "AND", "value": [query, until]}
    sort = {"field": "created_at", "order": "descending"}
    return _conversations(query, ask.limit, cursor=ask.cursor, sort=sort)


def ask_parts(ask: ChildrenAsk) -> Request:
    """The vendor makes plain text of its HTML itself, with the addresses of links."""
    path = f"/conversations/{segment(ask.parents[0])}"
    return get(path, {"display_as": "plaintext"}, empty=frozenset({404}))


def read_contacts(data: Any, _ask: object) -> Page:
    return Page(rows=data["data"])


def read_changed_contacts(data: Any, ask: SinceAsk) -> Page:
    """Without the rows that are older than asked for and came because days are matched whole."""
    rows = [row for row in data["data"] if ask.since is None or _changed(row) >= ask.since]
    return Page(rows=rows, cursor=_next(data))


def read_conversations(data: Any, _ask: object) -> Page:
    return Page(rows=data["conversations"], cursor=_next(data))


def read_parts(data: Any, ask: ChildrenAsk) -> Page:
    """The opening message, then the parts that say something; the others tell what was done."""
    conversation_id = ask.parents[0]
    source = data["source"]
    opening = {
        **source,
        "id": source.get("id") or "source",
        "part_type": "source",
        "created_at": data["created_at"],
    }
    parts = (data.get("conversation_parts") or {}).get("conversation_parts") or ()
    said = [opening, *(part for part in parts if _says_something(part))]
    return Page(rows=[{**row, "conversation_id": conversation_id} for row in said])


def _contacts(query: Query, per_page: int, **more: Any) -> Request:
    return _search("/contacts/search", query, per_page, {"include_merge_history": "true"}, **more)


def _conversations(query: Query, per_page: int, **more: Any) -> Request:
    return _search("/conversations/search", query, per_page, {}, **more)


def _search(
    path: str,
    query: Query,
    per_page: int,
    parameters: dict[str, str],
    *,
    cursor: str | None = None,
    sort: dict[str, str] | None = None,
) -> Request:
    pagination: dict[str, Any] = {"per_page": per_page}
    if cursor:
        pagination["starting_after"] = cursor
    body: dict[str, Any] = {"query": query, "pagination": pagination}
    if sort:
        body["sort"] = sort
    return post(path, body, query=parameters)


def _equal(field: str, value: str) -> Query:
    return {"field": field, "operator": "=", "value": value}


def _any_of(field: str, values: Sequence[str]) -> Query:
    """One filter, or a group of filters, that any of the values passes."""
    size = GROUP.value
    groups: list[Query] = [
        {"field": field, "operator": "IN", "value": list(values[start : start + size])}
        for start in range(0, len(values), size)
    ]
    return groups[0] if len(groups) == 1 else {"operator": "OR", "value": groups}


def _second_after(moment: datetime) -> int:
    return int(moment.timestamp()) + 1


def _next(data: Any) -> str | None:
    following = (data.get("pages") or {}).get("next") or {}
    cursor = following.get("starting_after")
    return None if cursor is None else identifier(cursor)


def _changed(row: Row) -> datetime:
    """A row without a time is kept: the mapping decides about it."""
    return unix_seconds(row.get("updated_at")) or datetime.max.replace(tzinfo=UTC)


def _says_something(part: Row) -> bool:
    return bool(part.get("body") or part.get("attachments") or part.get("redacted"))
