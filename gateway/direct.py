"""The short way to `/graphql`: a plain POST is answered without routing or request objects, which
cost as much as the parsing, judging and planning of a query seen before.

Plain is: a JSON body without a content encoding, from no other origin, for one answer. Everything
else takes the long way, where CORS and the other forms are known; both ways end in the same
endpoint.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from random import getrandbits
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.endpoint import COMMON_HEADERS, GraphQLEndpoint, Read, Reply, failed, refused
from gateway.guard import REQUEST_ID, SAFE_HEADERS, id_of, note
from gateway.guard import logger as requests
from gateway.logs import request_id
from gateway.negotiation import EVENTS, Media, wants_events
from gateway.refusals import BadRequest, TooLarge
from gateway.request import GraphQLRequest, from_body
from gateway.turnstile import Line, overloaded

_KNOWN: Final[Mapping[bytes, str]] = {
    name.encode(): name
    for name in ("accept", "authorization", "host", "content-type", "content-length", REQUEST_ID)
}
_LONG_WAY: Final = {b"origin", b"content-encoding", b"sec-fetch-site"}
_JSON: Final = {"application/json", "application/json; charset=utf-8"}
FIELDS: Final = {
    media: [(n.encode(), v.encode()) for n, v in {**common, **SAFE_HEADERS}.items()]
    for media, common in COMMON_HEADERS.items()
}
"""Of the head of every answer of a media type."""
ID: Final = REQUEST_ID.encode()

Put = Callable[[Reply, str], Awaitable[None] | None]
"""Sends an answer to the request of this id; what is to be awaited for that is returned."""


class Direct:
    """In front of the application, which answers what is not plain."""

    def __init__(self, app: ASGIApp, path: str, endpoint: GraphQLEndpoint, line: Line) -> None:
        self.path = path
        self.limits = endpoint.limits
        self._app = app
        self._endpoint = endpoint
        self._line = line

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Not itself a coroutine: each wait below would be resumed through it."""
        if scope["type"] == "http" and scope["path"] == self.path and scope["method"] == "POST":
            headers = plain(scope["headers"])
            if headers is not None:
                read = partial(self._read, headers, receive)
                return self.respond(headers, read, partial(_sent, send))
        return self._app(scope, receive, send)

    async def respond(self, headers: Mapping[str, str], read: Read, put: Put) -> None:
        """Answer a plain request, in its turn."""
        given, line = headers.get(REQUEST_ID), self._line
        known = f"{getrandbits(64):016x}" if given is None else id_of(given)
        token = request_id.set(known)
        started, status = perf_counter(), 500
        try:
            if line.free:
                line.free -= 1
                is_in = True
            else:
                is_in = await line.is_let_in()
            if is_in:
                try:
                    reply = await self._endpoint.replied(headers, read)
                except Exception as error:  # noqa: BLE001  # the last net, as in Guard
                    reply = failed(error)
                finally:
                    line.leave()
            else:
                reply = refused(overloaded(), Media.JSON)
            pending = put(reply, known)
            if pending is not None:
                await pending
            status = reply.status
            await reply.finish()
        finally:
            if requests.isEnabledFor(logging.INFO):
                note("POST", self.path, status, perf_counter() - started)
            request_id.reset(token)

    async def _read(self, headers: Mapping[str, str], receive: Receive) -> GraphQLRequest:
        """The request in the body, of which there is never more in memory than allowed."""
        limits = self._endpoint.limits
        most = limits.body_bytes
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:19]) > most:
            raise TooLarge(f"the body is larger than {most} bytes")
        body, is_whole = b"", False
        while not is_whole and len(body) <= most:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise BadRequest("the body was cut off")
            body += message.get("body", b"")
            is_whole = not message.get("more_body")
        if len(body) > most:
            raise TooLarge(f"the body is larger than {most} bytes")
        return from_body(body, limits)


async def _sent(send: Send, reply: Reply, known: str) -> None:
    fields = [
        *FIELDS[reply.media],
        (b"content-length", b"%d" % len(reply.body)),
        (ID, known.encode()),
    ]
    if reply.more:
        fields += [(name.encode(), value.encode()) for name, value in reply.more.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": fields})
    await send({"type": "http.response.body", "body": reply.body})


def plain(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str] | None:
    """The headers that matter, of a plain POST; None for everything else."""
    found: dict[str, str] = {}
    for name, value in headers:
        known = _KNOWN.get(name)
        if known is not None:
            if known in found:
                return None
            found[known] = value.decode("latin-1")
        elif name in _LONG_WAY:
            return None
    accept = found.get("accept")
    if accept is not None and EVENTS in accept.lower() and wants_events(accept):
        return None
    return found if found.get("content-type") in _JSON else None
