"""The short way to `/graphql`: a plain POST is read and answered without routing or request
objects, which cost as much as the parsing, judging and planning of a query seen before.

Plain is: a JSON body without a content encoding, from no other origin, for one answer. Everything
else takes the long way, where CORS and the other forms are known; both ways end in the same
endpoint.
"""

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.waiting import before
from gateway.endpoint import GraphQLEndpoint, failed
from gateway.guard import REQUEST_ID, SAFE_HEADERS, id_of, note
from gateway.logs import request_id
from gateway.negotiation import wants_events
from gateway.refusals import BadRequest, BodyTimeout, TooLarge
from gateway.request import GraphQLRequest, from_body

_KNOWN: Final = {b"accept", b"authorization", b"host", b"content-type", b"content-length"}
_LONG_WAY: Final = {b"origin", b"content-encoding", b"sec-fetch-site"}
_SAFE: Final = [(name.encode(), value.encode()) for name, value in SAFE_HEADERS.items()]
_ID: Final = REQUEST_ID.encode()


class Direct:
    """In front of the application, which answers what is not plain."""

    def __init__(self, app: ASGIApp, path: str, endpoint: GraphQLEndpoint) -> None:
        self._app = app
        self._path = path
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _plain(scope, self._path)
        if headers is None:
            await self._app(scope, receive, send)
            return
        known = id_of(headers.get(REQUEST_ID))
        token = request_id.set(known)
        started, status = perf_counter(), 500
        try:
            status = await self._answer(headers, known, receive, send)
        finally:
            note(scope, status, perf_counter() - started)
            request_id.reset(token)

    async def _answer(
        self, headers: Mapping[str, str], known: str, receive: Receive, send: Send
    ) -> int:
        limits = self._endpoint.limits

        async def read() -> GraphQLRequest:
            declared = headers.get("content-length", "")
            if declared.isdecimal() and int(declared[:19]) > limits.body_bytes:
                raise TooLarge(f"the body is larger than {limits.body_bytes} bytes")
            body = await _body(receive, limits.body_bytes, limits.deadline_s)
            return from_body(body, limits)

        try:
            reply = await self._endpoint.replied(headers, read)
        except Exception as error:  # noqa: BLE001  # the last net, as in Guard
            reply = failed(error)
        fields = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
        fields += [
            (b"content-length", str(len(reply.body)).encode()),
            *_SAFE,
            (_ID, known.encode()),
        ]
        start: Message = {
            "type": "http.response.start",
            "status": reply.status,
            "headers": fields,
        }
        await send(start)
        await send({"type": "http.response.body", "body": reply.body})
        await reply.finish()
        return reply.status


def _plain(scope: Scope, path: str) -> Mapping[str, str] | None:
    """The headers that matter, of a plain POST; None for everything else."""
    if scope["type"] != "http" or scope["path"] != path or scope["method"] != "POST":
        return None
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in _KNOWN or name == _ID:
            text = name.decode()
            if text in found:
                return None
            found[text] = value.decode("latin-1")
        elif name in _LONG_WAY:
            return None
    if found.get("content-type") != "application/json" or wants_events(found.get("accept")):
        return None
    return found


async def _body(receive: Receive, most: int, patience_s: float) -> bytes:
    """Never more of it than allowed in memory."""
    try:
        with before(asyncio.get_running_loop().time() + patience_s):
            message = await _piece(receive)
            body: bytes = message.get("body", b"")
            while message.get("more_body") and len(body) <= most:
                message = await _piece(receive)
                body += message.get("body", b"")
    except TimeoutError:
        raise BodyTimeout("the body did not arrive in time") from None
    if len(body) > most:
        raise TooLarge(f"the body is larger than {most} bytes")
    return body


async def _piece(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise BadRequest("the body was cut off")
    return message
