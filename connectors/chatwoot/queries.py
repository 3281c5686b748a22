"""What is asked of Chatwoot's application API, and how the answers are read.

Documents: developers.chatwoot.com (application APIs), the published description (swagger.json of
4.11) and, where those say nothing, the program itself: contacts come 15 a page, conversations 25,
messages 20; filters of contacts look at one value, and put a plus sign before a number.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.matching import digits
from connectors.reading import Options, Row, RowError, identifier, unix_seconds
from connectors.request import Request, get, post, segment
from connectors.spec import ChildrenAsk, Figure, GetAsk, Page, SearchAsk, SinceAsk

DESCRIPTION = "https://github.com/chatwoot/chatwoot, swagger/swagger.json 4.11"
ONE = Figure(1, f"{DESCRIPTION}: one by its id; no filter knows ids")
KEYS = Figure(15, "contacts_controller.rb: RESULTS_PER_PAGE; a key belongs to one contact")
CONVERSATIONS = Figure(20, "contacts/conversations_controller.rb: the 20 latest, without a page")
MESSAGES = Figure(20, "message_finder.rb: the 20 before an id")
GONE = frozenset({404})


def ask_contact(ask: GetAsk) -> Request:
    return get(f"{_account(ask.options)}/contacts/{segment(ask.ids[0])}", empty=GONE)


def ask_by_email(ask: SearchAsk) -> Request:
    return _filter(ask.options, "email", [ask.key.value.strip().lower()])


def ask_by_phone(ask: SearchAsk) -> Request:
    return _filter(ask.options, "phone_number", [digits(ask.key.value)])


def ask_by_identifier(ask: SearchAsk) -> Request:
    return _filter(ask.options, "identifier", [ask.key.value.strip()])


def ask_emails(ask: GetAsk) -> Request:
    return _filter(ask.options, "email", [value.strip().lower() for value in ask.ids])


def ask_phones(ask: GetAsk) -> Request:
    return _filter(ask.options, "phone_number", [digits(value) for value in ask.ids])


def ask_changed_contacts(ask: SinceAsk) -> Request:
    """Those heard of last come first, also when everything is read: who moves while pages are read
    is then seen twice, and nobody is missed.
    """
    query = {"sort": "-last_activity_at", "page": _page(ask)}
    return get(f"{_account(ask.options)}/contacts", query)


def ask_conversation(ask: GetAsk) -> Request:
    return get(f"{_account(ask.options)}/conversations/{segment(ask.ids[0])}", empty=GONE)


def ask_conversations_of(ask: ChildrenAsk) -> Request:
    contact = segment(ask.parents[0])
    return get(f"{_account(ask.options)}/contacts/{contact}/conversations", empty=GONE)


def ask_changed_conversations(ask: SinceAsk) -> Request:
    """The order is that of the last activity unless another is asked for, latest first."""
    query = {"status": "all", "assignee_type": "all", "page": _page(ask)}
    return get(f"{_account(ask.options)}/conversations", query)


def ask_messages(ask: ChildrenAsk) -> Request:
    before = {"before": ask.cursor} if ask.cursor else {}
    path = f"{_account(ask.options)}/conversations/{segment(ask.parents[0])}/messages"
    return get(path, before, empty=GONE)


def read_contact(data: Any, _ask: GetAsk) -> Page:
    return Page(rows=[data["payload"]])


def read_contacts(data: Any, _ask: object) -> Page:
    return Page(rows=data["payload"])


def read_changed_contacts(data: Any, ask: SinceAsk) -> Page:
    return _changed(data["payload"], ask)


def read_conversation(data: Any, _ask: GetAsk) -> Page:
    if "id" not in data:
        raise RowError("no conversation")
    return Page(rows=[data])


def read_conversations_of(data: Any, _ask: ChildrenAsk) -> Page:
    return Page(rows=data["payload"])


def read_changed_conversations(data: Any, ask: SinceAsk) -> Page:
    return _changed(data["data"]["payload"], ask)


def read_messages(data: Any, _ask: ChildrenAsk) -> Page:
    """Oldest first within a page; pages run backwards."""
    rows = data["payload"]
    full = len(rows) >= MESSAGES.value
    return Page(rows=rows, cursor=str(min(int(row["id"]) for row in rows)) if full else None)


def moved_at(row: Row) -> float:
    """What lists are in order of, in Unix seconds."""
    moved = unix_seconds(row.get("last_activity_at")) or unix_seconds(row.get("created_at"))
    return moved.timestamp() if moved else 0.0


def _account(options: Options) -> str:
    return f"/api/v1/accounts/{segment(str(options['account_id']))}"


def _filter(options: Options, name: str, values: Sequence[str]) -> Request:
    """Contacts with any of these: one condition for each, since only its first value counts."""
    conditions: list[Mapping[str, Any]] = [
        {
            "attribute_key": name,
            "filter_operator": "equal_to",
            "values": [value],
            **({"query_operator": "OR"} if place < len(values) else {}),
        }
        for place, value in enumerate(values, 1)
    ]
    return post(f"{_account(options)}/contacts/filter", {"payload": conditions})


def _page(ask: SinceAsk) -> str:
    return (ask.cursor or "1/").partition("/")[0]


def _changed(rows: Sequence[Row], ask: SinceAsk) -> Page:
    """A page, down to the time asked for. A page without rows is behind the last one. Raises
    RowError where the page before comes again.
    """
    before = (ask.cursor or "").partition("/")[2]
    last = identifier(rows[-1]["id"]) if rows else ""
    if last and last == before:
        raise RowError("the page before")
    reached = ask.since is not None and rows and moved_at(rows[-1]) < ask.since.timestamp()
    following = f"{int(_page(ask)) + 1}/{last}" if rows and not reached else None
    return Page(rows=rows, cursor=following)
