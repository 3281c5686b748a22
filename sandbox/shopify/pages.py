"""Relay connections: one page of rows, with cursors that say where it stopped.

A cursor holds the last row's sort value and id, as the vendor's do, so a page stays right when rows
come and go; a row that changes its sort value (`UPDATED_AT`) moves, on the vendor's side too.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
SortValue: TypeAlias = int | str
Key: TypeAlias = tuple[SortValue, int]


class BadCursor(ValueError):
    """The cursor was not made by this sort order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The paging arguments of a connection; exactly one of `first` and `last` is set."""

    after: str | None = None
    before: str | None = None
    first: int | None = None
    last: int | None = None
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page in the order asked, each row with its cursor."""

    rows: Sequence[tuple[str, T]]
    has_next: bool
    has_previous: bool


def page(rows: Iterable[T], key: Callable[[T], Key], asked: Slice) -> Page[T]:
    """The rows `asked` for. BadCursor where `after` or `before` belongs to another order."""
    ordered = sorted(((key(row), row) for row in rows), key=lambda pair: pair[0])
    start, end = _window([pair[0] for pair in ordered], asked)
    if asked.reverse:
        ordered.reverse()
        start, end = len(ordered) - end, len(ordered) - start
    if asked.first is not None:
        kept = (start, min(end, start + asked.first))
    else:
        kept = (max(start, end - (asked.last or 0)), end)
    taken = [(_cursor(found), row) for found, row in ordered[slice(*kept)]]
    return Page(taken, has_next=kept[1] < len(ordered), has_previous=kept[0] > 0)


def _window(keys: Sequence[Key], asked: Slice) -> tuple[int, int]:
    """Where the ascending keys lie between the two cursors, whichever way round they are."""
    low, high = (asked.before, asked.after) if asked.reverse else (asked.after, asked.before)
    start, end = 0, len(keys)
    if low is not None:
        bound = _decoded(low, keys)
        start = sum(key <= bound for key in keys)
    if high is not None:
        bound = _decoded(high, keys)
        end = sum(key < bound for key in keys)
    return start, max(start, end)


def _cursor(key: Key) -> str:
    value, row_id = key
    text = json.dumps({"last_id": row_id, "last_value": value}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _decoded(cursor: str, keys: Sequence[Key]) -> Key:
    try:
        held = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        key = (held["last_value"], held["last_id"])
    except (binascii.Error, ValueError, KeyError, TypeError) as problem:
        raise BadCursor("Invalid cursor for current pagination sort.") from problem
    if keys and type(keys[0][0]) is not type(key[0]):
        raise BadCursor("Invalid cursor for current pagination sort.")
    return key
