"""The ASGI server: uvicorn inside this program, which keeps the signals and closes what it opened.

SIGTERM and SIGINT drain: no new connection is taken, running requests get `drain_s`, then the state
store and the sources are closed. A second SIGINT waits for nobody.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, TypeVar

import uvicorn
import uvloop
from starlette.types import ASGIApp

from domain.errors import ConfigError
from gateway.config import Server as Settings
from gateway.hosts import is_loopback

BACKLOG: Final = 2048

T = TypeVar("T")
Announce = Callable[[str], None]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the event loop the product is measured on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def serve(app: ASGIApp, settings: Settings, announce: Announce) -> None:
    """Until a signal ends it. `announce` gets the address once connections are taken. Raises
    ConfigError where it cannot be listened on.
    """
    listening = listen(settings.host, settings.port)
    server = _Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=max(1, round(settings.drain_s)),
        ),
        lambda: announce(address(settings.host, listening)),
    )
    with listening:
        await server.serve(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ConfigError."""
    try:
        family, *_, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(where)
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError as error:
        raise ConfigError(
            f"server: cannot listen on {host} port {port}: {error.strerror}"
        ) from error
    return opened


def address(host: str, listening: socket.socket) -> str:
    """What a caller on this machine types."""
    shown = host if is_loopback(host) else socket.gethostname()
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{listening.getsockname()[1]}"


class _Server(uvicorn.Server):
    """uvicorn would end the process by its signal, before what surrounds it is closed."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._started()

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
