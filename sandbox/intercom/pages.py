"""Sorting and cursor paging of a search.

Source: "Pagination: Starting After" and "Cursor based pages", API 2.16; the sort object of the
contact search. A cursor holds the sort value and id of the last row, so rows that move between two
pages move here as they do there.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

from sandbox.intercom.errors import invalid
from sandbox.intercom.fields import Searchable, Value
from sandbox.rows import Row
from sandbox.vendor import Json

R = TypeVar("R", bound=Row)
MOST_A_PAGE: Final = 150
_ORDERS: Final = ("ascending", "descending")
_Key: TypeAlias = tuple[bool, Any, str]


@dataclass(frozen=True, slots=True)
class Sorting:
    field: str
    order: str


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page: its size and the cursor it starts after."""

    size: int
    after: str | None


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    rows: Sequence[R]
    total: int
    pages: Json


def sorting(asked: Json, fields: Mapping[str, Searchable], usual: str) -> Sorting:
    """The `sort` of a request; descending by the `usual` field when it says nothing."""
    if asked is None:
        return Sorting(usual, "descending")
    if not isinstance(asked, dict):
        raise invalid("sort must be an object with a field and an order")
    field, order = asked.get("field", usual), asked.get("order", "descending")
    if order not in _ORDERS:
        text = f"Invalid sort order '{order}'. Must be one of: ascending, descending"
        raise invalid(text, "invalid_sort_order")
    if not isinstance(field, str) or field not in fields:
        raise invalid(f"{field} is not a field that can be sorted by", "invalid_field")
    return Sorting(field, order)


def paging(asked: Json, usual_size: int) -> Paging:
    """The `pagination` of a request."""
    given = {} if asked is None else asked
    if not isinstance(given, dict):
        raise invalid("pagination must be an object")
    size, after = given.get("per_page", usual_size), given.get("starting_after")
    if type(size) is not int or not 1 <= size <= MOST_A_PAGE:
        raise invalid(f"per_page must be a number from 1 to {MOST_A_PAGE}, was {size!r}")
    if after is not None and not isinstance(after, str):
        raise invalid(f"starting_after must be a cursor, was {after!r}")
    return Paging(size, after or None)


def page(rows: Sequence[R], field: Searchable, order: str, asked: Paging) -> Page[R]:
    """One page, the whole count, and `pages`, which names no next cursor on the last page."""
    keyed = sorted(((_key(field, row), row) for row in rows), key=lambda pair: pair[0])
    if order == "descending":
        keyed.reverse()
    start, number = 0, 1
    if asked.after is not None:
        last, number = _decoded(asked.after)
        start = next(
            (at for at, (key, _) in enumerate(keyed) if _is_past(key, last, order)), len(rows)
        )
    taken = keyed[start : start + asked.size]
    shown: dict[str, Json] = {
        "type": "pages",
        "page": number,
        "per_page": asked.size,
        "total_pages": math.ceil(len(rows) / asked.size),
    }
    if start + asked.size < len(keyed):
        cursor = _encoded(taken[-1][0], number + 1)
        shown["next"] = {"page": number + 1, "per_page": asked.size, "starting_after": cursor}
    return Page([row for _, row in taken], len(rows), shown)


def _key(field: Searchable, row: Row) -> _Key:
    """Rows without a value come first, then by value, then by id."""
    got = field.get(row)
    value: Value = (got[0] if got else None) if isinstance(got, tuple) else got
    return (value is not None, 0 if value is None else value, row.id.rjust(24, "0"))


def _is_past(key: _Key, last: _Key, order: str) -> bool:
    try:
        return key > last if order == "ascending" else key < last
    except TypeError as problem:
        raise invalid("starting_after belongs to another search") from problem


def _encoded(key: _Key, number: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([*key, number]).encode()).decode()


def _decoded(cursor: str) -> tuple[_Key, int]:
    try:
        has, value, row_id, number = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError, TypeError) as problem:
        raise invalid("starting_after is no cursor of this API") from problem
    return (bool(has), value, str(row_id)), int(number)
