"""The ASGI server: uvicorn inside this program, which keeps the signals and closes what it opened.

SIGTERM and SIGINT drain: no new connection is taken, running requests get `drain_s`, then the state
store and the sources are closed. A second SIGINT waits for nobody.
"""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, TypeVar, cast

import uvicorn
import uvloop
from starlette.types import ASGIApp

from domain.errors import ConfigError
from gateway import crew
from gateway.bounds import Bounded
from gateway.config import Server as Settings
from gateway.connection import Front
from gateway.direct import Direct
from gateway.hosts import is_loopback

logger = logging.getLogger(__name__)

BACKLOG: Final = 2048
IDLE_S: Final = 2.0
"""How long a stopping server waits for the next request of a connection that is kept."""
MESSAGE_BYTES: Final = 2**20
"""Of one WebSocket message."""
YOUNG: Final = 200_000
"""Objects between two looks of the collector; Python's own figure is 700. What is under way at one
time is no garbage, and requests leave hardly any: a quarter of this made looking a sixth of Q2.
"""
OLDER: Final = 5
"""Looks at the young ones between two looks at older ones too; Python's own figure is 10. With 20,
what was kept of requests that had ended came to 80 MB, and one look took half a second.
"""

T = TypeVar("T")
Announce = Callable[[str], None]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the event loop the product is measured on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def serve(
    app: ASGIApp,
    listening: socket.socket,
    settings: Settings,
    announce: Announce,
    drain: Callable[[], None] = lambda: None,
    *,
    direct: Direct | None = None,
) -> None:
    """Until a signal ends it. `announce` gets the address once requests are answered; `drain` ends
    what would not end by itself; `direct` is handed plain requests without ASGI.
    """
    server = _Server(
        uvicorn.Config(
            app,
            # Called as a class is; uvicorn looks no closer.
            http=Bounded if direct is None else cast(Any, Front(direct).connection),
            ws="websockets-sansio",
            ws_max_size=MESSAGE_BYTES,
            ws_per_message_deflate=False,  # a compressor for each socket is 300 KB
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=max(1, round(settings.drain_s)),
        ),
        lambda: announce(address(settings.host, listening)),
        drain,
    )
    logger.info("serving port=%s", listening.getsockname()[1])
    watching = asyncio.create_task(_end_with_crew(server))
    try:
        await server.serve(sockets=[listening])
    finally:
        watching.cancel()
        gc.unfreeze()  # what is frozen is not taken down at the end, which libraries complain of
    logger.info("stopped")


async def _end_with_crew(server: uvicorn.Server) -> None:
    if crew.is_worker():
        await crew.until_orphaned()
        server.handle_exit(signal.SIGTERM, None)


def settle() -> None:
    """What is there at the start stays; the collector looks at what requests leave behind, in
    larger steps, since an answer holds thousands of records that are all gone when it is out.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; callers wait in it until they are served. Raises ConfigError."""
    try:
        return _listening(host, port)
    except OSError as error:
        why = error.strerror or "no such address"
        raise ConfigError(f"server: cannot listen on {host} port {port}: {why}") from error


def _listening(host: str, port: int) -> socket.socket:
    kind = socket.SOCK_STREAM
    family, *_, where = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
    with contextlib.ExitStack() as undo:
        opened = undo.enter_context(socket.socket(family, kind))
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(where)
        opened.listen(BACKLOG)
        opened.setblocking(False)
        undo.pop_all()
    return opened


def address(host: str, listening: socket.socket) -> str:
    """What a caller on this machine types."""
    shown = host if is_loopback(host) else socket.gethostname()
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{listening.getsockname()[1]}"


class _Server(uvicorn.Server):
    """uvicorn would end the process by its signal, before what surrounds it is closed."""

    def __init__(
        self, config: uvicorn.Config, started: Callable[[], None], drain: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._started = started
        self._drain = drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            settle()
            self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Connections that are kept are told to close with their next answer: closed under a caller
        who is just sending, its request would be lost.
        """
        for server in self.servers:
            server.close()
        self._drain()
        common = self.server_state.default_headers
        self.server_state.default_headers = [*common, (b"connection", b"close")]
        now = asyncio.get_running_loop().time
        until = now() + min(IDLE_S, self.config.timeout_graceful_shutdown or 0)
        while self.server_state.connections and now() < until:  # noqa: ASYNC110  # uvicorn tells nobody
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, self.handle_exit, one, None)
        try:
            yield
        finally:
            for one in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(one)
