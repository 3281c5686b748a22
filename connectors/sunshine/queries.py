"""What is asked of Sunshine Conversations, and how the answers are read.

Document: the published description of the API, version 2 (docs.smooch.io/rest). A conversation does
not say over which channel it is held: its latest messages do, so they are read beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.reading import Options, Row, identifier
from connectors.request import Pairs, Request, get, segment
from connectors.spec import ChildrenAsk, Figure, GetAsk, Page

DESCRIPTION = "https://docs.smooch.io/rest, API 17.0"
ONE = Figure(1, f"{DESCRIPTION}: one conversation by its id; there is no multi-get")
USER = Figure(1, f"{DESCRIPTION}: the filter takes one user")
LISTED = Figure(100, f"{DESCRIPTION}: page[size] is at most 100")
MESSAGES = Figure(100, f"{DESCRIPTION}: messages come 100 a page, whatever is asked for")
GONE = frozenset({404})
ITSELF, LATEST = range(2)
LISTS = 2


def ask_conversation(ask: GetAsk) -> Request:
    """The conversation, and what was said last in it: two calls side by side."""
    path = _conversation(ask.options, ask.ids[0])
    return get(path if ask.part == ITSELF else f"{path}/messages", empty=GONE)


def ask_conversations_of(ask: ChildrenAsk) -> Request:
    return _conversations(ask, "userId")


def ask_conversations_by_external_id(ask: ChildrenAsk) -> Request:
    return _conversations(ask, "userExternalId")


def ask_messages(ask: ChildrenAsk) -> Request:
    before: Pairs = (("page[before]", ask.cursor),) if ask.cursor else ()
    return get(f"{_conversation(ask.options, ask.parents[0])}/messages", before, empty=GONE)


def read_conversation(data: Any, ask: GetAsk) -> Page:
    """Rows of one list, each with the number of its list."""
    rows = [data["conversation"]] if ask.part == ITSELF else data["messages"]
    return Page(rows=[{"list": ask.part, "row": row} for row in rows])


def gather_conversation(rows: Sequence[Row], _ask: GetAsk) -> Sequence[Row]:
    """The conversation with its latest messages; none where it is not there."""
    said = [each["row"] for each in rows if each["list"] == LATEST]
    found = [each["row"] for each in rows if each["list"] == ITSELF]
    return [{"conversation": row, "messages": said} for row in found]


def read_conversations_of(data: Any, _ask: ChildrenAsk) -> Page:
    rows = [{"id": identifier(row["id"])} for row in data["conversations"]]
    return Page(rows=rows, cursor=_next(data, "afterCursor"))


def read_messages(data: Any, ask: ChildrenAsk) -> Page:
    """Oldest first within a page; pages run backwards."""
    rows = [{**row, "conversation_id": ask.parents[0]} for row in data["messages"]]
    return Page(rows=rows, cursor=_next(data, "beforeCursor"))


def _next(data: Any, name: str) -> str | None:
    meta = data.get("meta")
    if not isinstance(meta, Mapping) or meta.get("hasMore") is not True:
        return None
    return identifier(meta[name])


def _app(options: Options) -> str:
    return f"/v2/apps/{segment(str(options['app_id']))}"


def _conversation(options: Options, external_id: str) -> str:
    return f"{_app(options)}/conversations/{segment(external_id)}"


def _conversations(ask: ChildrenAsk, name: str) -> Request:
    after: Pairs = (("page[after]", ask.cursor),) if ask.cursor else ()
    query = ((f"filter[{name}]", ask.parents[0]), ("page[size]", str(LISTED.value)), *after)
    return get(f"{_app(ask.options)}/conversations", query, empty=GONE)
