"""What a mailbox is asked: questions of ours, which sender.py turns into IMAP."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connectors.reading import Row, RowError, text
from connectors.request import Request, post
from connectors.spec import ChildrenAsk, Figure, GetAsk, Page, StreamAsk
from domain.sources import Fields

PEOPLE = Figure(10, "ours: three search keys each; RFC 3501 names no limit, servers do")
THREADS = Figure(
    10, "ours: three search keys each; RFC 3501 names no limit, servers cut long lines"
)
PAGE = Figure(100, "ours: the last mail of each thread is fetched, 128 KiB of text at the most")


def ask_threads(ask: GetAsk) -> Request:
    return post("/threads", {"ids": list(ask.ids), "texts": _are_texts_read(ask.fields)})


def ask_threads_of(ask: ChildrenAsk) -> Request:
    parents = {"people": list(ask.parents), "texts": _are_texts_read(ask.fields)}
    return post("/threads/of", {**parents, **_page(ask)})


def ask_messages(ask: ChildrenAsk) -> Request:
    return post("/messages", {"ids": list(ask.parents), **_page(ask)})


def ask_news(ask: StreamAsk) -> Request:
    return post("/news", {"cursor": orjson.loads(ask.cursor) if ask.cursor else None})


def read_threads(data: Any, _ask: object) -> Page:
    return Page(rows=data["threads"], cursor=text(data.get("next")))


def read_messages(data: Any, _ask: object) -> Page:
    return Page(rows=data["messages"], cursor=text(data.get("next")))


def read_news(data: Any, _ask: object) -> Page:
    """Which threads changed; the cursor says of each folder how far it was read."""
    cursor, more = data["cursor"], data["more"]
    if not isinstance(cursor, Mapping):
        raise RowError("no cursor")
    held = orjson.dumps(cursor, option=orjson.OPT_SORT_KEYS).decode()
    return Page(
        rows=data["threads"],
        deleted=data["gone"],
        cursor=held if more else None,
        resume=None if more else held,
    )


def people(row: Row) -> Sequence[str]:
    """Whose thread it is."""
    return [address for address in row["people"] if isinstance(address, str)]


def _are_texts_read(fields: Fields) -> bool:
    return fields is None or "last_message" in fields


def _page(ask: ChildrenAsk) -> dict[str, Any]:
    until = {"until": ask.until.isoformat()} if ask.until else {}
    return {**until, "limit": ask.limit, "start": int(ask.cursor or 0)}
