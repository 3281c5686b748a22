"""How a source cuts its lists: `[<kind>.<form>.page]`.

    style = "none"      one answer is the whole list
    style = "page"      pages by number: {page}
    style = "offset"    pages by how many rows came before: {offset}
    style = "cursor"    the answer holds the cursor of the next page: {cursor}
    style = "link"      the answer holds the address of the next page, in `next` or in a Link header

A list by number or offset ends with its first empty page, unless the answer says so before (`more`,
`total`): a page that is shorter than asked for may have been cut by a limit nobody told us of.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zlib import crc32

import orjson

from connectors.mapped.paths import Path
from connectors.mapped.rules import path_of
from connectors.mapped.tables import Table
from connectors.mapped.templates import Values
from connectors.reading import RowError

STYLES = ("none", "page", "offset", "cursor", "link")
PLACES = {"page": "page", "offset": "offset", "cursor": "cursor"}
"""The placeholder that moves, by style."""
QUERY = "query of the link"
_LINK = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel="?([^",;]*)"?', re.IGNORECASE)
_PAGES = 20
_SIZE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """`size`: rows asked for at once; `first`: number of the first page, or its offset."""

    style: str = "none"
    size: int = _SIZE
    pages: int = _PAGES
    first: int = 1
    next: Path | None = None
    more: Path | None = None
    total: Path | None = None
    short: bool = False

    def values(self, cursor: str | None) -> Values:
        """What the placeholders of the page are."""
        match self.style:
            case "page" | "offset":
                return {self.style: int(cursor.partition("|")[0]) if cursor else self.first}
            case "cursor":
                return {"cursor": cursor}
            case "link":
                return {QUERY: tuple(parse_qsl(cursor, keep_blank_values=True))} if cursor else {}
        return {}

    def following(
        self, data: Any, rows: Sequence[Any], cursor: str | None, limit: int
    ) -> str | None:
        """The cursor of the next page, None after the last one. At most `limit` were asked for."""
        if self.style == "none" or (self.more is not None and not self.more(data)):
            return None
        if self.style == "cursor":
            found = self.next(data) if self.next else None
            if found is not None and found != "":
                return str(found)
            if self.more is not None:
                raise RowError("there is more, and no cursor that leads to it")
            return None
        if self.style == "link":
            found = self.next(data) if self.next else None
            return link_query(found) if found else None
        return self._counted(data, rows, cursor, min(limit, self.size))

    def _counted(
        self, data: Any, rows: Sequence[Any], cursor: str | None, limit: int
    ) -> str | None:
        """The cursor remembers how the page began: one that begins alike is the same once more."""
        at, _, began = (cursor or str(self.first)).partition("|")
        if not rows or (self.short and len(rows) < limit):
            return None
        begins = str(crc32(orjson.dumps(rows[0])))
        if begins == began:
            raise RowError("the same page again: the source does not turn pages")
        reached = int(at) + (1 if self.style == "page" else len(rows))
        if self.total is not None and self.style == "offset":
            total = self.total(data)
            if not isinstance(total, int):
                raise RowError("no total")
            if reached >= total:
                return None
        return f"{reached}|{begins}"


def read_paging(form: Table) -> Paging:
    """Of a form of a mapping; without a table of its own, one answer is the whole list."""
    table = form.table("page")
    if table is None:
        return Paging()
    style = table.one_of("style", {name: name for name in STYLES}, "none")
    if "style" not in table:
        table.wrong("style", f"must be set, to one of {', '.join(STYLES)}")
    paths = {
        name: path_of(table, name, table.text(name)) if name in table else None
        for name in ("next", "more", "total")
    }
    ends = table.one_of("ends", {"empty": False, "short": True}, False)
    for name in paths:
        table.raw(name)
    paging = Paging(
        style=style,
        size=table.whole("size", _SIZE),
        pages=table.whole("pages", _PAGES),
        first=table.whole("first", 0 if style == "offset" else 1, 0),
        short=ends,
        **paths,
    )
    if style == "cursor" and paging.next is None:
        table.wrong("next", "must be set: where the answer holds the cursor of the next page")
    if style == "page" and paging.total is not None:
        table.wrong("total", 'goes with style = "offset"; of pages by number `more` can be told')
    table.done()
    return paging


def link_header(headers: Mapping[str, str]) -> str | None:
    """The query of the next page's address, of a Link header (RFC 8288)."""
    for target, relations in _LINK.findall(headers.get("link", "")):
        if "next" in relations.lower().split():
            return link_query(target)
    return None


def link_query(target: object) -> str:
    """Only the query of an address is followed, at the place that was asked: an answer cannot send
    our credentials to another host. Raises RowError for an address without one.
    """
    query = urlsplit(str(target)).query
    if not query:
        raise RowError("a next page without a query")
    return query
