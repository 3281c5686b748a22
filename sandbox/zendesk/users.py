"""Users: read, many at once, searched, exported, written."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.rows import TicketUser
from sandbox.vendor import Json
from sandbox.world import World
from sandbox.zendesk import views
from sandbox.zendesk.errors import not_found
from sandbox.zendesk.exports import Exports
from sandbox.zendesk.paging import paged
from sandbox.zendesk.request import body, by_id, ids, listed, row_id, unordered
from sandbox.zendesk.search import Search
from sandbox.zendesk.writes import UserBody, Writes


class Users:
    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = world.ticket_users
        self._search = Search(world)
        self._writes = Writes(world)

    def routes(self, exports: Exports) -> list[Route]:
        async def export(request: Request) -> Response:
            base = str(request.base_url)
            page = exports.page(request, "users", self._rows, lambda row: views.user(row, base))
            return JSONResponse({**page, **self._sideloaded(request, page)})

        return [
            Route("/api/v2/incremental/users/cursor", export, methods=["GET"]),
            Route("/api/v2/users", self.index, methods=["GET"]),
            Route("/api/v2/users/me", self.me, methods=["GET"]),
            Route("/api/v2/users/show_many", self.show_many, methods=["GET"]),
            Route("/api/v2/users/search", self.search, methods=["GET"]),
            Route("/api/v2/users/create_or_update", self.create_or_update, methods=["POST"]),
            Route("/api/v2/users/{user_id}", self.show, methods=["GET"]),
            Route("/api/v2/users/{user_id}", self.update, methods=["PUT"]),
            Route("/api/v2/users/{user_id}/identities", self.identities, methods=["GET"]),
        ]

    async def index(self, request: Request) -> Response:
        role, external_id = (request.query_params.get(name) for name in ("role", "external_id"))
        rows = [
            row
            for row in by_id(self._rows)
            if role in (None, row.role) and external_id in (None, row.external_id)
        ]
        return JSONResponse(self._paged(request, rows))

    async def me(self, request: Request) -> Response:
        row = self._rows.get(self._world.agent_ids[0])
        if row is None:
            raise not_found()
        return self._one(request, row)

    async def show(self, request: Request) -> Response:
        return self._one(request, self._row(request))

    async def show_many(self, request: Request) -> Response:
        """Users by ids or by external ids, in no promised order; the missing are left out."""
        if "external_ids" in request.query_params:
            wanted = set(listed(request, "external_ids"))
            rows = [row for row in self._rows.live() if row.external_id in wanted]
        else:
            rows = [row for key in ids(request) if (row := self._rows.get(key)) is not None]
        base = str(request.base_url)
        page = {"users": [views.user(row, base) for row in unordered(rows)]}
        return JSONResponse({**page, **self._sideloaded(request, page)})

    async def search(self, request: Request) -> Response:
        external_id = request.query_params.get("external_id")
        if external_id is not None:
            rows = [row for row in by_id(self._rows) if row.external_id == external_id]
        else:
            rows = self._search.users(request.query_params.get("query", ""))
        return JSONResponse(self._paged(request, rows))

    async def identities(self, request: Request) -> Response:
        held = views.identities(self._row(request), str(request.base_url))
        return JSONResponse({"identities": held})

    async def create_or_update(self, request: Request) -> Response:
        asked = await body(request, UserBody)
        row, is_new = self._writes.create_or_update_user(asked.user)
        return self._one(request, row, HTTPStatus.CREATED if is_new else HTTPStatus.OK)

    async def update(self, request: Request) -> Response:
        asked = await body(request, UserBody)
        return self._one(request, self._writes.update_user(self._row(request).id, asked.user))

    def _row(self, request: Request) -> TicketUser:
        row = self._rows.get(row_id(request, "user_id", "api/v2/users/show"))
        if row is None:
            raise not_found()
        return row

    def _one(
        self, request: Request, row: TicketUser, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        shown = {"user": views.user(row, str(request.base_url))}
        return JSONResponse(shown, status_code=status)

    def _paged(self, request: Request, rows: list[TicketUser]) -> Json:
        base = str(request.base_url)
        page = paged(request, "users", rows, lambda row: views.user(row, base))
        return {**page, **self._sideloaded(request, page)}

    def _sideloaded(self, request: Request, page: Json) -> dict[str, Json]:
        """`include=identities` adds every address and number of the users shown."""
        if "identities" not in listed(request, "include"):
            return {}
        base = str(request.base_url)
        rows = (self._rows.get(str(shown["id"])) for shown in page["users"])
        held = [views.identities(row, base) for row in rows if row is not None]
        return {"identities": [identity for identities in held for identity in identities]}
