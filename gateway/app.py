"""The ASGI application: routes, CORS, and how refusals of any route are answered.

POST|GET /graphql    /  /console/*    /desk/*    /schema.graphql    /healthz  /readyz  /metrics
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from gateway import answers, pages, probes
from gateway.auth import Doorkeeper
from gateway.config import Config
from gateway.direct import Direct
from gateway.endpoint import GraphQLEndpoint
from gateway.guard import REQUEST_ID, Guard
from gateway.hosts import Origin, is_loopback
from gateway.negotiation import wants_events
from gateway.probes import Probes
from gateway.refusals import NotAllowed, Refusal
from gateway.request import PROOF_HEADERS
from gateway.telemetry import PrometheusTelemetry
from gateway.turnstile import Line, Turnstile

GRAPHQL_PATH: Final = "/graphql"
_CALLER_HEADERS: Final = ("authorization", "content-type", REQUEST_ID, *PROOF_HEADERS)

Drain = Callable[[], None]
Respond = Callable[[Request], Awaitable[Response]]
Background = Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the application is made of. `query` is the one the landing page starts with, `more` are
    further routes; `started` runs around the time of serving.
    """

    config: Config
    doorkeeper: Doorkeeper
    endpoint: GraphQLEndpoint
    probes: Probes
    telemetry: PrometheusTelemetry
    sdl: str
    query: str
    more: Sequence[BaseRoute] = ()
    started: Background | None = None
    events: Respond | None = None
    """Answers who accepts a stream of events."""
    drain: Drain = lambda: None


def build_app(parts: Parts) -> "Application":
    """The application; it opens nothing itself."""
    is_open = is_introspectable(parts.config)

    def admit(request: Request) -> None:
        if not is_open:
            raise NotAllowed("introspection is off")
        headers = request.headers
        parts.doorkeeper.identify(headers.get("authorization"), headers.get("host"))

    graphql = Route(GRAPHQL_PATH, _responding(parts), methods=["GET", "POST"])
    inner = probes.routes(parts.probes, parts.telemetry.exposition, parts.sdl, admit)
    return Application(
        parts,
        routes=[graphql, *inner, *parts.more, *pages.routes(parts.query, with_console=is_open)],
        middleware=[_cors(parts.config), Middleware(Guard)],
        exception_handlers={Refusal: _refused, HTTPException: _http},
        lifespan=_lifespan(parts.started),
    )


def _responding(parts: Parts) -> Respond:
    """One answer, or a stream of them where that is what the request accepts."""

    async def respond(request: Request) -> Response:
        if parts.events is not None and wants_events(request.headers.get("accept")):
            return await parts.events(request)
        return await parts.endpoint.respond(request)

    return respond


class Application(Starlette):
    """Plain requests to the graph go the short way. `drain` ends what would never end by itself."""

    def __init__(self, parts: Parts, **settings: Any) -> None:
        super().__init__(**settings)
        self.drain = parts.drain
        line = Line(at_once=parts.config.server.at_once, patience_s=parts.config.limits.deadline_s)
        behind = Turnstile(super().__call__, GRAPHQL_PATH, line)
        self.direct = Direct(behind, GRAPHQL_PATH, parts.endpoint, line)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A coroutine, by which servers tell this version of ASGI from the first."""
        await self.direct(scope, receive, send)


def is_introspectable(config: Config) -> bool:
    """Whether callers may read the schema (`server.introspection`)."""
    rule = config.server.introspection
    return rule == "on" or (rule == "loopback" and is_loopback(config.server.host))


def _cors(config: Config) -> Middleware:
    """Credentials stay out: callers are known by a header of their own, never by a cookie."""
    patterns = [Origin.parse(text).pattern for text in config.server.allowed_origins]
    return Middleware(
        CORSMiddleware,
        allow_origin_regex="|".join(patterns) or None,
        allow_methods=("GET", "POST"),
        allow_headers=_CALLER_HEADERS,
        expose_headers=(REQUEST_ID,),
        max_age=600,
    )


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101  # registered for nothing else
    headers = {**error.headers, "cache-control": "no-store"}
    return JSONResponse(answers.refused(error), status_code=error.status, headers=headers)


async def _http(_request: Request, error: Exception) -> Response:
    """No such path, or no such method on it."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for nothing else
    coded = {"message": error.detail, "extensions": {"code": "BAD_REQUEST"}}
    headers = dict(error.headers or {})
    return JSONResponse({"errors": [coded]}, status_code=error.status_code, headers=headers)


def _lifespan(
    started: Background | None,
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if started is None:
            yield
        else:
            async with started():
                yield

    return lifespan
