"""The search endpoints: tickets and users in one list.

Source: Search. At most 100 results a page and 1,000 in all (`count` tells them all, and the next
page is still named); further pages are answered 422. The export has no cap but wants one type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from sandbox.rows import Ticket, TicketUser
from sandbox.vendor import Json
from sandbox.world import World
from sandbox.zendesk import views
from sandbox.zendesk.conditions import PRIORITIES, STATUSES, Conditions
from sandbox.zendesk.errors import error, invalid_attribute, invalid_search
from sandbox.zendesk.paging import (
    MOST_A_PAGE,
    number,
    offset,
    offset_links,
    packed,
    unpacked,
    with_query,
)
from sandbox.zendesk.query import Query, parsed

MOST_RESULTS: Final = 1_000
MOST_EXPORTED_A_PAGE: Final = 1_000

Hit = Ticket | TicketUser
_KEYS: Final[Mapping[str, Callable[[Hit], tuple[int, str]]]] = {
    "created_at": lambda hit: (0, hit.created_at.isoformat()),
    "updated_at": lambda hit: (0, hit.updated_at.isoformat()),
    "priority": lambda hit: (_rank(getattr(hit, "priority", None), PRIORITIES), ""),
    "status": lambda hit: (_rank(getattr(hit, "status", None), STATUSES), ""),
    "ticket_type": lambda hit: (0, getattr(hit, "kind", None) or ""),
}


class Search:
    """Answers the search endpoints from one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._conditions = Conditions(world)

    def listed(self, request: Request) -> Json:
        if "page[size]" in request.query_params:
            raise invalid_attribute("page", "must be an integer", "api/v2/search/index")
        hits = self._hits(request)
        page, per_page = offset(request)
        if page * per_page > MOST_RESULTS:
            raise invalid_search("Requested response size was greater than Search Response Limits")
        start = (page - 1) * per_page
        base = str(request.base_url)
        results = [_shown(hit, base) for hit in hits[start : start + per_page]]
        return {
            "results": results,
            "facets": None,
            **offset_links(request, len(hits), page, per_page),
            **self._sideloaded(request, results),
        }

    def counted(self, request: Request) -> Json:
        return {"count": len(self._hits(request))}

    def exported(self, request: Request) -> Json:
        kind = request.query_params.get("filter[type]")
        if kind is None:
            raise error(HTTPStatus.BAD_REQUEST, "Parameter missing", "filter[type] is required")
        size = number(request, "page[size]", default=MOST_A_PAGE)
        if not 1 <= size <= MOST_EXPORTED_A_PAGE:
            raise invalid_attribute("page[size]", "must be between 1 and 1000", "api/v2/search")
        cursor = request.query_params.get("page[after]")
        start = 0 if cursor is None else int(unpacked(cursor).removeprefix("at:"))
        hits = self._hits(request, only=kind)
        more = start + size < len(hits)
        after = packed(f"at:{start + size}") if more else None
        base = str(request.base_url)
        return {
            "results": [_shown(hit, base) for hit in hits[start : start + size]],
            "facets": None,
            "meta": {"has_more": more, "after_cursor": after, "before_cursor": None},
            "links": {
                "next": str(with_query(request, **{"page[after]": after})) if more else None,
                "prev": None,
            },
        }

    def users(self, text: str) -> list[TicketUser]:
        """Users by a text in the search language, by name."""
        rows = self._conditions.users(parsed(text))
        return sorted(rows, key=lambda row: (row.name.lower(), int(row.id)))

    def _sideloaded(self, request: Request, results: list[Json]) -> dict[str, Json]:
        """`include=tickets(users)` adds the people of the tickets found."""
        if request.query_params.get("include") != "tickets(users)":
            return {}
        return {"users": views.people(self._world, results, str(request.base_url))}

    def _hits(self, request: Request, *, only: str | None = None) -> list[Hit]:
        text = request.query_params.get("query")
        if not text:
            raise error(HTTPStatus.BAD_REQUEST, "Parameter missing", "query is required")
        query = parsed(text)
        types = {only} if only else (query.types or {"ticket", "user"})
        hits: list[Hit] = []
        if "ticket" in types:
            hits += self._conditions.tickets(query)
        if "user" in types:
            hits += self.users(text)
        return _sorted(hits, request, query)


def _sorted(hits: list[Hit], request: Request, query: Query) -> list[Hit]:
    """By the asked field, descending unless said; without one, newest first."""
    by = request.query_params.get("sort_by") or query.sort_by or "created_at"
    order = request.query_params.get("sort_order") or query.sort_order or "desc"
    by = f"{by}_at" if by in ("created", "updated") else by
    if by not in _KEYS or order not in ("asc", "desc"):
        raise invalid_search(f"cannot sort by {by} {order}")
    return sorted(hits, key=lambda hit: (_KEYS[by](hit), int(hit.id)), reverse=order == "desc")


def _shown(hit: Hit, base: str) -> Json:
    if isinstance(hit, Ticket):
        return {**views.ticket(hit, base), "result_type": "ticket"}
    return {**views.user(hit, base), "result_type": "user"}


def _rank(held: str | None, ranks: tuple[str, ...]) -> int:
    return -1 if held not in ranks else ranks.index(held)
