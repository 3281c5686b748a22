"""A small world whose clock stands still, and a client for each emulator without a socket."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from sandbox.seed import build_world
from sandbox.world import World


@pytest.fixture
def world(clock) -> World:
    return build_world(people=60, seed=7, now=clock.now(), clock=clock.now)


Connect = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def connect() -> Connect:
    """Opens a client on a bare ASGI app: `async with connect(app, headers=...) as client`."""

    @asynccontextmanager
    async def opened(app, **options) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://sandbox.test", **options
        ) as client:
            yield client

    return opened
