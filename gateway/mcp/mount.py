"""`/mcp`: who calls is known, and no other site's page does; then the protocol answers."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.auth import Doorkeeper
from gateway.hosts import Origin
from gateway.refusals import NotAllowed

PATH: Final = "/mcp"

NewManager = Callable[[Any], Any]
"""Of the module that speaks the protocol."""


class Agents:
    """The endpoint; `running` is entered around the time of serving."""

    def __init__(
        self, doorkeeper: Doorkeeper, origins: Sequence[Origin], new_manager: NewManager
    ) -> None:
        self._doorkeeper = doorkeeper
        self._allowed = re.compile("|".join(one.pattern for one in origins) or r"(?!)")
        self._new_manager = new_manager
        self._starting = asyncio.Lock()
        self._manager: Any = None
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def route(self) -> Route:
        return Route(PATH, self, methods=["GET", "POST", "DELETE"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        headers = request.headers
        self._doorkeeper.identify(headers.get("authorization"), headers.get("host"))
        origin = headers.get("origin")
        if origin is not None and not self._allowed.fullmatch(origin):
            raise NotAllowed("pages of this origin may not call; see server.allowed_origins")
        manager = await self._started()
        await manager.handle_request(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What the first request started ends with the block."""
        try:
            yield
        finally:
            self._over.set()
            if self._task is not None:
                await self._task

    async def _started(self) -> Any:
        async with self._starting:
            if self._manager is None:
                module = await asyncio.to_thread(import_module, "gateway.mcp.server")
                manager = self._new_manager(module)
                ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                # The library ends its tasks in the task that began them, which no request is.
                self._task = asyncio.create_task(self._run(manager, ready))
                await ready
                self._manager = manager
        return self._manager

    async def _run(self, manager: Any, ready: "asyncio.Future[None]") -> None:
        """What keeps it from beginning is told to the request that waits for it."""
        try:
            async with manager.run():
                ready.set_result(None)
                await self._over.wait()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)
