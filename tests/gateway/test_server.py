"""The server as a process sees it: its socket, its signals, its end."""

import asyncio
import os
import signal
import socket
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from domain.errors import ConfigError
from gateway.config import Server
from gateway.server import address, listen, serve


class App:
    """Answers when it is told to, and keeps a list of what happened."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        self.entered.set()
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})
        self.told.append("answered")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.told.append("closed")
        await send({"type": "lifespan.shutdown.complete"})


async def _started(app: Any, **settings: Any) -> tuple[str, asyncio.Task[None]]:
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    listening = listen("127.0.0.1", 0)
    serving = asyncio.create_task(serve(app, listening, Server(**settings), found.set_result))
    return await found, serving


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_running_requests_end(ending: signal.Signals) -> None:
    app = App()
    where, serving = await _started(app)
    async with httpx.AsyncClient() as client:
        asking = asyncio.create_task(client.get(where))
        await app.entered.wait()
        os.kill(os.getpid(), ending)
        await asyncio.sleep(0)
        app.go_on.set()
        assert (await asking).text == "done"
    await serving
    assert app.told == ["answered", "closed"]


async def test_a_request_that_does_not_end_is_not_waited_for_longer_than_said() -> None:
    app = App()
    where, serving = await _started(app, drain_s=0.0)
    async with httpx.AsyncClient() as client:
        asking = asyncio.create_task(client.get(where))
        await app.entered.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        assert (await asking).status_code == 500
    await serving
    assert app.told == ["closed"]


async def test_a_port_that_is_taken_is_said_to_be() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1 port {port}"):
            listen("127.0.0.1", port)


def test_a_host_that_is_not_ours_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1 port 0"):
        listen("192.0.2.1", 0)


def test_the_address_is_one_that_can_be_typed() -> None:
    with listen("127.0.0.1", 0) as opened:
        assert address("127.0.0.1", opened) == f"http://127.0.0.1:{opened.getsockname()[1]}"
        assert address("::1", opened).startswith("http://[::1]:")
        assert socket.gethostname() in address("0.0.0.0", opened)  # noqa: S104  # shown only
