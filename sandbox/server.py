"""The sandbox as a whole: every emulator on a loopback port of one process, over real HTTP.

    async with Sandbox() as sandbox:
        sandbox.urls["hubspot"], sandbox.credentials["hubspot"]
        sandbox.gates["hubspot"].faults.add(Fault(kind=FaultKind.DELAY, ms=500))
        sandbox.gates["hubspot"].calls.count("POST", "/crm/v3/objects/contacts/batch")

Without a socket: `httpx.ASGITransport(app=sandbox.gates["hubspot"])` works before `start`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import Receive, Scope, Send

from sandbox.gate import Gate
from sandbox.seed import build_world
from sandbox.vendor import Vendor
from sandbox.vendors import VENDORS
from sandbox.world import World

_HOST = "127.0.0.1"


class Sandbox:
    """All emulators over one world. `urls` is filled by `start`; ports default to free ones."""

    def __init__(
        self,
        world: World | None = None,
        *,
        vendors: Sequence[Vendor] = VENDORS,
        ports: Mapping[str, int] | None = None,
        latency_ms: float = 0.0,
    ) -> None:
        self.world = build_world() if world is None else world
        self.gates = {
            vendor.name: Gate(vendor.build(self.world), vendor.dialect, latency_ms=latency_ms)
            for vendor in vendors
        }
        self.credentials = {vendor.name: vendor.credentials for vendor in vendors}
        self.urls: dict[str, str] = {}
        self._ports = ports or {}
        self._server: _QuietServer | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen on every port, then return. OSError where a port is taken."""
        sockets = self._listen()
        ports = {name: sock.getsockname()[1] for name, sock in sockets.items()}
        self.urls = {name: f"http://{_HOST}:{port}" for name, port in ports.items()}
        app = _ByPort({port: self.gates[name] for name, port in ports.items()})
        self._server = _QuietServer(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._serving = asyncio.create_task(self._server.serve(list(sockets.values())))
        try:
            await self._server.until_started(self._serving)
        except BaseException:
            for sock in sockets.values():
                sock.close()
            raise

    def _listen(self) -> dict[str, socket.socket]:
        """A bound socket for each emulator; none stays open if one port is taken."""
        with contextlib.ExitStack() as on_failure:
            sockets = {}
            for name in self.gates:
                sock = on_failure.enter_context(_tcp())
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((_HOST, self._ports.get(name, 0)))
                sockets[name] = sock
            on_failure.pop_all()
        return sockets

    async def stop(self) -> None:
        """Release what hangs, finish what runs, close the ports."""
        for gate in self.gates.values():
            gate.faults.clear()
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
            self._server = self._serving = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()


class _ByPort:
    """One server, several emulators: the port a request came in on says which."""

    def __init__(self, gates: Mapping[int, Gate]) -> None:
        self._gates = gates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._gates[scope["server"][1]](scope, receive, send)


class _QuietServer(uvicorn.Server):
    """uvicorn inside another program: its host keeps the signals and waits for the start."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._listening.set()

    async def until_started(self, serving: asyncio.Task[None]) -> None:
        """Return once every port listens; raise what kept them from it."""
        listening = asyncio.create_task(self._listening.wait())
        await asyncio.wait({listening, serving}, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            listening.cancel()
            await serving


def _tcp() -> socket.socket:
    """Named as TCP, or asyncio leaves Nagle's delay of 40 ms on for each answer."""
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
