"""The cursor-based incremental exports: every row changed since a moment, deleted ones included.

Source: Incremental exports. `start_time` is required with the first request and must be at least a
minute old; what changed within the last minute is held back; a page holds up to 1,000 rows;
10 requests a minute. A cursor is the base64 of "<seconds>||<id>", as the documented examples are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Final, TypeVar

from starlette.requests import Request

from sandbox.allowance import Window
from sandbox.rows import Row, Ticket, TicketUser
from sandbox.vendor import Json
from sandbox.world import Table, World
from sandbox.zendesk.errors import Refused, ZendeskDialect, error, invalid_paging
from sandbox.zendesk.paging import number, packed, unpacked, with_query

MOST_A_PAGE: Final = 1_000
HELD_BACK: Final = timedelta(minutes=1)

R = TypeVar("R", Ticket, TicketUser)
Position = tuple[int, int]


class Exports:
    """One world's incremental exports."""

    def __init__(self, world: World, window: Window) -> None:
        self._world = world
        self._window = window

    def page(self, request: Request, key: str, table: Table[R], show: Callable[[R], Json]) -> Json:
        """Rows in the order of their last change from the cursor or start time on."""
        self._check_rate()
        after = self._start(request)
        size = min(number(request, "per_page", default=MOST_A_PAGE), MOST_A_PAGE)
        latest = self._world.now() - HELD_BACK
        keeps_deleted = request.query_params.get("exclude_deleted") != "true"
        changed = sorted(
            (
                row
                for row in table.all()
                if row.updated_at <= latest
                and _position(row) > after
                and (keeps_deleted or row.deleted_at is None)
            ),
            key=_position,
        )
        shown = changed[:size]
        cursor = _cursor(_position(shown[-1])) if shown else request.query_params.get("cursor")
        return {
            key: [show(row) for row in shown],
            "after_cursor": cursor,
            "after_url": None if cursor is None else _url(request, cursor),
            "before_cursor": None,
            "before_url": None,
            "end_of_stream": len(changed) <= size,
        }

    def _check_rate(self) -> None:
        standing = self._window.take()
        if not standing.allowed:
            raise Refused(ZendeskDialect().rate_limited(standing.reset_s))

    def _start(self, request: Request) -> Position:
        """The position after which rows are wanted. Raises Refused."""
        cursor = request.query_params.get("cursor")
        if cursor is not None:
            return _opened(cursor)
        if "start_time" not in request.query_params:
            raise error(HTTPStatus.BAD_REQUEST, "Parameter missing", "start_time is required")
        since = number(request, "start_time", default=0)
        if since > (self._world.now() - HELD_BACK).timestamp():
            description = "Too recent start_time. Use a start_time older than 1 minute"
            raise error(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidValue", description)
        return since, -1


def _position(row: Row) -> Position:
    return int(row.updated_at.timestamp()), int(row.id)


def _cursor(position: Position) -> str:
    seconds, row_id = position
    return packed(f"{seconds}.0||{row_id}|")


def _opened(cursor: str) -> Position:
    seconds, _, rest = unpacked(cursor).partition(".0||")
    row_id = rest.removesuffix("|")
    if not seconds.isdecimal() or not row_id.isdecimal():
        raise invalid_paging("InvalidPaginationParameter", "cursor is not valid")
    return int(seconds), int(row_id)


def _url(request: Request, cursor: str) -> str:
    return str(with_query(request, cursor=cursor).remove_query_params("start_time"))
