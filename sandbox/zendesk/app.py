"""The Support API over HTTP. Paths take an optional `.json` ending.

Source: the Support API description; limits from the API reference (100 ids in `show_many`, 100
records a page).
"""

from __future__ import annotations

import base64
from typing import Final

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.allowance import Allowance, Standing, Window
from sandbox.door import Door, response
from sandbox.world import World
from sandbox.zendesk.errors import Refused, ZendeskDialect, error, unreadable
from sandbox.zendesk.exports import Exports
from sandbox.zendesk.search import Search
from sandbox.zendesk.tickets import Tickets
from sandbox.zendesk.users import Users

EMAIL: Final = "ada@support.example"
TOKEN: Final = "zdsandbox0000000000000000000000000000001"  # noqa: S105 - made up, opens nothing
# Above any plan (200 to 2,500 a minute; exports 10), so that a demo or benchmark never meets it.
PLENTY: Final = Allowance(requests=100_000, window_s=60)


def build(
    world: World, *, allowance: Allowance = PLENTY, export_allowance: Allowance = PLENTY
) -> ASGIApp:
    """The bare app. `export_allowance` holds for the incremental exports alone."""
    people, desk = Users(world), Tickets(world)
    exports = Exports(world, Window(export_allowance, world.now))
    routes = [*people.routes(exports), *desk.routes(exports), *_search_routes(Search(world))]
    handlers = dict.fromkeys((Refused, ValidationError, HTTPException), _explained)
    return Door(
        _WithoutSuffix(Starlette(routes=routes, exception_handlers=handlers)),
        dialect=ZendeskDialect(),
        authorized=_authorized,
        window=Window(allowance, world.now),
        told=_limits,
    )


def _search_routes(search: Search) -> list[Route]:
    async def listed(request: Request) -> Response:
        return JSONResponse(search.listed(request))

    async def counted(request: Request) -> Response:
        return JSONResponse(search.counted(request))

    async def exported(request: Request) -> Response:
        return JSONResponse(search.exported(request))

    return [
        Route("/api/v2/search", listed, methods=["GET"]),
        Route("/api/v2/search/count", counted, methods=["GET"]),
        Route("/api/v2/search/export", exported, methods=["GET"]),
    ]


class _WithoutSuffix:
    """Takes the optional `.json` off a path before it is routed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "path": scope["path"].removesuffix(".json")}, receive, send)


def _authorized(header: str | None) -> bool:
    """A bearer token, or Basic with `{email}/token:{token}`."""
    basic = base64.b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()
    return header in (f"Bearer {TOKEN}", f"Basic {basic}")


def _limits(_: str, standing: Standing) -> dict[str, str]:
    limit, remaining = str(standing.limit), str(standing.remaining)
    return {
        "x-rate-limit": limit,
        "x-rate-limit-remaining": remaining,
        "ratelimit-limit": limit,
        "ratelimit-remaining": remaining,
        "ratelimit-reset": str(standing.reset_s),
    }


async def _explained(_: Request, problem: Exception) -> Response:
    """Whatever was raised, in Zendesk's words."""
    if isinstance(problem, Refused):
        return response(problem.answer)
    if isinstance(problem, ValidationError):
        first = problem.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        return response(unreadable(f"{place}: {first['msg']}").answer)
    if isinstance(problem, HTTPException):
        return response(error(problem.status_code, "InvalidEndpoint", "Not found").answer)
    return response(ZendeskDialect().broken())
