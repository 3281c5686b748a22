"""What Twilio is asked, and how its answers are paged.

Source: the published description of the 2010 API (github.com/twilio/twilio-oai), paths Calls and
Messages. A number is asked about twice, as sender and as receiver: no filter knows both.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from connectors.reading import Row, texts
from connectors.request import Request, get, segment
from connectors.spec import ChildrenAsk, Figure, GetAsk, Page, SinceAsk
from connectors.twilio.threads import Ends, account_of, unseal

DESCRIPTION = "https://github.com/twilio/twilio-oai, api_v2010, 18 paths"
ONE = Figure(1, f"{DESCRIPTION}: one call by its SID; there is no multi-get")
NUMBER = Figure(1, f"{DESCRIPTION}: To and From take one number")
MOST_A_PAGE = Figure(1_000, f"{DESCRIPTION}: PageSize has a maximum of 1,000")

NO_SUCH_ROW = frozenset({404})
SENT, RECEIVED = range(2)
"""The two lists of a number: what we sent to it, and what we received from it."""

Query = Mapping[str, str]
_PLACE = ("Page", "PageToken")


def ask_call(ask: GetAsk) -> Request:
    path = f"{_account(ask)}/Calls/{segment(ask.ids[0])}.json"
    return get(path, empty=NO_SUCH_ROW)


def ask_calls_of(ask: ChildrenAsk) -> Request:
    return _list(ask, "Calls", _of_number(ask.parents[0], ask.part))


def ask_changed_calls(ask: SinceAsk) -> Request:
    """Calls that began since: Twilio has no filter by change. The second equals sign of the name
    that its documents show is the one before the value.
    """
    if ask.since is None:
        return _list(ask, "Calls", {})
    since = ask.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _list(ask, "Calls", {"StartTime>": since})


def ask_messages_of(ask: ChildrenAsk) -> Request:
    """Every message of a number: threads are made of them."""
    return _list(ask, "Messages", _of_number(ask.parents[0], ask.part))


def ask_thread(ask: GetAsk) -> Request | None:
    return _of_thread(ask, ask.ids[0])


def ask_messages_in(ask: ChildrenAsk) -> Request | None:
    return _of_thread(ask, ask.parents[0])


def read_call(data: Any, _ask: GetAsk) -> Page:
    return Page(rows=[data])


def read_calls(data: Any, _ask: object) -> Page:
    return Page(rows=data["calls"], cursor=_next(data))


def read_calls_of(data: Any, ask: ChildrenAsk) -> Page:
    """Of what came from a number, without the legs on which its call was put through to somebody
    under its name: they are the same call.
    """
    page = read_calls(data, ask)
    if ask.part == SENT:
        return page
    return Page(rows=[row for row in page.rows if not _put_through(row)], cursor=page.cursor)


def read_messages(data: Any, _ask: object) -> Page:
    return Page(rows=data["messages"], cursor=_next(data))


def both_sides(row: Row) -> Sequence[str]:
    """Who a call may belong to."""
    return texts(row.get("from"), row.get("to"))


def both_sides_of_thread(row: Row) -> Sequence[str]:
    return both_sides(row["last"])


def _put_through(row: Row) -> bool:
    return isinstance(row, Mapping) and row.get("direction") == "outbound-dial"


def _of_number(number: str, part: int) -> Query:
    return {"To": number} if part == SENT else {"From": number}


def _of_thread(ask: GetAsk | ChildrenAsk, external_id: str) -> Request | None:
    """None for an id that was made for another account."""
    between = unseal(account_of(ask.options), external_id)
    return _list(ask, "Messages", _between(between, ask.part)) if between else None


def _between(between: Ends, part: int) -> Query:
    customer, ours = between
    return {"To": customer, "From": ours} if part == SENT else {"To": ours, "From": customer}


def _account(ask: GetAsk | ChildrenAsk | SinceAsk) -> str:
    return f"/2010-04-01/Accounts/{segment(account_of(ask.options))}"


def _list(ask: GetAsk | ChildrenAsk | SinceAsk, name: str, query: Query) -> Request:
    """The first page, or the one a cursor leads to."""
    place = dict(parse_qsl(ask.cursor or ""))
    pages = {"PageSize": str(MOST_A_PAGE.value), **place}
    return get(f"{_account(ask)}/{name}.json", {**query, **pages})


def _next(data: Any) -> str | None:
    """Of `next_page_uri` only the place is kept: nobody but we say who is asked, and what."""
    following = data.get("next_page_uri")
    if not following:
        return None
    pairs = parse_qsl(urlsplit(following).query)
    return urlencode([(name, value) for name, value in pairs if name in _PLACE])
