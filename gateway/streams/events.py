"""Server-sent events at `/graphql`: graphql-sse, distinct connections mode
(github.com/enisdenjo/graphql-sse, PROTOCOL.md).

    event: next        an answer; `id` is where a browser that comes back goes on (Last-Event-ID)
    event: complete    the end; where it is missing, the client is to come back
    :                  nothing happened, and we are here
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from domain.errors import GatewayError
from gateway import answers
from gateway.answers import Answer
from gateway.endpoint import GraphQLEndpoint
from gateway.negotiation import EVENTS
from gateway.refusals import MethodNotAllowed, Refusal
from gateway.request import graphql_request
from gateway.streams.bounds import GoingAway
from gateway.streams.socket import JudgeOf
from gateway.streams.streams import Stream, Streams, Unopened, ending

_HEARTBEAT: Final = b":\n\n"
_COMPLETE: Final = b"event: complete\ndata: \n\n"


class Events:
    """Answers requests for a stream of events."""

    def __init__(self, streams: Streams, endpoint: GraphQLEndpoint, judge_of: JudgeOf) -> None:
        self._streams = streams
        self._endpoint = endpoint
        self._judge_of = judge_of

    async def respond(self, request: Request) -> Response:
        """A stream, or the refusal of one as JSON with its status."""
        try:
            return await self._opened(request)
        except Unopened as refused:
            return _refused(refused.answer, 400)
        except Refusal as refusal:
            return _refused(answers.refused(refusal), refusal.status)
        except GatewayError as error:
            return _refused({"errors": answers.failed(error)["errors"]}, 503)

    async def _opened(self, request: Request) -> Response:
        judge = self._judge_of(request, None)
        caller = await judge()
        asked = await graphql_request(request, self._endpoint.limits)
        prepared, values = await self._endpoint.judged(replace(asked, read_only=False))
        if asked.read_only and prepared.is_mutation:
            raise MethodNotAllowed("a GET changes nothing; send a POST")
        if not prepared.is_subscription:
            answer = await self._endpoint.answered(asked, prepared, values, caller)
            return EventStream(_once(answer), self._streams.bounds.send_s)
        resume = request.headers.get("last-event-id") or None
        stream = await self._streams.open(prepared, asked.variables, judge, resume)
        return EventStream(
            _told(stream, self._streams.bounds.heartbeat_s), self._streams.bounds.send_s, stream
        )


def _refused(answer: Answer, status: int) -> JSONResponse:
    return JSONResponse(answer, status, {"cache-control": "no-store"})


async def _once(answer: Answer) -> AsyncIterator[bytes]:
    yield _next(answer, None)
    yield _COMPLETE


async def _told(stream: Stream, heartbeat_s: float) -> AsyncIterator[bytes]:
    try:
        while True:
            try:
                async with asyncio.timeout(heartbeat_s):
                    await stream.ready()
            except TimeoutError:
                yield _HEARTBEAT
                continue
            answer = await stream.step()
            if answer is not None:
                yield _next(answer, stream.cursor)
    except GatewayError as why:
        yield _next({"errors": ending(why, stream.cursor)}, stream.cursor)
        if not isinstance(why, GoingAway):
            yield _COMPLETE


def _next(answer: Answer, cursor: str | None) -> bytes:
    id = b"" if cursor is None else b"id: " + cursor.encode() + b"\n"
    return b"event: next\n" + id + b"data: " + orjson.dumps(answer) + b"\n\n"


class EventStream(Response):
    """Sends as it comes, until it ends or the client has gone; what is sent must be taken within
    `send_s`.
    """

    media_type = EVENTS

    def __init__(
        self, pieces: AsyncIterator[bytes], send_s: float, stream: Stream | None = None
    ) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._pieces = pieces
        self._send_s = send_s
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.wait({sending, leaving})
            if self._stream is not None:
                self._stream.close()
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        async with aclosing(self._pieces) as pieces:  # type: ignore[type-var]  # generators
            try:
                async for piece in pieces:
                    async with asyncio.timeout(self._send_s):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
            except TimeoutError:
                return  # it is not taken: the connection ends where it is
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
