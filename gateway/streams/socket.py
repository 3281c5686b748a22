"""graphql-transport-ws over a WebSocket at `/graphql`
(github.com/enisdenjo/graphql-ws, PROTOCOL.md).

    4400 a message of another form     4401 subscribed before the connection was acknowledged
    4403 who connects is not known     4406 another subprotocol     4408 no connection_init in time
    4409 an id that is in use          4429 a second connection_init
    1012 this worker stops             1013 what was sent was not taken
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import orjson
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from domain.errors import GatewayError
from gateway import answers
from gateway.answers import Answer
from gateway.endpoint import GraphQLEndpoint
from gateway.refusals import BadRequest, Refusal
from gateway.request import from_body
from gateway.streams.bounds import GoingAway
from gateway.streams.streams import Judge, Streams, Unopened, ending

PROTOCOL: Final = "graphql-transport-ws"

JudgeOf = Callable[[HTTPConnection, str | None], Judge]
"""Of a connection, and of the authorization that it gave beside its headers."""
Message = dict[str, Any]


class Sockets:
    """Accepts WebSockets from pages of the origins that may call, and from programs."""

    def __init__(
        self,
        streams: Streams,
        endpoint: GraphQLEndpoint,
        judge_of: JudgeOf,
        origins: re.Pattern[str] | None,
    ) -> None:
        self._streams = streams
        self._endpoint = endpoint
        self._judge_of = judge_of
        self._origins = origins

    async def serve(self, websocket: WebSocket) -> None:
        if not self._may_call(websocket):
            await websocket.close()  # before it is accepted: 403
            return
        if PROTOCOL not in websocket.scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(4406, "Subprotocol not acceptable")
            return
        await websocket.accept(PROTOCOL)
        connection = Connection(websocket, self._streams, self._endpoint, self._judge_of)
        self._streams.sockets.add(connection)
        try:
            await connection.run()
        finally:
            self._streams.sockets.discard(connection)

    def _may_call(self, websocket: WebSocket) -> bool:
        """Browsers name the page's origin and are not held back by CORS here; programs name none.
        A page of ours calls from where it was loaded.
        """
        origin = websocket.headers.get("origin")
        if origin is None:
            return True
        host = websocket.headers.get("host", "")
        own = {f"http://{host}", f"https://{host}"}
        return origin in own or bool(self._origins and self._origins.fullmatch(origin))


class _Over(Exception):  # an end, not a fault
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Connection:
    """One socket and the operations on it."""

    def __init__(
        self, websocket: WebSocket, streams: Streams, endpoint: GraphQLEndpoint, judge_of: JudgeOf
    ) -> None:
        self._websocket = websocket
        self._streams = streams
        self._endpoint = endpoint
        self._judge_of = judge_of
        self._judge: Judge | None = None
        self._is_begun = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._over: asyncio.Future[_Over] = asyncio.get_running_loop().create_future()

    def leave(self) -> None:
        self._end(_Over(1012, "Service restart"))

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        bounds = self._streams.bounds
        late = loop.call_later(
            bounds.init_s, self._end, _Over(4408, "Connection initialisation timeout")
        )
        try:
            while True:
                await self._take(await self._received())
                if self._judge is not None:
                    late.cancel()
        except _Over as over:
            await self._close(over)
        except (WebSocketDisconnect, WebSocketDisconnected):
            pass
        finally:
            late.cancel()
            await self._stop()

    def _end(self, over: _Over) -> None:
        if not self._over.done():
            self._over.set_result(over)

    async def _close(self, over: _Over) -> None:
        """Who does not take what is sent does not take this either: it is not waited for long."""
        await self._stop()
        with suppress(TimeoutError, OSError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(self._streams.bounds.send_s):
                await self._websocket.close(over.code, over.reason)

    async def _stop(self) -> None:
        tasks = list(self._operations.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._operations.clear()

    # ---------------------------------------------------------------- coming in

    async def _received(self) -> Message:
        receiving = asyncio.ensure_future(self._websocket.receive_text())
        either: set[asyncio.Future[Any]] = {receiving, self._over}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._over.done():
            receiving.cancel()
            await asyncio.wait({receiving})
            raise self._over.result()
        try:
            text = receiving.result()
        except KeyError:
            raise _Over(4400, "Messages must be text") from None
        return _message(text, self._endpoint.limits.body_bytes)

    async def _take(self, message: Message) -> None:
        match message["type"]:
            case "connection_init":
                await self._begin(message.get("payload"))
            case "ping":
                await self._send(_with_payload({"type": "pong"}, message))
            case "pong":
                pass
            case "subscribe":
                self._subscribe(message)
            case "complete":
                self._complete(message.get("id"))
            case _:
                raise _Over(4400, "Unknown message type")

    async def _begin(self, payload: Any) -> None:
        if self._is_begun:
            raise _Over(4429, "Too many initialisation requests")
        self._is_begun = True
        if not isinstance(payload, dict | None):
            raise _Over(4400, "Invalid connection_init payload")
        judge = self._judge_of(self._websocket, _authorization(payload or {}))
        try:
            await judge()
        except Refusal:
            raise _Over(4403, "Forbidden") from None
        self._judge = judge
        await self._send({"type": "connection_ack"})

    def _subscribe(self, message: Message) -> None:
        judge, id, payload = self._judge, message.get("id"), message.get("payload")
        if judge is None:
            raise _Over(4401, "Unauthorized")
        if not isinstance(id, str) or not id or not isinstance(payload, dict):
            raise _Over(4400, "Invalid subscribe message")
        if id in self._operations:
            raise _Over(4409, f"Subscriber for {id[:80]} already exists")
        task = asyncio.create_task(self._operate(id, payload, judge))
        self._operations[id] = task

    def _complete(self, id: Any) -> None:
        if not isinstance(id, str):
            raise _Over(4400, "Invalid complete message")
        task = self._operations.pop(id, None)
        if task is not None:
            task.cancel()

    # ---------------------------------------------------------------- one operation

    async def _operate(self, id: str, payload: Message, judge: Judge) -> None:
        """Told as `next` and `complete`, or by one `error`, after which the id is free again."""
        try:
            last = await self._answered(id, payload, judge)
        except Unopened as refused:
            last = _error(id, refused.answer["errors"])
        except Refusal as refusal:
            last = _error(id, answers.refused(refusal)["errors"])
        except GoingAway:
            return  # the socket is closed: clients come back by themselves
        except Exception as error:  # noqa: BLE001  # the last net: told by its id, logged once
            last = _error(id, answers.failed(error)["errors"])
        if self._operations.get(id) is asyncio.current_task():
            del self._operations[id]
            with suppress(WebSocketDisconnect, WebSocketDisconnected, OSError, RuntimeError):
                await self._send(last)

    async def _answered(self, id: str, payload: Message, judge: Judge) -> Message:
        if len(self._operations) > self._streams.bounds.per_socket:
            raise BadRequest(f"at most {self._streams.bounds.per_socket} operations on a socket")
        asked = from_body(orjson.dumps(payload), self._endpoint.limits)
        prepared, values = await self._endpoint.judged(asked)
        if not prepared.is_subscription:
            answer = await self._endpoint.answered(asked, prepared, values, await judge())
            await self._next(id, answer)
            return {"id": id, "type": "complete"}
        stream = await self._streams.open(prepared, asked.variables, judge)
        try:
            while True:
                await stream.ready()
                found = await stream.step()
                if found is not None:
                    await self._next(id, found)
        except GatewayError as why:
            if isinstance(why, GoingAway):
                raise
            return _error(id, ending(why, stream.cursor))
        finally:
            stream.close()

    async def _next(self, id: str, answer: Answer) -> None:
        await self._send({"id": id, "type": "next", "payload": answer})

    async def _send(self, message: Message) -> None:
        try:
            async with asyncio.timeout(self._streams.bounds.send_s):
                await self._websocket.send_text(orjson.dumps(message).decode())
        except TimeoutError:
            self._end(_Over(1013, "Too slow"))
            raise WebSocketDisconnect(1013) from None


def _message(text: str, most: int) -> Message:
    if len(text) > most:
        raise _Over(4400, "Message too large")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _Over(4400, "Messages must be JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise _Over(4400, "Messages must be objects with a type")
    return message


def _authorization(payload: Message) -> str | None:
    found = payload.get("authorization") or payload.get("Authorization")
    return found if isinstance(found, str) else None


def _with_payload(reply: Message, message: Message) -> Message:
    return reply | {"payload": message["payload"]} if "payload" in message else reply


def _error(id: str, errors: list[Answer]) -> Message:
    return {"id": id, "type": "error", "payload": errors}
