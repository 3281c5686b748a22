"""Zendesk's two ways of paging a list.

Source: Pagination. Offset: `page` and `per_page` (more than 100 counts as 100), up to 10,000
records. Cursor: `page[size]` (to 100) and `page[after]`, told in `meta` and `links`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from starlette.datastructures import URL
from starlette.requests import Request

from sandbox.vendor import Json
from sandbox.zendesk.errors import invalid_attribute, invalid_paging

MOST_A_PAGE: Final = 100
DEEPEST_OFFSET: Final = 10_000


class Identified(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Identified)


def paged(request: Request, key: str, rows: Sequence[R], show: Callable[[R], Json]) -> Json:
    """One page under `key`, by cursor where `page[size]` is given and by offset otherwise."""
    if "page[size]" in request.query_params:
        return _by_cursor(request, key, rows, show)
    page, per_page = offset(request)
    if page * per_page > DEEPEST_OFFSET:
        title = "Pagination requests using Offset Pagination are limited to 10,000 records"
        raise invalid_paging("InvalidPaginationDepth", title)
    start = (page - 1) * per_page
    return {
        key: [show(row) for row in rows[start : start + per_page]],
        **offset_links(request, len(rows), page, per_page),
    }


def offset(request: Request) -> tuple[int, int]:
    """Page number from 1, and records a page."""
    page = number(request, "page", default=1)
    per_page = number(request, "per_page", default=MOST_A_PAGE)
    if page < 1 or per_page < 1:
        raise invalid_attribute("page", "must be greater than 0", request.url.path.strip("/"))
    return page, min(per_page, MOST_A_PAGE)


def offset_links(request: Request, count: int, page: int, per_page: int) -> dict[str, Json]:
    following = str(with_query(request, page=page + 1)) if page * per_page < count else None
    before = str(with_query(request, page=page - 1)) if page > 1 else None
    return {"next_page": following, "previous_page": before, "count": count}


def number(request: Request, name: str, *, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise invalid_attribute(name, "must be an integer", request.url.path.strip("/"))
    return int(text)


def with_query(request: Request, **changes: object) -> URL:
    return request.url.include_query_params(**changes)


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def unpacked(cursor: str) -> str:
    """The text in a cursor of ours. Raises Refused for any other."""
    try:
        return base64.urlsafe_b64decode(cursor.encode()).decode()
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise invalid_paging("InvalidPaginationParameter", "cursor is not valid") from problem


def _by_cursor(request: Request, key: str, rows: Sequence[R], show: Callable[[R], Json]) -> Json:
    size = number(request, "page[size]", default=MOST_A_PAGE)
    if not 1 <= size <= MOST_A_PAGE:
        title = f"page[size] must be between 1 and {MOST_A_PAGE}"
        raise invalid_paging("InvalidPaginationParameter", title)
    start = _after(request.query_params.get("page[after]"), rows)
    shown = rows[start : start + size]
    more = start + size < len(rows)
    after = packed(shown[-1].id) if shown else None
    following = str(with_query(request, **{"page[after]": after})) if more else None
    return {
        key: [show(row) for row in shown],
        "meta": {"has_more": more, "after_cursor": after, "before_cursor": None},
        "links": {"next": following, "prev": None},
    }


def _after(cursor: str | None, rows: Sequence[R]) -> int:
    """Where the page after a cursor starts."""
    if cursor is None:
        return 0
    last = unpacked(cursor)
    at = next((n for n, row in enumerate(rows) if row.id == last), None)
    if at is None:
        raise invalid_paging("InvalidPaginationParameter", "page[after] is not valid")
    return at + 1
