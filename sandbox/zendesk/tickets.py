"""Tickets and their comments: read, many at once, exported, written."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.rows import Comment, Ticket
from sandbox.vendor import Json
from sandbox.world import World
from sandbox.zendesk import views
from sandbox.zendesk.errors import not_found
from sandbox.zendesk.exports import Exports
from sandbox.zendesk.paging import paged
from sandbox.zendesk.request import body, by_id, ids, listed, row_id, unordered
from sandbox.zendesk.writes import TicketBody, Writes


class Tickets:
    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = world.tickets
        self._writes = Writes(world)

    def routes(self, exports: Exports) -> list[Route]:
        async def export(request: Request) -> Response:
            base = str(request.base_url)
            page = exports.page(request, "tickets", self._rows, lambda row: views.ticket(row, base))
            return JSONResponse({**page, **self._sideloaded(request, page)})

        return [
            Route("/api/v2/incremental/tickets/cursor", export, methods=["GET"]),
            Route("/api/v2/tickets", self.index, methods=["GET"]),
            Route("/api/v2/tickets", self.create, methods=["POST"]),
            Route("/api/v2/tickets/show_many", self.show_many, methods=["GET"]),
            Route("/api/v2/tickets/{ticket_id}", self.show, methods=["GET"]),
            Route("/api/v2/tickets/{ticket_id}", self.update, methods=["PUT"]),
            Route("/api/v2/tickets/{ticket_id}/comments", self.comments, methods=["GET"]),
        ]

    async def index(self, request: Request) -> Response:
        external_id = request.query_params.get("external_id")
        rows = [row for row in by_id(self._rows) if external_id in (None, row.external_id)]
        base = str(request.base_url)
        page = paged(request, "tickets", rows, lambda row: views.ticket(row, base))
        return JSONResponse({**page, **self._sideloaded(request, page)})

    async def show(self, request: Request) -> Response:
        return JSONResponse({"ticket": views.ticket(self._row(request), str(request.base_url))})

    async def show_many(self, request: Request) -> Response:
        """Tickets by ids, in no promised order; missing and deleted ones are left out."""
        found = (self._rows.get(key) for key in ids(request))
        rows = [row for row in found if row is not None and row.deleted_at is None]
        base = str(request.base_url)
        page = {"tickets": [views.ticket(row, base) for row in unordered(rows)]}
        return JSONResponse({**page, **self._sideloaded(request, page)})

    async def comments(self, request: Request) -> Response:
        """Oldest first, unless sorted otherwise (`sort` by cursor, `sort_order` by offset)."""
        comments: list[Comment] = [*self._row(request).comments]
        query = request.query_params
        if query.get("sort") == "-created_at" or query.get("sort_order") == "desc":
            comments.reverse()
        page: dict[str, Json] = paged(request, "comments", comments, views.comment)
        if "users" in listed(request, "include"):
            authors = [{"requester_id": comment["author_id"]} for comment in page["comments"]]
            page["users"] = views.people(self._world, authors, str(request.base_url))
        return JSONResponse(page)

    async def create(self, request: Request) -> Response:
        asked = await body(request, TicketBody)
        row = self._writes.create_ticket(asked.ticket)
        shown = {"ticket": views.ticket(row, str(request.base_url))}
        return JSONResponse(shown, status_code=HTTPStatus.CREATED)

    async def update(self, request: Request) -> Response:
        asked = await body(request, TicketBody)
        ticket_id = row_id(request, "ticket_id", "api/v2/tickets/update")
        row, audit = self._writes.update_ticket(ticket_id, asked.ticket)
        shown = views.ticket(row, str(request.base_url))
        return JSONResponse({"ticket": shown, "audit": audit})

    def _row(self, request: Request) -> Ticket:
        row = self._rows.get(row_id(request, "ticket_id", "api/v2/tickets/show"))
        if row is None or row.deleted_at is not None:
            raise not_found()
        return row

    def _sideloaded(self, request: Request, page: Json) -> dict[str, Json]:
        """`include=users` adds the people of the tickets shown."""
        if "users" not in listed(request, "include"):
            return {}
        return {"users": views.people(self._world, page["tickets"], str(request.base_url))}
