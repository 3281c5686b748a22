"""A connection to the server: uvicorn's, but that plain requests to the graph are taken at once.

    a head seen before, its body with it, nothing under way  >  Direct  >  one write
    anything else                                            >  uvicorn's parser and ASGI

A request that is taken is to uvicorn like one of its own that is under way: what comes meanwhile
waits in its pipeline, a shutdown lets it end, who has gone is not written to.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from functools import partial
from typing import Any, ClassVar, Final

from uvicorn import Config
from uvicorn.server import ServerState

from domain.waiting import Later, in_task
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
        exchange.begin(self.front.direct.respond(head.fields, read, exchange.put))


class Exchange:
    """A plain request and its answer, with what uvicorn asks of what is under way.

    It begins where its bytes are read, and ends there where nothing has to be waited for. Company
    is waited for without a task; the rest of what waits for anything else becomes one.
    """

    __slots__ = (
        "_awaited",
        "_connection",
        "_context",
        "_rest",
        "disconnected",
        "keep_alive",
        "response_complete",
    )

    message_event: ClassVar = asyncio.Event()
    """That more of the body has come: nobody waits for it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Answer it, which is all of the work that puts the answer."""
        self._rest = work
        self._context = copy_context()
        self._awaited: Later | None = None
        self._step(work.send, None)

    def _go_on(self) -> None:
        self._connection.tasks.discard(self)
        self._awaited = None
        self._step(self._rest.send, None)

    def _step(self, resume: Callable[[Any], object], told: object) -> None:
        try:
            awaited = self._context.run(resume, told)
        except StopIteration:
            pass
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # as of a task
            self._ended(error)
        else:
            self._wait(awaited)

    def _wait(self, awaited: object) -> None:
        connection = self._connection
        if isinstance(awaited, Later):
            awaited.then = self._go_on
            self._awaited = awaited
            connection.tasks.add(self)  # type: ignore[arg-type]  # it has what is asked of one
        elif awaited is None:
            task = connection.loop.create_task(self._rest, context=self._context)
            connection.tasks.add(task)
            task.add_done_callback(self.end)
        else:
            self._step(self._rest.throw, RuntimeError("what is waited for needs a task"))

    def cancel(self, msg: str | None = None) -> None:
        """As of a task: soon. uvicorn asks for it where a stopping server has waited for long."""
        self._connection.loop.call_soon(self._stop, msg)

    def _stop(self, msg: str | None) -> None:
        awaited, self._awaited = self._awaited, None
        if awaited is not None:
            awaited.then = None
            self._connection.tasks.discard(self)
            self._step(self._rest.throw, asyncio.CancelledError(msg))

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
        await in_task()
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
        self._ended(asyncio.CancelledError() if task.cancelled() else task.exception())

    def _ended(self, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, asyncio.CancelledError):
            answers.logged(error)
        if not self.response_complete:
            self.keep_alive = False
            if not self.disconnected:
                self._connection.transport.write(_CUT_OFF)
            self._done()
