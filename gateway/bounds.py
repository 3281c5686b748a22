"""uvicorn's connection, within bounds it does not have: what somebody who has not said who they are
may make a server hold, and for how long.

    head       so many bytes, and so many seconds from its first; else 431, or the connection ends
    silence    a connection on which nothing comes ends
    trailers   are read and left: no proxy in front has judged them as it has judged headers
    leaving    is told to the request under way, also where others wait behind it
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MOST_HEAD_BYTES: Final = 65_536
"""Of a head, and of what follows a body in pieces. One more piece may have come with the last."""
HEAD_S: Final = 20.0
"""How long a head may take, from its first byte; and the first byte of a new connection."""

_TOO_LARGE: Final = STATUS_LINE[431] + b"content-length: 0\r\nconnection: close\r\n\r\n"


class Bounded(HttpToolsProtocol):
    """One timer of a connection is looked at when it goes off, in place of a new one each time."""

    def __init__(self, *settings: Any, **named: Any) -> None:
        super().__init__(*settings, **named)
        self.is_between = True
        """The parser has seen the end of whatever it has seen the beginning of."""
        self.ends_at = 0.0
        """When it is closed, if no request is under way by then."""
        self.under_way: Any = None
        """The cycle of the request that is answered; `cycle` is that of the one read last."""
        self._is_in_head = False
        self._unheard = 0
        """Bytes since something was made of them."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._end_in(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.under_way is not None:
            self.under_way.disconnected = True
            self.under_way.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unheard += len(data)
        super().data_received(data)
        if self._unheard > MOST_HEAD_BYTES:
            self._refuse()
        elif self.timeout_keep_alive_task is None and self._is_free:
            self._look_at_end()  # which had been put off by what came

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            if self._is_in_head and self._is_free:
                self.transport.write(_TOO_LARGE)
            self.transport.close()

    # ---------------------------------------------------------------- what the parser tells

    def on_message_begin(self) -> None:
        self.is_between, self._is_in_head, self._unheard = False, True, 0
        self.ends_at = self.loop.time() + HEAD_S
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head, self._unheard = False, 0
        super().on_headers_complete()
        self.headers = _Ended(self.headers)

    def on_body(self, body: bytes) -> None:
        self._unheard = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.is_between, self._unheard = True, 0
        super().on_message_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self.under_way = cycle
        super()._start_asgi_task(cycle, app)

    # ---------------------------------------------------------------- between requests

    @property
    def _is_free(self) -> bool:
        """Nothing is under way, and nothing waits."""
        return self.under_way is None or (self.under_way.response_complete and not self.pipeline)

    def on_response_complete(self) -> None:
        if not self._is_in_head:
            self.ends_at = self.loop.time() + self.timeout_keep_alive
        if self.pipeline or self.timeout_keep_alive_task is None:
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1
            if self.flow.read_paused:
                self.flow.resume_reading()

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if not self._is_free:
            return  # it is set again when the answer is out
        if self.ends_at > self.loop.time():
            self._look_at_end()
        else:
            super().timeout_keep_alive_handler()

    def _end_in(self, seconds: float) -> None:
        self.ends_at = self.loop.time() + seconds
        self._look_at_end()

    def _look_at_end(self) -> None:
        if self in self.connections:  # and not a WebSocket by now, or gone
            # Never later than an answer until then would have it.
            when = min(self.ends_at, self.loop.time() + self.timeout_keep_alive)
            handler = self.timeout_keep_alive_handler
            self.timeout_keep_alive_task = self.loop.call_at(when, handler)


class _Ended(list[tuple[bytes, bytes]]):
    """The headers of a head that has ended, which nothing joins any more."""

    def append(self, _: tuple[bytes, bytes]) -> None: ...
