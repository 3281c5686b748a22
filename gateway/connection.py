"""A connection to the server: uvicorn's, but that plain requests to the graph are taken at once.

    a head seen before, its body with it, nothing under way  >  Direct  >  one write
    anything else                                            >  uvicorn's parser and ASGI

A request that is taken is to uvicorn like one of its own that is under way: what comes meanwhile
waits in its pipeline, a shutdown lets it end, who has gone is not written to.
"""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any, ClassVar, Final

from uvicorn import Config
from uvicorn.server import ServerState

from gateway import answers
from gateway.bounds import Bounded
from gateway.direct import Direct
from gateway.endpoint import Reply
from gateway.heads import CLOSE, Head, Heads, Openings
from gateway.request import from_body

_END: Final = b"\r\n\r\n"
_UNSEEN: Final = Head(fields={}, length=-1)
_SMALL: Final = 16_384
"""Bytes of an answer up to which putting its head before it costs less than sending two pieces."""
_CUT_OFF: Final = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n" + CLOSE + b"\r\n"


class Front:
    """What the connections of a server have in common."""

    def __init__(self, direct: Direct) -> None:
        self.direct = direct
        self.limits = direct.limits
        self.heads = Heads(direct.path, self.limits.body_bytes)
        self.openings = Openings()

    def connection(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> "Connection":
        """As uvicorn asks for one."""
        return Connection(self, config, server_state, app_state, _loop)


class Connection(Bounded):
    """As uvicorn's, in front of the same application."""

    def __init__(self, front: Front, *settings: Any) -> None:
        super().__init__(*settings)
        self.front = front
        self._known = front.heads.known

    def data_received(self, data: bytes) -> None:
        cycle = self.cycle
        if self.is_between and (cycle is None or cycle.response_complete):
            end = data.find(_END) + len(_END)
            head = self._known.get(data[:end], _UNSEEN)
            if head is _UNSEEN:
                head = self.front.heads.read(data[:end])
            if head is not None and head.length == len(data) - end:
                self._take(head, data[end:])
                return
        super().data_received(data)

    def _take(self, head: Head, body: bytes) -> None:
        exchange = Exchange(self)
        self.cycle = self.under_way = exchange  # type: ignore[assignment]  # it has what is asked
        read = partial(from_body, body, self.front.limits)
        task = self.loop.create_task(self.front.direct.respond(head.fields, read, exchange.put))
        self.tasks.add(task)
        task.add_done_callback(exchange.end)


class Exchange:
    """A plain request and its answer, with what uvicorn asks of what is under way."""

    __slots__ = ("_connection", "disconnected", "keep_alive", "response_complete")

    message_event: ClassVar = asyncio.Event()
    """That more of the body has come: nobody waits for it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False

    def put(self, reply: Reply, known: str) -> Awaitable[None] | None:
        """Write the answer, to who is there; what is to be awaited first is returned."""
        connection = self._connection
        if not self.disconnected:
            if connection.flow.write_paused:
                return self._put_later(reply, known)
            openings = connection.front.openings
            opening = openings.of(reply, connection.server_state.default_headers, known)
            if openings.is_last:
                self.keep_alive = False
            elif not self.keep_alive:
                opening = opening[:-2] + CLOSE + b"\r\n"
            if len(reply.body) <= _SMALL:
                connection.transport.write(opening + reply.body)
            else:
                connection.transport.writelines((opening, reply.body))
        self._done()
        return None

    async def _put_later(self, reply: Reply, known: str) -> None:
        """The caller has not read the answers before this one."""
        await self._connection.flow.drain()
        pending = self.put(reply, known)
        if pending is not None:
            await pending

    def _done(self) -> None:
        self.response_complete = True
        if not self.keep_alive:
            self._connection.transport.close()
        self._connection.on_response_complete()

    def end(self, task: "asyncio.Task[None]") -> None:
        """Once nothing is left to do. Who was stopped on the way is told so."""
        self._connection.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            answers.logged(error)
        if not self.response_complete:
            self.keep_alive = False
            if not self.disconnected:
                self._connection.transport.write(_CUT_OFF)
            self._done()
